"""A person's own second factor: setting it up, and new recovery codes."""

import segno
import structlog
from flask import request, session
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from ledger.access.second_factor import (
    address_of,
    enrol,
    enrolled_at,
    new_recovery_codes,
    new_salt,
    recovery_codes_left,
    secret_of,
)
from ledger.access.users import User, end_sessions, find_user
from ledger.operations.logs import network
from web.addresses import peer
from web.authentication import caller, log_act
from web.context import context, ledger
from web.pages.blueprint import bp
from web.pages.rendering import render
from web.pages.second_step import is_code_right
from web.pages.session import begin, owes_second_factor
from web.pages.signing_in import REFUSED

SERVICE = "IPN Ledger"

log = structlog.get_logger("pages")


@bp.get("/second-factor")
def second_factor() -> ResponseReturnValue:
    """Show the second factor of whoever asks, or how to set one up."""
    return _page(_person())


@bp.post("/second-factor")
def enrol_second_factor() -> ResponseReturnValue:
    """Require codes of this person from now on; all their other sessions end."""
    user, salt = _person(), session.get("salt")
    if user.issuer is not None or not isinstance(salt, str):
        return _page(user)
    code, now, key = request.form.get("code", ""), context().clock(), context().settings.secret_key
    with ledger().database.begin() as connection:
        codes = enrol(connection, user, code, salt=salt, service_key=key, now=now)
        if codes is not None:
            end_sessions(connection, user)
    if codes is None:
        return _page(user, is_refused=True), REFUSED
    log.info("second_factor.set_up", peer=network(peer()), user=user.id)
    log_act("second-factor-set-up", reference=user.id)
    _begin_anew(user)
    return _page(user, codes=codes)


@bp.post("/second-factor/recovery-codes")
def renew_recovery_codes() -> ResponseReturnValue:
    """Show new recovery codes to whoever gives a code of their device; the old ones end."""
    user, code = _person(), request.form.get("code", "")
    if not is_code_right(user, code):
        return _page(user, is_refused=True), REFUSED
    with ledger().database.begin() as connection:
        codes = new_recovery_codes(connection, user)
    log.info("recovery_codes.renewed", peer=network(peer()), user=user.id)
    log_act("recovery-codes-renewed", reference=user.id)
    return _page(user, codes=codes)


def _person() -> User:
    user = caller()
    assert isinstance(user, User)  # a token opens no page
    return user


def _begin_anew(user: User) -> None:
    """Go on in a session of its own: the stamp of all earlier ones is gone."""
    with ledger().database.connect() as connection:
        stamped = find_user(connection, user.id)
    assert stamped is not None
    begin(stamped, code_given=True)


def _page(user: User, *, codes: list[str] | None = None, is_refused: bool = False) -> str:
    with ledger().database.connect() as connection:
        since, left = enrolled_at(connection, user), recovery_codes_left(connection, user)
    secret, picture = "", Markup()
    if user.issuer is None and since is None:
        salt = session.setdefault("salt", new_salt())
        secret = secret_of(user, salt, context().settings.secret_key)
        address = address_of(user, secret, service=SERVICE)
        picture = Markup(segno.make_qr(address).svg_inline(scale=5, light="white"))  # noqa: S704  ours
    return render(
        "second_factor.html",
        user=user,
        since=since,
        codes=codes,
        codes_left=left,
        secret=secret,
        address=address_of(user, secret, service=SERVICE) if secret else "",
        picture=picture,
        is_refused=is_refused,
        is_owed=owes_second_factor(user),
    )
