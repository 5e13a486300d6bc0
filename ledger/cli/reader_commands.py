"""What `ledger token` and `ledger user` share: lists of readers, and a warning of their shops."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import click

from ledger.access.readers import Reader
from ledger.access.tokens import Token
from ledger.access.users import User
from ledger.cli.output import counted, echo_json_lines, echo_table, warn
from ledger.instants import utc_now, write_public_instant
from ledger.ipn.lookalikes import printable
from ledger.ipn.shops_and_keys import Shops


def public_fields(reader: Reader) -> dict[str, Any]:
    """Return what may be shown of a reader, by field, with instants as text."""
    shown = {field.name: getattr(reader, field.name) for field in fields(reader) if field.repr}
    return {
        name: write_public_instant(value) if isinstance(value, datetime) else value
        for name, value in shown.items()
    }


def warn_of_unknown_shops(ids: Sequence[str] | None, shops: Shops) -> None:
    """Warn of shops that the shops file does not have, if there is one: a digit may be wrong."""
    for shop_id in ids or ():
        if shops.shop_by_id and shop_id not in shops.shop_by_id:
            message = f"the shops file has no shop {printable(shop_id)}"
            warn(f"{message}; there is nothing to see of it until it does")


def echo_readers(
    readers: Sequence[Token] | Sequence[User], noun: str, used: str, *, as_json: bool
) -> None:
    """Print each reader, with the verb `used` for its last use; their number to stderr."""
    if as_json:
        echo_json_lines(map(public_fields, readers))
        return
    columns = ("id", "state", "role", "shops", "last use", "name")
    echo_table(columns, (_row(reader, used) for reader in readers))
    click.echo(counted(len(readers), noun), err=True)


def _row(listed: Token | User, used: str) -> tuple[str, ...]:
    last = listed.last_used_at
    last_use = f"never {used}" if last is None else f"{used} {write_public_instant(last)[:16]}Z"
    shops = "all shops" if listed.shops is None else ",".join(listed.shops)
    return listed.id, listed.state_at(utc_now()), listed.role, shops, last_use, listed.name
