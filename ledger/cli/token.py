"""What `ledger token` does: it creates, lists and revokes what opens the query API."""

from datetime import datetime

import click

from ledger.access.tokens import all_tokens, create_token, revoke_token
from ledger.cli.invocation import open_ledger
from ledger.cli.output import echo_document
from ledger.cli.reader_commands import echo_readers, public_fields, warn_of_unknown_shops
from ledger.instants import utc_now
from ledger.ipn.lookalikes import printable


def print_new_token(
    name: str,
    role: str,
    *,
    shops: tuple[str, ...] | None,
    expires_at: datetime | None,
    as_json: bool,
) -> None:
    """Create a token and print it, this once."""
    ledger = open_ledger()
    with ledger.database.begin() as connection:
        created, secret = create_token(
            connection, name=name, role=role, now=utc_now(), shops=shops, expires_at=expires_at
        )
    warn_of_unknown_shops(shops, ledger.shops)
    if as_json:
        echo_document({**public_fields(created), "token": secret})
        return
    click.echo(secret)
    click.echo(f"token {created.id} of {printable(name)}: {role}; it is not shown again", err=True)


def print_tokens(*, as_json: bool) -> None:
    """Print every token ever created, but for the token itself."""
    with open_ledger().database.connect() as connection:
        tokens = all_tokens(connection)
    echo_readers(tokens, "token", "used", as_json=as_json)


def revoke_by_id(token_id: str) -> None:
    """Close a token for good."""
    with open_ledger().database.begin() as connection:
        revoked = revoke_token(connection, token_id, now=utc_now())
    click.echo(f"revoked {revoked.id} of {printable(revoked.name)}")
