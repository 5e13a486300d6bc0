"""`ledger user`: who may sign in to the pages, and with what role."""

import sys
from dataclasses import fields
from datetime import datetime
from typing import Any

import click
import orjson

from ledger.access import ROLES
from ledger.application import utc_now
from ledger.cli.instant import Instant
from ledger.cli.opening import open_ledger
from ledger.items import instant
from ledger.queries.event_sentences import printable
from ledger.users import (
    User,
    add_user,
    all_users,
    change_password,
    disable_user,
    enable_user,
)


@click.group()
def user() -> None:
    """People who sign in to the pages: add, list, password, disable, enable.

    A password is asked for, or read from standard input; it is never an argument.
    """


@user.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True)
@click.option("--shop", "shops", multiple=True, help="Only this shop; may be given several times.")
@click.option("--expires", type=Instant(), help="Until when they may sign in (ISO 8601).")
def add(name: str, role: str, shops: tuple[str, ...], expires: datetime | None) -> None:
    """Let somebody sign in."""
    ledger = open_ledger()
    now = utc_now()
    if expires is not None and expires <= now:
        raise click.UsageError("--expires is in the past")
    password = _password()
    with ledger.database.begin() as connection:
        made = add_user(
            connection,
            name=name,
            password=password,
            role=role,
            now=now,
            shops=shops or None,
            expires_at=expires,
        )
    click.echo(f"added {made.id}: {printable(made.name)}, {role}")


@user.command("list")
@click.option("--json", "as_json", is_flag=True, help="For machines: a line each.")
def list_(as_json: bool) -> None:
    """List everybody, oldest first; never a password."""
    ledger = open_ledger()
    with ledger.database.connect() as connection:
        found = all_users(connection)
    for one in found:
        click.echo(orjson.dumps(_data(one)) if as_json else _line(one))
    if not as_json:
        click.echo(f"{len(found)} users", err=True)


@user.command()
@click.argument("name")
def password(name: str) -> None:
    """Give somebody another password; ends all their sessions."""
    ledger = open_ledger()
    told = _password()
    with ledger.database.begin() as connection:
        changed = change_password(connection, name, told, now=utc_now())
    click.echo(f"changed the password of {printable(changed.name)}; all sessions are ended")


@user.command()
@click.argument("name")
def disable(name: str) -> None:
    """Let somebody sign in no more; takes effect with their next click."""
    ledger = open_ledger()
    with ledger.database.begin() as connection:
        gone = disable_user(connection, name, now=utc_now())
    click.echo(f"disabled {printable(gone.name)}; all sessions are ended")


@user.command()
@click.argument("name")
def enable(name: str) -> None:
    """Let somebody who was disabled sign in again."""
    ledger = open_ledger()
    with ledger.database.begin() as connection:
        back = enable_user(connection, name)
    click.echo(f"enabled {printable(back.name)}")


def _password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def _data(one: User) -> dict[str, Any]:
    told = {each.name: getattr(one, each.name) for each in fields(one)}
    del told["password_hash"], told["stamp"]
    return {
        name: instant(value) if isinstance(value, datetime) else value
        for name, value in told.items()
    }


def _line(one: User) -> str:
    shops = "all shops" if one.shops is None else ",".join(one.shops)
    state = "valid" if one.is_valid_at(utc_now()) else "disabled" if one.disabled_at else "expired"
    last = one.last_signed_in_at
    used = "never signed in" if last is None else f"signed in {instant(last)[:16]}Z"
    return "\t".join(printable(word) for word in (one.id, state, one.role, shops, used, one.name))
