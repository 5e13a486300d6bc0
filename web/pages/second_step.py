"""The second step of signing in: the code of a device, or a recovery code."""

import structlog
from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from ledger.access.guessing import Brake, note_failure, refuse_if_held
from ledger.access.second_factor import use_code
from ledger.access.users import User
from ledger.operations.logs import network
from web.addresses import peer
from web.context import context, ledger
from web.pages.rendering import render
from web.pages.session import half_signed_in_user
from web.pages.signing_in import REFUSED, bp, complete_sign_in, local_path

CODES_PER_USER = 5
"""Wrong ones in a quarter of an hour. Only whoever knows the password can use them up."""

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
    if not is_code_right(user, code):
        log.warning("sign_in.code_refused", peer=network(peer()), user=user.id)
        return _form(onward, is_refused=True), REFUSED
    return complete_sign_in(user, onward, code_given=True)


def is_code_right(user: User, code: str) -> bool:
    """Return True if a code of a person counts; count it if not. Errors: TooManyTriesError."""
    now, key = context().clock(), context().settings.secret_key
    brakes = [Brake.on("second factor", user.id, failures_max=CODES_PER_USER)]
    refuse_if_held(ledger().database, brakes, now=now)
    with ledger().database.begin() as connection:
        is_right = use_code(connection, user, code, service_key=key, now=now)
        if not is_right:
            note_failure(connection, brakes, now=now)
    return is_right


def _form(onward: str, *, is_refused: bool = False) -> str:
    return render("sign_in_code.html", onward=onward, is_refused=is_refused)
