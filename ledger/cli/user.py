"""`ledger user`: who may sign in to the pages, and with what role."""

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
from ledger.cli.invocation import json_lines_option, open_ledger
from ledger.cli.reader_commands import echo_readers, expires_option, role_option, shops_option
from ledger.errors import NotFoundError
from ledger.instants import utc_now
from ledger.ipn.lookalikes import printable

own_password_option = click.option(
    "--own",
    "is_own",
    is_flag=True,
    help="It is typed by whoever signs in with it, and need not be replaced.",
)


@click.group()
def user() -> None:
    """People who sign in to the pages: add, list, password, disable, enable, reset-second-factor.

    A password is asked for, or read from standard input; it is never an argument. Whoever gets
    one from an operator sees no page before they have replaced it.
    """


@user.command()
@click.argument("name")
@role_option
@shops_option
@expires_option
@own_password_option
def add(
    name: str,
    role: str,
    shops: tuple[str, ...],
    expires: datetime | None,
    *,
    is_own: bool,
) -> None:
    """Let somebody sign in, who then replaces the password by one of their own."""
    ledger = open_ledger()
    password = _read_password()
    with ledger.database.begin() as connection:
        added = add_user(
            connection,
            name=name,
            password=password,
            role=role,
            now=utc_now(),
            shops=shops or None,
            expires_at=expires,
            must_change_password=not is_own,
            local_words=names_of_shops(ledger.shops),
        )
    click.echo(f"added {added.id}: {printable(added.name)}, {role}")


@user.command("list")
@json_lines_option
def list_(as_json: bool) -> None:
    """List everybody, oldest first; never a password."""
    with open_ledger().database.connect() as connection:
        users = all_users(connection)
    echo_readers(users, "users", "signed in", as_json=as_json)


@user.command()
@click.argument("name")
@own_password_option
def password(name: str, *, is_own: bool) -> None:
    """Give somebody another password, which they then replace; ends all their sessions."""
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


@user.command()
@click.argument("name")
def disable(name: str) -> None:
    """Let somebody sign in no more; takes effect with their next click."""
    with open_ledger().database.begin() as connection:
        disabled = disable_user(connection, name, now=utc_now())
    click.echo(f"disabled {printable(disabled.name)}; all sessions are ended")


@user.command()
@click.argument("name")
def enable(name: str) -> None:
    """Let somebody who was disabled sign in again."""
    with open_ledger().database.begin() as connection:
        enabled = enable_user(connection, name)
    click.echo(f"enabled {printable(enabled.name)}")


@user.command("reset-second-factor")
@click.argument("name")
def reset_second_factor_(name: str) -> None:
    """Let somebody sign in without the device that they lost; ends all their sessions."""
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
