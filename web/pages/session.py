"""Who has signed in: a signed cookie, and the check with every request that it still holds.

The cookie holds a user's id and stamp. The stamp changes when the user is disabled, gets another
password or signs out, so that every session of theirs ends at once, wherever it is.
"""

from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Request, request, session
from flask.sessions import SecureCookieSessionInterface
from flask_wtf.csrf import CSRFProtect, generate_csrf

from ledger.access.users import User, end_sessions, find_user, note_sign_in
from ledger.settings import Settings
from web.context import context, ledger

LASTS = timedelta(hours=10)
"""A working day; then one signs in again, whatever one did meanwhile."""

_PROXIED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host")
_KEPT = ("lang", "zone")

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
        return not is_plain_loopback(request)

    def get_cookie_name(self, app: Flask) -> str:
        return "ledger" if is_plain_loopback(request) else "__Host-ledger"


def is_plain_loopback(asked: Request) -> bool:
    """Whether this comes from a browser on this very machine, without https: a demonstration.

    Everything must say so: who calls, whom they believe to call, and the absence of any proxy.
    Whatever is in doubt gets a secure cookie, which a browser without https refuses to keep.
    """
    if asked.scheme != "http" or any(name in asked.headers for name in _PROXIED):
        return False
    if urlsplit(asked.headers.get("Origin", "")).scheme == "https":
        return False
    return _is_loopback(asked.remote_addr or "") and _is_loopback(_host(asked))


def has_key(app: Flask) -> bool:
    """Whether pages can be served."""
    return bool(app.secret_key)


def person() -> User | None:
    """Who has signed in and may be signed in now."""
    told, stamp, since = (session.get(name) for name in ("user", "stamp", "since"))
    if not isinstance(told, str) or not isinstance(since, int):
        return None
    now = context().clock()
    if not 0 <= now.timestamp() - since + 1 < LASTS.total_seconds():
        return None
    with ledger().database.single() as connection:
        user = find_user(connection, told)
    is_same = user is not None and user.stamp == stamp
    return user if user is not None and is_same and user.is_valid_at(now) else None


def sign_in(user: User) -> None:
    """Begin a session; nothing of an earlier one is left but language and zone."""
    now = context().clock()
    _forget()
    session.update(user=user.id, stamp=user.stamp, since=int(now.timestamp()))
    with ledger().database.begin() as connection:
        note_sign_in(connection, user, now=now)


def sign_out() -> None:
    """End the session, and every other of the same person: a copied cookie opens nothing."""
    user = person()
    if user is not None:
        with ledger().database.begin() as connection:
            end_sessions(connection, user)
    _forget()


def protect() -> None:
    """Refuse what another site made a browser send. Errors: BadRequest."""
    csrf.protect()


def token() -> str:
    """What a form must carry."""
    return str(generate_csrf())


def _forget() -> None:
    kept: dict[str, Any] = {name: session[name] for name in _KEPT if name in session}
    session.clear()
    session.update(kept)


def _host(asked: Request) -> str:
    return urlsplit(f"//{asked.host}").hostname or ""


def _is_loopback(told: str) -> bool:
    if told == "localhost":
        return True
    try:
        return ip_address(told).is_loopback
    except ValueError:
        return False
