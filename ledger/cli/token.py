"""`ledger token`: who may ask the query API, and with what role."""

from dataclasses import fields
from datetime import datetime
from typing import Any

import click
import orjson

from ledger.access import ROLES, Token, all_tokens, create_token, revoke_token
from ledger.application import utc_now
from ledger.cli.instant import Instant
from ledger.cli.opening import open_ledger
from ledger.items import instant
from ledger.queries.event_sentences import printable


@click.group()
def token() -> None:
    """Tokens of the query API: create, list, revoke."""


@token.command()
@click.option("--name", required=True, help="Whose it is; shown in the access log.")
@click.option("--role", type=click.Choice(ROLES), required=True)
@click.option("--shop", "shops", multiple=True, help="Only this shop; may be given several times.")
@click.option("--expires", type=Instant(), help="Until when it is valid (ISO 8601).")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def create(
    name: str, role: str, shops: tuple[str, ...], expires: datetime | None, as_json: bool
) -> None:
    """Make a token and print it, this once: only its hash is kept."""
    ledger = open_ledger()
    now = utc_now()
    if expires is not None and expires <= now:
        raise click.UsageError("--expires is in the past")
    with ledger.database.begin() as connection:
        made, secret = create_token(
            connection, name=name, role=role, now=now, shops=shops or None, expires_at=expires
        )
    if as_json:
        click.echo(orjson.dumps({**_data(made), "token": secret}))
        return
    click.echo(secret)
    click.echo(f"token {made.id} of {printable(name)}: {role}; it is not shown again", err=True)


@token.command("list")
@click.option("--json", "as_json", is_flag=True, help="For machines: a line each.")
def list_(as_json: bool) -> None:
    """List every token ever made, oldest first; never the token itself."""
    ledger = open_ledger()
    with ledger.database.connect() as connection:
        found = all_tokens(connection)
    for one in found:
        click.echo(orjson.dumps(_data(one)) if as_json else _line(one))
    if not as_json:
        click.echo(f"{len(found)} tokens", err=True)


@token.command()
@click.argument("token_id", metavar="ID")
def revoke(token_id: str) -> None:
    """Close a token for good; takes effect with the next call."""
    ledger = open_ledger()
    with ledger.database.begin() as connection:
        gone = revoke_token(connection, token_id, now=utc_now())
    click.echo(f"revoked {gone.id} of {printable(gone.name)}")


def _data(one: Token) -> dict[str, Any]:
    told = {each.name: getattr(one, each.name) for each in fields(one)}
    del told["secret_hash"]
    return {
        name: instant(value) if isinstance(value, datetime) else value
        for name, value in told.items()
    }


def _line(one: Token) -> str:
    shops = "all shops" if one.shops is None else ",".join(one.shops)
    state = "valid" if one.is_valid_at(utc_now()) else "revoked" if one.revoked_at else "expired"
    used = "never used" if one.last_used_at is None else f"used {instant(one.last_used_at)[:16]}Z"
    return "\t".join(printable(word) for word in (one.id, state, one.role, shops, used, one.name))
