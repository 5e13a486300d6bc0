"""Who has signed in: a signed cookie, and the check with every request that it still holds.

The cookie holds a user's id and stamp. The stamp changes when the user is disabled, gets another
password or signs out, so that every session of theirs ends at once, wherever it is.
"""

from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, request, session
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect

from ledger.access.users import User, end_sessions, find_user
from ledger.settings import Settings
from web.context import context, ledger

LASTS = timedelta(hours=10)
"""A working day; then a user signs in again, active or not."""
HALF_LASTS = timedelta(minutes=5)
"""As long as it may take to find one's device."""

_SIGNED_IN = ("user", "stamp", "since")
_HALF_SIGNED_IN = ("half_user", "half_stamp", "half_since")

_PROXIED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host")

csrf = CSRFProtect()


def configure(app: Flask, settings: Settings) -> None:
    """Sign sessions with the operator's key; with none there are no sessions."""
    app.config.update(
        SECRET_KEY=settings.secret_key if settings.has_pages else None,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",  # a link in a mail to the team may open a page
        PERMANENT_SESSION_LIFETIME=LASTS,
        WTF_CSRF_CHECK_DEFAULT=False,  # the platform and machines bring no token: pages ask for it
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
    )
    app.session_interface = _Sessions()
    csrf.init_app(app)


class _Sessions(SecureCookieSessionInterface):
    """A cookie that browsers keep to https and to this host, wherever that can be.

    The prefix `__Host-` makes them do so even against another host of the same domain.
    """

    def get_cookie_secure(self, app: Flask) -> bool:
        return not is_plain_loopback()

    def get_cookie_name(self, app: Flask) -> str:
        return "ledger" if is_plain_loopback() else "__Host-ledger"


def is_plain_loopback() -> bool:
    """Return True for a browser on this very machine, without https: a demonstration.

    Everything must say so: who calls, whom they believe to call, and the absence of any proxy.
    Whatever is in doubt gets a secure cookie, which a browser without https refuses to keep.
    """
    if request.scheme != "http" or any(name in request.headers for name in _PROXIED):
        return False
    if urlsplit(request.headers.get("Origin", "")).scheme == "https":
        return False
    host = urlsplit(f"//{request.host}").hostname or ""
    return _is_loopback(request.remote_addr or "") and _is_loopback(host)


def signed_in_user() -> User | None:
    """Return who has signed in and may be signed in now."""
    return _user_of([session.get(name) for name in _SIGNED_IN], lasts=LASTS)


def half_signed_in_user() -> User | None:
    """Return who has given their password just now and owes the code of their device."""
    return _user_of([session.get(name) for name in _HALF_SIGNED_IN], lasts=HALF_LASTS)


def _user_of(signed: Sequence[Any], *, lasts: timedelta) -> User | None:
    """Return the user of this id, stamp and instant, if all of them hold now."""
    user_id, stamp, since = signed
    if not isinstance(user_id, str) or not isinstance(since, int):
        return None
    now = context().clock()
    if not 0 <= now.timestamp() - since + 1 < lasts.total_seconds():
        return None
    with ledger().database.single() as connection:
        user = find_user(connection, user_id)
    if user is None or user.stamp != stamp or not user.is_valid_at(now):
        return None
    return user if context().settings.may_sign_in_by(user.issuer) else None


def half_sign_in(user: User) -> None:
    """Remember for some minutes that somebody has given their password; it opens nothing yet."""
    _forget()
    columns = (user.id, user.stamp, int(context().clock().timestamp()))
    session.update(zip(_HALF_SIGNED_IN, columns, strict=True))


def is_code_given() -> bool:
    """Return True if this session began with the code of a device as well."""
    return bool(session.get("code_given"))


def owes_second_factor(user: User) -> bool:
    """Return True if somebody of this role must have a second factor, and this session has none."""
    is_required = user.issuer is None and user.role in context().settings.second_factor_roles
    return is_required and not is_code_given()


def begin(user: User, *, code_given: bool = False) -> None:
    """Begin a session; of an earlier one only language and zone are left."""
    _forget()
    session.update(user=user.id, stamp=user.stamp, since=int(context().clock().timestamp()))
    session["code_given"] = code_given


def sign_out() -> None:
    """End the session, and every other of the same person: a copied cookie opens nothing."""
    user = signed_in_user()
    if user is not None:
        with ledger().database.begin() as connection:
            end_sessions(connection, user)
    _forget()


def _forget() -> None:
    kept = {name: session[name] for name in ("lang", "zone") if name in session}
    session.clear()
    session.update(kept)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
