"""What `ledger token` and `ledger user` share: their options, and lists of readers."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import click
import orjson

from ledger.access.readers import Reader
from ledger.access.roles import ROLES
from ledger.access.tokens import Token
from ledger.access.users import User
from ledger.cli.invocation import INSTANT
from ledger.instants import utc_now, write_public_instant
from ledger.ipn.lookalikes import printable


def _refuse_past(_: click.Context, __: click.Parameter, expires: datetime | None) -> object:
    if expires is not None and expires <= utc_now():
        raise click.UsageError("--expires is in the past")
    return expires


role_option = click.option("--role", type=click.Choice(ROLES), required=True)
shops_option = click.option(
    "--shop", "shops", multiple=True, help="Only this shop; may be given several times."
)
expires_option = click.option(
    "--expires", type=INSTANT, callback=_refuse_past, help="Until when (ISO 8601)."
)


def public_fields(reader: Reader) -> dict[str, Any]:
    """Return what may be shown of a reader, by field, with instants as text."""
    shown = {field.name: getattr(reader, field.name) for field in fields(reader) if field.repr}
    return {
        name: write_public_instant(value) if isinstance(value, datetime) else value
        for name, value in shown.items()
    }


def echo_readers(
    readers: Sequence[Token] | Sequence[User], plural: str, used: str, *, as_json: bool
) -> None:
    """Print a line for each reader, the verb `used` with its last use; their number to stderr."""
    for reader in readers:
        if as_json:
            click.echo(orjson.dumps(public_fields(reader)))
            continue
        last = reader.last_used_at
        last_use = f"never {used}" if last is None else f"{used} {write_public_instant(last)[:16]}Z"
        shops = "all shops" if reader.shops is None else ",".join(reader.shops)
        state = reader.state_at(utc_now())
        words = (reader.id, state, reader.role, shops, last_use, reader.name)
        click.echo("\t".join(printable(word) for word in words))
    if not as_json:
        click.echo(f"{len(readers)} {plural}", err=True)
