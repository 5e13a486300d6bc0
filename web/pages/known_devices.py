"""Browsers in which somebody has signed in before: a signed cookie, which opens nothing by itself.

Whoever brings it is counted apart from strangers who guess at the same name, so that these cannot
keep them out. It ends with the password that it was given for.
"""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import Response, current_app, request
from itsdangerous import BadData, URLSafeSerializer

from ledger.access.users import User
from web.context import context
from web.pages.session import is_plain_loopback

LASTS = timedelta(days=180)
PEOPLE_MAX = 5
"""So many people may share a browser; of more, those who signed in last are known."""


def device_of(user: User | None) -> str | None:
    """Return the id of this browser if this person has signed in here with today's password."""
    device = _read()
    password, at = device["people"].get(user.id, ("", 0)) if user else ("", 0)
    age_seconds = context().clock().timestamp() - at
    is_known = user is not None and password == _password_of(user)
    return str(device["id"]) if is_known and age_seconds < LASTS.total_seconds() else None


def remember(response: Response, user: User) -> Response:
    """Have the browser remember that this person has signed in here."""
    device = _read()
    people = {id_: entry for id_, entry in device["people"].items() if id_ != user.id}
    people[user.id] = (_password_of(user), int(context().clock().timestamp()))
    kept = dict(list(people.items())[-PEOPLE_MAX:])
    response.set_cookie(
        _cookie_name(),
        str(_serializer().dumps({"id": device["id"], "people": kept})),
        max_age=LASTS,
        secure=not is_plain_loopback(),
        httponly=True,
        samesite="Lax",
    )
    return response


def _read() -> Mapping[str, Any]:
    """Return what the cookie holds. Shape: `id`, and by user id the password's time and when."""
    try:
        device: Mapping[str, Any] = _serializer().loads(request.cookies.get(_cookie_name(), ""))
    except BadData:
        return {"id": secrets.token_hex(8), "people": {}}
    return device


def _password_of(user: User) -> str:
    # not the stamp: signing out changes it, and the browser is still the same
    return user.password_changed_at.isoformat()


def _cookie_name() -> str:
    return "ledger-device" if is_plain_loopback() else "__Host-ledger-device"


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt="known-device")
