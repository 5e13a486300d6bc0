"""What `ledger user` does: it lets people sign in to the pages, or no more."""

import sys
from datetime import datetime

import click

from ledger.access.password_rules import names_of_shops
from ledger.access.second_factor import reset_second_factor
from ledger.access.users import (
    add_user,
    all_users,
    change_password,
    disable_user,
    enable_user,
    user_by_name,
)
from ledger.cli.invocation import open_ledger
from ledger.cli.reader_commands import echo_readers, warn_of_unknown_shops
from ledger.errors import NotFoundError
from ledger.instants import utc_now
from ledger.ipn.lookalikes import printable


def add_person(
    name: str,
    role: str,
    *,
    shops: tuple[str, ...] | None,
    expires_at: datetime | None,
    is_own: bool,
) -> None:
    """Add a user with the password that is typed or read."""
    ledger = open_ledger()
    password = _read_password()
    with ledger.database.begin() as connection:
        added = add_user(
            connection,
            name=name,
            password=password,
            role=role,
            now=utc_now(),
            shops=shops,
            expires_at=expires_at,
            must_change_password=not is_own,
            local_words=names_of_shops(ledger.shops),
        )
    warn_of_unknown_shops(shops, ledger.shops)
    click.echo(f"added {added.id}: {printable(added.name)}, {role}")


def print_users(*, as_json: bool) -> None:
    """Print every user, but for the passwords."""
    with open_ledger().database.connect() as connection:
        users = all_users(connection)
    echo_readers(users, "user", "signed in", as_json=as_json)


def give_password(name: str, *, is_own: bool) -> None:
    """Change a user's password to the one that is typed or read."""
    ledger = open_ledger()
    new_password = _read_password()
    with ledger.database.begin() as connection:
        changed = change_password(
            connection,
            name,
            new_password,
            now=utc_now(),
            must_change_password=not is_own,
            local_words=names_of_shops(ledger.shops),
        )
    click.echo(f"changed the password of {printable(changed.name)}; all sessions are ended")


def disable_person(name: str) -> None:
    """Block a user and end all their sessions."""
    with open_ledger().database.begin() as connection:
        disabled = disable_user(connection, name, now=utc_now())
    click.echo(f"disabled {printable(disabled.name)}; all sessions are ended")


def enable_person(name: str) -> None:
    """Let a user sign in again who was disabled."""
    with open_ledger().database.begin() as connection:
        enabled = enable_user(connection, name)
    click.echo(f"enabled {printable(enabled.name)}")


def reset_device(name: str) -> None:
    """Let a user sign in without their second factor. Errors: NotFoundError."""
    with open_ledger().database.begin() as connection:
        person = user_by_name(connection, name)
        if person is None:
            raise NotFoundError("there is no such user")
        had_device = reset_second_factor(connection, person)
    done = "reset the second factor of" if had_device else "there was no second factor of"
    click.echo(f"{done} {printable(person.name)}; all sessions are ended")


def _read_password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")
