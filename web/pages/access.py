"""Who may read, and who has: tokens and users, changed by operators, and the access log.

An operator of some shops gives access to these alone, and sees nobody who may see more. Every
change leaves a line in the access log. Secrets are made here at random and shown once.
"""

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from flask import request
from flask.typing import ResponseReturnValue
from marshmallow import Schema, fields, validate
from sqlalchemy import Connection
from werkzeug.exceptions import NotFound

from ledger.access.log import accesses, words_seen
from ledger.access.readers import Reader
from ledger.access.roles import ROLES
from ledger.access.second_factor import enrolled_user_ids, reset_second_factor
from ledger.access.tokens import all_tokens, create_token, revoke_token
from ledger.access.users import (
    NAME_MAX,
    add_user,
    all_users,
    change_password,
    disable_user,
    enable_user,
)
from ledger.errors import BadUserError
from ledger.instants import read_day
from ledger.ipn.modes import PUBLIC_MODES
from ledger.ipn.storable import INTEGER_MAX
from web.authentication import (
    caller,
    log_personal_read,
    only_for_operators,
    permitted_shops,
)
from web.context import context, ledger
from web.pages.blueprint import bp
from web.pages.languages import N_, translated
from web.pages.rendering import render
from web.pages.request_parameters import choice, ends, read_question, text

PASSWORD_BYTES = 12
LINES_MAX = 30
"""Few enough for a phone."""
REFERENCES_MAX = 200
_BAD_NAME = N_("A name has 1 to 100 printable characters, and nobody else has it.")
_BAD_DAY = N_("Choose a day to come.")

_Reader = TypeVar("_Reader", bound=Reader)


class WrongFormError(Exception):
    """What a form says cannot be done; the message is for whoever filled it in."""


class AccessLogForm(Schema):
    """The filters of the log."""

    token_id = text(limit=100)
    kind = text(limit=100)
    shop_id = text(limit=100)
    mode = choice(*PUBLIC_MODES)
    reference = text()
    cursor: fields.Field[Any] = fields.Integer(
        validate=validate.Range(1, INTEGER_MAX, error=N_("This page belongs to another question."))
    )


@bp.get("/<mode:mode>/access-log")
@only_for_operators
def access_log(mode: str) -> ResponseReturnValue:
    """List who has read what, newest first; of both modes unless one is chosen."""
    question = read_question(AccessLogForm())
    equal = dict(question.parameters)
    before_id, shop_id = equal.pop("cursor", None), equal.get("shop_id")
    shops = permitted_shops(frozenset({shop_id}) if shop_id else None)
    mine = None if shops is None else sorted(shops)
    lines = []
    with ledger().database.connect() as connection:
        if not question.wrong:
            lines = accesses(
                connection, limit=LINES_MAX + 1, before_id=before_id, shops=mine, **equal
            )
        kinds = words_seen(connection, "kind", shops=mine)
        references = words_seen(connection, "reference", shops=mine)
    page = render(
        "access_log.html",
        question=question,
        kinds=sorted({*kinds, *question.written.get("kind", ())}),
        references=references[:REFERENCES_MAX],
        **question.paging(lines, LINES_MAX),
    )
    return page, question.status


@bp.get("/<mode:mode>/access")
@only_for_operators
def readers(mode: str) -> ResponseReturnValue:
    """List everybody and everything that may read."""
    return _page()


@bp.post("/<mode:mode>/access/tokens")
@only_for_operators
def make_token(mode: str) -> ResponseReturnValue:
    """Make a token and show it, this once."""
    access = _read_form()
    with ledger().database.begin() as connection:
        token, secret = create_token(connection, now=context().clock(), **access)
    log_personal_read("token-created", reference=token.id)
    return _page(secret=(token, secret))


