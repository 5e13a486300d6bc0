"""`ledger token`: who may ask the query API, and with what role."""

from datetime import datetime

import click
import orjson

from ledger.access.tokens import all_tokens, create_token, revoke_token
from ledger.cli.invocation import json_lines_option, json_option, open_ledger
from ledger.cli.reader_commands import (
    echo_readers,
    expires_option,
    public_fields,
    role_option,
    shops_option,
)
from ledger.instants import utc_now
from ledger.ipn.lookalikes import printable


@click.group()
def token() -> None:
    """Tokens of the query API: create, list, revoke."""


@token.command()
@click.option("--name", required=True, help="Whose it is; shown in the access log.")
@role_option
@shops_option
@expires_option
@json_option
def create(
    name: str, role: str, shops: tuple[str, ...], expires: datetime | None, as_json: bool
) -> None:
    """Make a token and print it, this once: only its hash is kept."""
    ledger = open_ledger()
    with ledger.database.begin() as connection:
        created, secret = create_token(
            connection, name=name, role=role, now=utc_now(), shops=shops or None, expires_at=expires
        )
    if as_json:
        click.echo(orjson.dumps({**public_fields(created), "token": secret}))
        return
    click.echo(secret)
    click.echo(f"token {created.id} of {printable(name)}: {role}; it is not shown again", err=True)


@token.command("list")
@json_lines_option
def list_(as_json: bool) -> None:
    """List every token ever made, oldest first; never the token itself."""
    with open_ledger().database.connect() as connection:
        tokens = all_tokens(connection)
    echo_readers(tokens, "tokens", "used", as_json=as_json)


@token.command()
@click.argument("token_id", metavar="ID")
def revoke(token_id: str) -> None:
    """Close a token for good; takes effect with the next call."""
    with open_ledger().database.begin() as connection:
        revoked = revoke_token(connection, token_id, now=utc_now())
    click.echo(f"revoked {revoked.id} of {printable(revoked.name)}")
