"""Signing in and out: the only pages that need nobody signed in."""

import re
from urllib.parse import urlencode, urlsplit

import structlog
from flask import Blueprint, Response, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import Forbidden

from ledger.access.guessing import Origin, check_guarded, sign_in_brakes
from ledger.access.password_hashes import is_outdated
from ledger.access.second_factor import enrolled_at
from ledger.access.users import User, check_password, note_sign_in, renew_hash, user_by_name
from ledger.operations.logs import network
from web.addresses import peer, peer_network, peer_site
from web.authentication import BODY_BYTES_MAX
from web.context import context, ledger
from web.pages import known_devices, refusals, session
from web.pages.languages import remember_choice
from web.pages.rendering import render
from web.pages.static_files import STATIC, compress_file
from web.paths import own_address
from web.security_headers import set_file_headers, set_page_headers

REFUSED = 422

_LOCAL = re.compile(r"/(?![/\\])[^\x00-\x20\\\x7f]*")

log = structlog.get_logger("pages")
bp = Blueprint("auth", __name__, static_folder=STATIC, static_url_path="/static")


@bp.before_request
def prepare_request() -> ResponseReturnValue | None:
    """Check that there is a key to sign sessions with, and that a form is ours."""
    if request.endpoint == "auth.static":
        return None
    if not current_app.secret_key:
        return refusals.without_key()
    request.max_content_length = BODY_BYTES_MAX
    session.csrf.protect()
    return remember_choice()


@bp.after_request
def set_headers(response: Response) -> Response:
    """Give files and pages the headers of their kind."""
    if request.endpoint == "auth.static":
        return set_file_headers(compress_file(response))
    return set_page_headers(response)


@bp.get("/sign-in")
def sign_in_form() -> ResponseReturnValue:
    """Ask for name and password; somebody who has signed in already goes on."""
    onward = local_path(request.args.get("next"))
    return redirect(onward, 303) if session.signed_in_user() is not None else _form(onward)


@bp.post("/sign-in")
def sign_in() -> ResponseReturnValue:
    """Begin a session for whoever knows the password; who has a device owes a code as well."""
    if not context().settings.has_local_passwords:
        raise Forbidden("passwords are switched off")
    name, password = (request.form.get(field, "") for field in ("name", "password"))
    onward = local_path(request.form.get("next"))
    with ledger().database.connect() as connection:
        user = user_by_name(connection, name)
    origin = _origin(user)
    is_let_in = check_guarded(
        ledger().database,
        sign_in_brakes(name, origin),
        lambda: _is_let_in(user, password),
        now=context().clock(),
        is_known=origin.is_known,
    )
    if user is None or not is_let_in:
        log.warning("sign_in.refused", peer=network(peer()), user=user.id if user else None)
        return _form(onward, name=name, is_refused=True), REFUSED
    with ledger().database.connect() as connection:
        has_device = enrolled_at(connection, user) is not None
    if has_device:
        session.half_sign_in(user)
        return redirect(url_for("auth.code_form", next=onward), 303)
    return complete_sign_in(user, onward)


def complete_sign_in(user: User, onward: str, *, code_given: bool = False) -> Response:
    """Begin the session of somebody who has proven who they are, and lead them on.

    Shape: `onward` is a path of ours, as `local_path` returns it.
    """
    session.begin(user, code_given=code_given)
    with ledger().database.begin() as connection:
        note_sign_in(connection, user, now=context().clock(), network=peer_network())
    log.info("sign_in.accepted", peer=network(peer()), user=user.id)
    return known_devices.remember(current_app.make_response(redirect(onward, 303)), user)


@bp.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End every session of the user who signs out."""
    session.sign_out()
    return redirect(url_for("auth.sign_in_form"), 303)


def ask_to_sign_in() -> ResponseReturnValue:
    """Send somebody who is not signed in to do so, and back to where they wanted to go."""
    path = own_address() if request.method == "GET" else "/"
    target = url_for("auth.sign_in_form")
    target += f"?{urlencode({'next': path})}" if path != "/" else ""
    return lead_to(target)


def lead_to(target: str) -> ResponseReturnValue:
    """Send somebody to a page that has to come first."""
    if "HX-Request" in request.headers:  # a part of a page cannot hold the form
        return Response(status=204, headers={"HX-Redirect": target})
    return redirect(target, 303)


def local_path(written: str | None) -> str:
    """Return where to go on: a path of ours, or the first page."""
    if written is None or not _LOCAL.fullmatch(written) or urlsplit(written).netloc:
        return "/"
    return written


def _origin(user: User | None) -> Origin:
    """Return where a try comes from to be this person, or nobody that there is."""
    network = peer_network()
    return Origin(
        network=network,
        site=peer_site(),
        device_id=known_devices.device_of(user),
        is_own_network=user is not None and user.last_signed_in_from == network,
    )


def _is_let_in(user: User | None, password: str) -> bool:
    """Check somebody's password; hash it anew if it is right and its hash is of older days."""
    is_right = check_password(user, password)
    if user is None or not is_right or not user.is_valid_at(context().clock()):
        return False
    if is_outdated(user.password_hash):
        with ledger().database.begin() as connection:
            renew_hash(connection, user, password)
    return True


def _form(onward: str, *, name: str = "", is_refused: bool = False) -> str:
    settings = context().settings
    return render(
        "sign_in.html",
        onward=onward,
        name=name,
        is_refused=is_refused,
        has_passwords=settings.has_local_passwords,
        has_provider=bool(settings.oidc_issuer),
        provider_host=urlsplit(settings.oidc_issuer).hostname,
    )
