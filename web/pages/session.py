"""Who has signed in: a signed cookie, and the check with every request that it still holds.

The cookie holds a user's id and stamp. The stamp changes when the user is disabled, gets another
password or signs out, so that every session of theirs ends at once, wherever it is.
"""

from datetime import timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Flask, request, session
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect

from ledger.access.users import User, end_sessions, find_user
from ledger.settings import Settings
from web.context import context, ledger

LASTS = timedelta(hours=10)
"""A working day; then a user signs in again, active or not."""

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
    user_id, stamp, since = (session.get(name) for name in ("user", "stamp", "since"))
    if not isinstance(user_id, str) or not isinstance(since, int):
        return None
    now = context().clock()
    if not 0 <= now.timestamp() - since + 1 < LASTS.total_seconds():
        return None
    with ledger().database.single() as connection:
        user = find_user(connection, user_id)
    if user is None or user.stamp != stamp or not user.is_valid_at(now):
        return None
    return user


def begin(user: User) -> None:
    """Begin a session; of an earlier one only language and zone are left."""
    _forget()
    session.update(user=user.id, stamp=user.stamp, since=int(context().clock().timestamp()))


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
