"""Signing in and out: the only pages that a stranger sees."""

import re
from typing import Any
from urllib.parse import urlencode, urlsplit

import structlog
from flask import Blueprint, Flask, Request, Response, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter

from ledger.access.users import check_password, user_by_name
from ledger.logs import network
from web.context import context, ledger
from web.pages import refusals
from web.pages.languages import remember_choice
from web.pages.rendering import STATIC, complete, render
from web.pages.session import has_key, person, protect, sign_in, sign_out
from web.security import BODY_BYTES_MAX, peer

ATTEMPTS_PER_ADDRESS = "20/15minute"
ATTEMPTS_PER_NAME = "10/15minute"
"""Failed ones, in each process; one that succeeds does not count."""

REFUSED = 422

_LOCAL = re.compile(r"/(?![/\\])[^\x00-\x20\\\x7f]*")

log = structlog.get_logger("pages")
bp = Blueprint("door", __name__, static_folder=STATIC, static_url_path="/static")


@bp.before_request
def open_door() -> ResponseReturnValue | None:
    """Let anybody in who asks for no more than the door, once there is a key."""
    if request.endpoint == "door.static":
        return None
    if not has_key(current_app):
        return refusals.without_key()
    request.max_content_length = BODY_BYTES_MAX
    protect()
    return remember_choice()


bp.after_request(complete)


@bp.get("/sign-in")
def ask() -> ResponseReturnValue:
    """Ask who is there; somebody who has signed in already goes on."""
    onward = local_path(request.args.get("next"))
    return redirect(onward, 303) if person() is not None else _form(onward)


@bp.post("/sign-in")
def answer() -> ResponseReturnValue:
    """Begin a session for whoever knows the password."""
    name, password = (request.form.get(one, "") for one in ("name", "password"))
    onward = local_path(request.form.get("next"))
    with ledger().database.connect() as connection:
        user = user_by_name(connection, name)
    is_known = check_password(user, password)
    if user is None or not is_known or not user.is_valid_at(context().clock()):
        log.warning("sign-in refused", peer=network(peer()), user=user.id if user else None)
        return _form(onward, name=name, is_refused=True), REFUSED
    sign_in(user)
    log.info("signed in", peer=network(peer()), user=user.id)
    return redirect(onward, 303)


@bp.post("/sign-out")
def leave() -> ResponseReturnValue:
    """End every session of whoever leaves."""
    sign_out()
    return redirect(url_for("door.ask"), 303)


def ask_to_sign_in(asked: Request) -> Response:
    """Send somebody who is not signed in to the door, and back to where they wanted to go."""
    path = asked.full_path.rstrip("?") if asked.method == "GET" else "/"
    to = url_for("door.ask") + (f"?{urlencode({'next': path})}" if path != "/" else "")
    if "HX-Request" in asked.headers:  # a part of a page cannot hold the door
        return Response(status=204, headers={"HX-Redirect": to})
    response = redirect(to, 303)
    assert isinstance(response, Response)
    return response


def local_path(told: str | None) -> str:
    """Where to go on: a path of ours, or the beginning."""
    if told is None or not _LOCAL.fullmatch(told) or urlsplit(told).netloc:
        return "/"
    return told


def limit_attempts(app: Flask, limiter: Limiter) -> None:
    """Slow down guessing, by address and by name."""
    views: dict[str, Any] = app.view_functions
    for rate, key in ((ATTEMPTS_PER_ADDRESS, peer), (ATTEMPTS_PER_NAME, _named)):
        limited = limiter.limit(rate, key_func=key, deduct_when=_is_refused)
        views["door.answer"] = limited(views["door.answer"])


def _is_refused(response: Response) -> bool:
    return response.status_code == REFUSED


def _named() -> str:
    return "name:" + request.form.get("name", "").strip().casefold()[:100]


def _form(onward: str, *, name: str = "", is_refused: bool = False) -> str:
    return render("sign_in.html", onward=onward, name=name, is_refused=is_refused)
