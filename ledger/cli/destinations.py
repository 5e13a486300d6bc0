"""What `ledger destinations` does: lists where events are published to, and decides about one."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click
from sqlalchemy import Connection

from ledger.cli.invocation import open_ledger
from ledger.cli.output import counted, echo_json_lines, echo_table
from ledger.cli.shop_findings import FAULT, OK, WARNING, Finding
from ledger.errors import NotFoundError
from ledger.instants import write_public_instant
from ledger.publishing.standing import DestinationStanding, lag_of, standing_of, standings
from ledger.queries.event_sentences import clock
from ledger.storage.database import Database

SUBJECT = "publishing"
LAG_SECONDS_MAX = 600.0
"""A destination that is published to is behind for a few seconds."""

_COLUMNS = ("state", "position", "events behind", "failures", "personal", "name", "reason")


def print_destinations(*, as_json: bool) -> None:
    """Print every destination and how it stands."""
    with closing(open_ledger()) as ledger, ledger.database.connect() as connection:
        known = [(each, *lag_of(connection, each.position)) for each in standings(connection)]
    if as_json:
        echo_json_lines(
            _data(standing) | {"lag_positions": behind, "lag_seconds": seconds}
            for standing, behind, seconds in known
        )
    else:
        echo_table(_COLUMNS, [_row(standing, behind) for standing, behind, _ in known])
    click.echo(counted(len(known), "destination"), err=True)


def decide(name: str, alter: Callable[[Connection], None], said: str) -> None:
    """Change how a destination stands, and say so. Errors: NotFoundError if it is not known."""
    with closing(open_ledger()) as ledger, ledger.database.begin() as connection:
        if standing_of(connection, name) is None:
            raise NotFoundError(f"nothing was ever published to {name}: see `ledger destinations`")
        alter(connection)
    click.echo(f"{name}: {said}", err=True)


def destination_findings(database: Database) -> Iterator[Finding]:
    """Report how publishing stands; nothing where nothing was ever published."""
    with database.connect() as connection:
        known = [(each, *lag_of(connection, each.position)) for each in standings(connection)]
    for standing, behind, seconds in known:
        state, words = OK, f"at position {standing.position}"
        if standing.disabled_at is not None:
            state = FAULT
            words = (
                f"disabled since {clock(standing.disabled_at)}, {standing.reason}: mend it, then"
                f" run `ledger destinations enable {standing.name}`"
            )
        elif standing.failing_since is not None:
            state = WARNING
            words = f"failing since {clock(standing.failing_since)}: {standing.reason}"
        elif seconds > LAG_SECONDS_MAX:
            state = WARNING
            words = f"{counted(behind, 'event')} behind, {seconds:.0f} s: is nobody publishing?"
        yield Finding(state, SUBJECT, f"{standing.name}  {words}", {"position": standing.position})


def _state(remembered: DestinationStanding) -> str:
    if remembered.disabled_at is not None:
        return "disabled"
    return "failing" if remembered.failing_since is not None else "ok"


def _row(remembered: DestinationStanding, behind: int) -> tuple[object, ...]:
    personal = "personal" if remembered.has_personal else "masked"
    figures = (remembered.position, behind, remembered.failures)
    return _state(remembered), *figures, personal, remembered.name, remembered.reason


def _data(remembered: DestinationStanding) -> dict[str, Any]:
    fields = {
        name: write_public_instant(value) if isinstance(value, datetime) else value
        for name, value in asdict(remembered).items()
    }
    return fields | {"state": _state(remembered)}
