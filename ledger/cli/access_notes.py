"""Notes in the access log who has read personal data by the command line, as the API does."""

import getpass
import os
from typing import NamedTuple

import click
from sqlalchemy.exc import SQLAlchemyError

from ledger.access.log import Access, note_access
from ledger.access.roles import OPERATOR
from ledger.application import Ledger
from ledger.cli.output import warn
from ledger.instants import utc_now

_COMMAND_LINE = "command-line"
"""Stands in the access log where the id of a token would."""
OK, NOT_FOUND = 200, 404
"""How a read ended, in the access log: as the API answers."""


class Read(NamedTuple):
    """What was read. Shape: `mode` in lower case, `kind` as the API names it."""

    kind: str
    reference: str | None = None
    shop_id: str | None = None
    mode: str | None = None
    status: int = OK


def note_reads(ledger: Ledger, *reads: Read) -> None:
    """Write a line for each read, before anything is shown; warn when it cannot be written.

    Whoever has the command line has the database, so that a full disk does not keep them from it.
    """
    context = click.get_current_context(silent=True)
    route = f"ledger {context.command_path.partition(' ')[2]}" if context else "ledger"
    try:
        with ledger.database.begin() as connection:
            for each in reads:
                note_access(connection, _access(route, each))
    except SQLAlchemyError:
        warn("this read could not be noted in the access log")


def _access(route: str, noted: Read) -> Access:
    return Access(
        at=utc_now(),
        token_id=_COMMAND_LINE,
        token_name=user_name(),
        role=OPERATOR,
        method="CLI",
        route=route,
        kind=noted.kind,
        shop_id=noted.shop_id,
        mode=noted.mode,
        reference=noted.reference,
        status=noted.status,
        peer=None,
    )


def user_name() -> str:
    """Return who works at the command line; a number in a container that knows no names."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
