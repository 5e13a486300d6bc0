"""The second step of signing in: the code of a device, or a recovery code."""

from typing import Any

import structlog
from flask import Flask, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter

from ledger.access.second_factor import use_code
from ledger.operations.logs import network
from web.addresses import peer
from web.context import context, ledger
from web.pages.rendering import render
from web.pages.session import half_signed_in_user, note_code_given
from web.pages.signing_in import REFUSED, bp, complete_sign_in, local_path

CODES_PER_USER = "5/15minute;20/day"
"""Wrong ones, in each process. Only whoever knows the password can use them up."""

_LIMITED = ("auth.give_code", "pages.renew_recovery_codes")

log = structlog.get_logger("pages")


@bp.get("/sign-in/code")
def code_form() -> ResponseReturnValue:
    """Ask for the code of a device; without a password before it there is nothing to ask."""
    onward = local_path(request.args.get("next"))
    if half_signed_in_user() is None:
        return redirect(url_for("auth.sign_in_form", next=onward), 303)
    return _form(onward)


@bp.post("/sign-in/code")
def give_code() -> ResponseReturnValue:
    """Begin the session of somebody whose code counts."""
    onward, code = local_path(request.form.get("next")), request.form.get("code", "")
    user = half_signed_in_user()
    if user is None:
        return redirect(url_for("auth.sign_in_form", next=onward), 303)
    now, key = context().clock(), context().settings.secret_key
    with ledger().database.begin() as connection:
        counts = use_code(connection, user, code, key=key, now=now)
    if not counts:
        log.warning("code refused", peer=network(peer()), user=user.id)
        return _form(onward, is_refused=True), REFUSED
    response = complete_sign_in(user, onward)
    note_code_given()
    return response


def limit_codes(app: Flask, limiter: Limiter) -> None:
    """Slow down guessing of codes, by the person whose they are."""
    views: dict[str, Any] = app.view_functions
    for endpoint in _LIMITED:
        limited = limiter.shared_limit(
            CODES_PER_USER,
            scope="codes",
            key_func=_user_key,
            deduct_when=lambda response: response.status_code == REFUSED,
        )
        views[endpoint] = limited(views[endpoint])


def _user_key() -> str:
    return f"codes:{session.get('half_user') or session.get('user')}"


def _form(onward: str, *, is_refused: bool = False) -> str:
    return render("sign_in_code.html", onward=onward, is_refused=is_refused)
