"""Tokens of machines and people who sign in: made, changed and ended by operators.

An operator of some shops gives access to these alone, and sees nobody who may see more. Every
change leaves a line in the access log. Secrets are made here at random and shown once.
"""

import secrets
from datetime import date, datetime
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from ledger.access.readers import ROLES, Reader
from ledger.access.tokens import Token, all_tokens, create_token, revoke_token
from ledger.access.users import (
    NAME_MAX,
    User,
    add_user,
    all_users,
    change_password,
    disable_user,
    enable_user,
)
from ledger.errors import BadUserError
from web.authentication import caller, log_personal_read, only_for_operators
from web.context import context, ledger
from web.pages.blueprint import bp
from web.pages.languages import N_, translated
from web.pages.rendering import render
from web.pages.request_parameters import ends

PASSWORD_BYTES = 12

_BAD_NAME = N_("A name has 1 to 100 printable characters, and nobody else has it.")
_BAD_ROLE = N_("There is no such choice.")
_BAD_SHOPS = N_("Choose among your own shops.")
_BAD_DAY = N_("Choose a day to come.")
_YOURSELF = N_("You cannot end your own access here.")


class WrongFormError(Exception):
    """What a form says cannot be done; the message is for whoever filled it in."""


@bp.get("/<mode:mode>/access")
@only_for_operators
def readers(mode: str) -> ResponseReturnValue:
    """List everybody and everything that may read."""
    return _page()


@bp.post("/<mode:mode>/access/tokens")
@only_for_operators
def make_token(mode: str) -> ResponseReturnValue:
    """Make a token and show it, this once."""
    try:
        access = _read_form()
    except WrongFormError as error:
        return _page(wrong=str(error)), 422
    with ledger().database.begin() as connection:
        token, secret = create_token(connection, now=context().clock(), **access)
    _note("token-created", token.id)
    return _page(secret=(token, secret))


@bp.post("/<mode:mode>/access/tokens/<token_id>/revoke")
@only_for_operators
def end_token(mode: str, token_id: str) -> ResponseReturnValue:
    """Close a token for good."""
    _managed(_tokens(), token_id)
    with ledger().database.begin() as connection:
        revoke_token(connection, token_id, now=context().clock())
    _note("token-revoked", token_id)
    return _page()


@bp.post("/<mode:mode>/access/users")
@only_for_operators
def make_user(mode: str) -> ResponseReturnValue:
    """Let somebody sign in, with a password that is shown this once."""
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    try:
        access = _read_form()
        with ledger().database.begin() as connection:
            user = add_user(connection, now=context().clock(), password=password, **access)
    except BadUserError:
        return _page(wrong=_BAD_NAME), 422
    except WrongFormError as error:
        return _page(wrong=str(error)), 422
    _note("user-added", user.id)
    return _page(secret=(user, password))


@bp.post("/<mode:mode>/access/users/<user_id>/<any(disable,enable,password):change>")
@only_for_operators
def change_user(mode: str, user_id: str, change: str) -> ResponseReturnValue:
    """Let somebody sign in no more, or again, or with another password; sessions end."""
    user = _managed(_users(), user_id)
    if user.id == caller().id:
        return _page(wrong=_YOURSELF), 422
    now, secret = context().clock(), None
    with ledger().database.begin() as connection:
        if change == "disable":
            disable_user(connection, user.name, now=now)
        elif change == "enable":
            enable_user(connection, user.name)
        else:
            password = secrets.token_urlsafe(PASSWORD_BYTES)
            secret = (change_password(connection, user.name, password, now=now), password)
    _note(f"user-{change}", user.id)
    return _page(secret=secret)


def _page(*, wrong: str = "", secret: tuple[Reader, str] | None = None) -> str:
    known = ledger().shops.shop_by_id
    mine = caller().shops
    return render(
        "readers.html",
        tokens=_tokens(),
        users=_users(),
        now=context().clock(),
        wrong=translated(wrong) if wrong else "",
        secret=secret,
        roles=ROLES,
        name_max=NAME_MAX,
        shops=[(id_, known[id_].name if id_ in known else id_) for id_ in mine or known],
        is_limited=mine is not None,
    )


def _read_form() -> dict[str, Any]:
    """Read the name, role, shops and end of an access. Errors: WrongFormError."""
    name, role = request.form.get("name", "").strip(), request.form.get("role", "")
    if not 0 < len(name) <= NAME_MAX or not name.isprintable():
        raise WrongFormError(_BAD_NAME)
    if role not in ROLES:
        raise WrongFormError(_BAD_ROLE)
    return {"name": name, "role": role, "shops": _read_shops(), "expires_at": _read_end()}


def _read_shops() -> list[str] | None:
    chosen = request.form.getlist("shop")
    mine = caller().shops
    allowed = set(ledger().shops.shop_by_id if mine is None else mine)
    if not set(chosen) <= allowed:
        raise WrongFormError(_BAD_SHOPS)
    if mine is not None:
        return chosen or list(mine)
    return chosen or None


def _read_end() -> datetime | None:
    """Return the end of the last day (UTC). Errors: WrongFormError."""
    day = request.form.get("expires", "").strip()
    if not day:
        return None
    try:
        end = ends(date.fromisoformat(day), "UTC")
    except ValueError as error:
        raise WrongFormError(_BAD_DAY) from error
    if end is None or end <= context().clock():
        raise WrongFormError(_BAD_DAY)
    return end


def _tokens() -> list[Token]:
    with ledger().database.connect() as connection:
        return [token for token in reversed(all_tokens(connection)) if _manages(token)]


def _users() -> list[User]:
    with ledger().database.connect() as connection:
        return [user for user in reversed(all_users(connection)) if _manages(user)]


def _manages(reader: Reader) -> bool:
    """Return True if the caller may see all that this reader sees."""
    mine = caller().shops
    return mine is None or (reader.shops is not None and set(reader.shops) <= set(mine))


def _managed(readers: list[Any], id_: str) -> Any:
    """Return the reader with this id. Errors: NotFound."""
    reader = next((reader for reader in readers if reader.id == id_), None)
    if reader is None:
        raise NotFound
    return reader


def _note(kind: str, reference: str) -> None:
    log_personal_read(kind, reference=reference)
