"""How `ledger user` is called."""

from datetime import datetime

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import DATABASE, LEDGER, DocumentedGroup
from ledger.cli.options import expires_option, json_lines_option, role_option, shops_option

own_password_option = click.option(
    "--own",
    "is_own",
    is_flag=True,
    help="The user types the password, and need not replace it.",
)


@click.group(cls=DocumentedGroup, short_help=SHORT_HELPS["user"])
def user() -> None:
    """Add, list, disable and enable the people who sign in to the pages.

    The command asks for a password, or reads it from standard input; it is never an argument. A
    user who gets one from an operator sees no page before they have replaced it.
    """


@user.command(
    short_help="Add a user, who then replaces the password.",
    variables=LEDGER,
    examples=(
        "ledger user add jo --role auditor --shop-id 12345678",
        "ledger user add jo --role operator --own < password",
    ),
)
@click.argument("name")
@role_option
@shops_option
@expires_option
@own_password_option
def add(
    name: str, role: str, shops: tuple[str, ...], expires: datetime | None, *, is_own: bool
) -> None:
    """Add a user, who replaces the password by one of their own at the first sign-in."""
    from ledger.cli.user import add_person

    add_person(name, role, shops=shops or None, expires_at=expires, is_own=is_own)


@user.command(
    "list",
    short_help="List every user, with state and last sign-in.",
    variables=DATABASE,
    examples=("ledger user list", "ledger user list --json"),
)
@json_lines_option
def list_(as_json: bool) -> None:
    """List every user, oldest first; never a password."""
    from ledger.cli.user import print_users

    print_users(as_json=as_json)


@user.command(
    short_help="Change a user's password; end all their sessions.",
    variables=LEDGER,
    examples=("ledger user password jo",),
)
@click.argument("name")
@own_password_option
def password(name: str, *, is_own: bool) -> None:
    """Give a user another password, which they then replace; end all their sessions."""
    from ledger.cli.user import give_password

    give_password(name, is_own=is_own)


@user.command(
    short_help="Block a user; end all their sessions.",
    variables=DATABASE,
    examples=("ledger user disable jo",),
)
@click.argument("name")
def disable(name: str) -> None:
    """Block a user and end all their sessions. This takes effect immediately."""
    from ledger.cli.user import disable_person

    disable_person(name)


@user.command(
    short_help="Let a user sign in again who was disabled.",
    variables=DATABASE,
    examples=("ledger user enable jo",),
)
@click.argument("name")
def enable(name: str) -> None:
    """Let a user sign in again who was disabled."""
    from ledger.cli.user import enable_person

    enable_person(name)


@user.command(
    "reset-second-factor",
    short_help="Let a user sign in without the device that they lost.",
    variables=DATABASE,
    examples=("ledger user reset-second-factor jo",),
)
@click.argument("name")
def reset_second_factor(name: str) -> None:
    """Let a user sign in without the device that they lost; end all their sessions."""
    from ledger.cli.user import reset_device

    reset_device(name)