@bp.post("/<mode:mode>/access/tokens/<token_id>/revoke")
@only_for_operators
def end_token(mode: str, token_id: str) -> ResponseReturnValue:
    """Close a token for good."""
    _managed_one(all_tokens, token_id)
    with ledger().database.begin() as connection:
        revoke_token(connection, token_id, now=context().clock())
    log_personal_read("token-revoked", reference=token_id)
    return _page()


@bp.post("/<mode:mode>/access/users")
@only_for_operators
def make_user(mode: str) -> ResponseReturnValue:
    """Let somebody sign in, with a password that is shown this once."""
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    access = _read_form()
    try:
        with ledger().database.begin() as connection:
            user = add_user(
                connection,
                now=context().clock(),
                password=password,
                must_change_password=True,
                **access,
            )
    except BadUserError as error:
        raise WrongFormError(_BAD_NAME) from error
    log_personal_read("user-added", reference=user.id)
    return _page(secret=(user, password))


@bp.post("/<mode:mode>/access/users/<user_id>/<any(disable,enable,password,second_factor):change>")
@only_for_operators
def change_user(mode: str, user_id: str, change: str) -> ResponseReturnValue:
    """Let somebody sign in no more, or again, otherwise, or without a device; sessions end."""
    user = _managed_one(all_users, user_id)
    if user.id == caller().id:
        raise WrongFormError(N_("You cannot end your own access here."))
    now, secret = context().clock(), None
    with ledger().database.begin() as connection:
        if change == "disable":
            disable_user(connection, user.name, now=now)
        elif change == "enable":
            enable_user(connection, user.name)
        elif change == "second_factor":
            reset_second_factor(connection, user)
        else:
            password = secrets.token_urlsafe(PASSWORD_BYTES)
            changed = change_password(
                connection, user.name, password, now=now, must_change_password=True
            )
            secret = (changed, password)
    log_personal_read(f"user-{change.replace('_', '-')}", reference=user.id)
    return _page(secret=secret)


@bp.errorhandler(WrongFormError)
def _refuse_form(wrong_form: WrongFormError) -> ResponseReturnValue:
    return _page(wrong=translated(str(wrong_form))), 422


def _page(*, wrong: str = "", secret: tuple[Reader, str] | None = None) -> str:
    known = ledger().shops.shop_by_id
    mine = caller().shops
    with ledger().database.connect() as connection:
        with_device = enrolled_user_ids(connection)
    return render(
        "readers.html",
        tokens=_managed(all_tokens),
        users=_managed(all_users),
        with_device=with_device,
        now=context().clock(),
        wrong=wrong,
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
        raise WrongFormError(N_("There is no such choice."))
    chosen = request.form.getlist("shop")
    mine = caller().shops
    if not set(chosen) <= set(ledger().shops.shop_by_id if mine is None else mine):
        raise WrongFormError(N_("Choose among your own shops."))
    shops = chosen or (None if mine is None else list(mine))
    return {"name": name, "role": role, "shops": shops, "expires_at": _read_end()}


def _read_end() -> datetime | None:
    """Return the end of the last day (UTC). Errors: WrongFormError."""
    day = request.form.get("expires", "").strip()
    if not day:
        return None
    try:
        end = ends(read_day(day), "UTC")
    except ValueError as error:
        raise WrongFormError(_BAD_DAY) from error
    if end is None or end <= context().clock():
        raise WrongFormError(_BAD_DAY)
    return end


def _managed(list_readers: Callable[[Connection], list[_Reader]]) -> list[_Reader]:
    """Return those who see no more than the caller may see, newest first."""
    mine = caller().shops
    with ledger().database.connect() as connection:
        return [
            reader
            for reader in reversed(list_readers(connection))
            if mine is None or (reader.shops is not None and set(reader.shops) <= set(mine))
        ]


def _managed_one(list_readers: Callable[[Connection], list[_Reader]], id_: str) -> _Reader:
    """Return the reader with this id. Errors: NotFound."""
    for reader in _managed(list_readers):
        if reader.id == id_:
            return reader
    raise NotFound
