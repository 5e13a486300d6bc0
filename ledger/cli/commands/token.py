"""How `ledger token` is called."""

from datetime import datetime

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import DATABASE, LEDGER, DocumentedGroup
from ledger.cli.options import (
    expires_option,
    json_lines_option,
    json_option,
    role_option,
    shops_option,
)


@click.group(cls=DocumentedGroup, short_help=SHORT_HELPS["token"])
def token() -> None:
    """Create, list and revoke the tokens that open the query API."""


@token.command(
    short_help="Create a token and print it, this once.",
    variables=LEDGER,
    examples=(
        "ledger token create --name accounting --role auditor --shop-id 12345678",
        "ledger token create --name nightly --role auditor --expires 2999-12-31 > token",
    ),
)
@click.option("--name", required=True, help="Whose it is; shown in the access log.")
@role_option
@shops_option
@expires_option
@json_option
def create(
    name: str, role: str, shops: tuple[str, ...], expires: datetime | None, as_json: bool
) -> None:
    """Create a token and print it, this once: the ledger keeps only its hash."""
    from ledger.cli.token import print_new_token

    print_new_token(name, role, shops=shops or None, expires_at=expires, as_json=as_json)


@token.command(
    "list",
    short_help="List every token, with its state and last use.",
    variables=DATABASE,
    examples=("ledger token list", "ledger token list --json"),
)
@json_lines_option
def list_(as_json: bool) -> None:
    """List every token ever created, oldest first; never the token itself."""
    from ledger.cli.token import print_tokens

    print_tokens(as_json=as_json)


@token.command(
    short_help="Close a token for good.",
    variables=DATABASE,
    examples=("ledger token revoke 01JNZ8T4Q2V7M3K5X9C6B0D1EF",),
)
@click.argument("token_id", metavar="ID")
def revoke(token_id: str) -> None:
    """Close a token for good. This takes effect immediately."""
    from ledger.cli.token import revoke_by_id

    revoke_by_id(token_id)
