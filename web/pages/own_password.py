"""One's own password: changed by whoever knows it, and at once if an operator has set it."""

import structlog
from flask import Response, request
from flask.typing import ResponseReturnValue

from ledger.access.guessing import PER_DEVICE, Brake, check_guarded
from ledger.access.password_rules import (
    GUESSABLE,
    LENGTH,
    LOCAL_WORDS,
    names_of_shops,
)
from ledger.access.user_names import normal
from ledger.access.users import User, change_password, check_password
from ledger.errors import BadPasswordError
from web.authentication import caller, log_act
from web.context import context, ledger
from web.pages import known_devices, session
from web.pages.blueprint import bp
from web.pages.languages import N_, translated
from web.pages.rendering import render
from web.pages.signing_in import REFUSED

log = structlog.get_logger("pages")

_NOT_YOURS = N_("This is not your password.")
_NOT_REPEATED = N_("The new password is not the same both times.")
_NOT_NEW = N_("Take another password than the one that you have.")
_REFUSALS = {
    LENGTH: N_("A password has 12 to 1000 characters."),
    GUESSABLE: N_(
        "This password is among the first that are tried. Take several words that have nothing to "
        "do with each other, or let a password manager make one."
    ),
    LOCAL_WORDS: N_(
        "Too little is left of this password without names, shops and words that everybody here "
        "knows. Take other words, or more of them."
    ),
}


@bp.get("/password")
def own_password() -> ResponseReturnValue:
    """Ask for the password of whoever is signed in, and for another."""
    return _page()


@bp.post("/password")
def change_own_password() -> ResponseReturnValue:
    """Give whoever is signed in another password, and end all their other sessions."""
    old, new, again = (request.form.get(field, "") for field in ("old", "new", "again"))
    wrong = _fault_of(_user(), old, new, again)
    if wrong is not None:
        return _page(wrong=wrong), REFUSED
    now, local_words = context().clock(), names_of_shops(ledger().shops)
    try:
        with ledger().database.begin() as connection:
            user = change_password(connection, _user().name, new, now=now, local_words=local_words)
    except BadPasswordError as error:
        return _page(wrong=_REFUSALS[error.reason]), REFUSED
    session.begin(user, code_given=session.is_code_given())
    log_act("own-password", reference=user.id)
    log.info("password.changed", user=user.id)
    return known_devices.remember(Response(_page(is_changed=True), mimetype="text/html"), user)


def _fault_of(user: User, old: str, new: str, again: str) -> str | None:
    """Return what is wrong with a change of password. Errors: TooManyTriesError."""
    if new != again:
        return _NOT_REPEATED
    if normal(new) == normal(old):
        return _NOT_NEW
    is_right = check_guarded(
        ledger().database,
        [Brake.on("own password", user.id, failures_max=PER_DEVICE)],
        lambda: check_password(user, old),
        now=context().clock(),
        is_known=True,
    )
    return None if is_right else _NOT_YOURS


def _user() -> User:
    user = caller()
    assert isinstance(user, User)  # a token opens no page
    return user


def _page(*, wrong: str = "", is_changed: bool = False) -> str:
    return render(
        "own_password.html",
        wrong=translated(wrong) if wrong else "",
        is_changed=is_changed,
        is_forced=_user().must_change_password and not is_changed,
    )
