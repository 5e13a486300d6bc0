"""Who asks, what they may see, and the trace that their reading leaves."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from flask import Flask, Response, current_app, g, request
from flask_limiter import Limiter
from sqlalchemy.exc import InternalError, OperationalError
from werkzeug.exceptions import Forbidden, NotFound, Unauthorized

from ledger.access import (
    OPERATOR,
    ROLES,
    SEES_PERSONAL,
    Access,
    Reader,
    Token,
    find_token,
    hash_of,
    is_use_due,
    note_access,
    note_use,
)
from ledger.masking import masked
from ledger.queries.filter_declarations import Filter
from web.context import context, ledger
from web.receiver import client_address

MODES = ("test", "production")
BODY_BYTES_MAX = 64 * 1024  # of a question; notifications have a limit of their own

_View = TypeVar("_View", bound=Callable[..., Any])
_Filter = TypeVar("_Filter", bound=Filter)


@dataclass(frozen=True, slots=True)
class Read:
    """Personal or raw data that a request is about to tell."""

    kind: str
    shop_id: str | None
    mode: str | None
    reference: str | None


def only_for(*roles: str) -> Callable[[_View], _View]:
    """Serve a view to these roles only; without it a view is for every role."""

    def mark(view: _View) -> _View:
        view.roles = roles  # type: ignore[attr-defined]  # read by `authorise`
        return view

    return mark


only_for_operators = only_for(OPERATOR)
only_with_personal_data = only_for(*(one for one in ROLES if one in SEES_PERSONAL))


def caller() -> Reader:
    """Who asks: the token or the person of this request."""
    reader = g.caller
    assert isinstance(reader, Reader)
    return reader


def allowed_shops() -> frozenset[str] | None:
    """The shops whose rows the caller may see; None is every shop."""
    shops = caller().shops
    return None if shops is None else frozenset(shops)


def permitted_shops(shops: frozenset[str] | None) -> frozenset[str] | None:
    """Return the shops that a filter names, or else all that the caller may see.

    Errors: Forbidden when one of them is not the caller's.
    """
    allowed = allowed_shops()
    if shops is None:
        return allowed
    if allowed is not None and not shops <= allowed:
        raise Forbidden("your access does not include this shop")
    return shops


def filter_of_caller(filter_class: type[_Filter], parameters: Mapping[str, Any]) -> _Filter:
    """Return the filter of these parameters, within the shops of the caller. Errors: Forbidden."""
    filter_ = filter_class.of(parameters)
    return replace(filter_, shop_id=permitted_shops(filter_.shop_id))


def authorise() -> None:
    """Let a request with a token pass to its view. Errors: Unauthorized, and those of `admit`."""
    admit(_authenticate())


def admit(reader: Reader) -> None:
    """Let somebody who is known pass to the view. Errors: Forbidden, NotFound."""
    g.caller = reader
    request.max_content_length = BODY_BYTES_MAX
    told = request.view_args or {}
    if told.get("mode", MODES[0]) not in MODES:
        raise NotFound
    if "shop_id" in told and not reader.allows_shop(told["shop_id"]):
        raise Forbidden("your access does not include this shop")
    view = current_app.view_functions[request.endpoint or ""]
    if reader.role not in getattr(view, "roles", ROLES):
        g.read = Read("refused", told.get("shop_id"), told.get("mode"), request.path)
        raise Forbidden(f"this is not for the role {reader.role}")


def will_tell_personal(
    kind: str, *, shop_id: str | None = None, mode: str | None = None, reference: str | None = None
) -> None:
    """Note for the access log that this request tells personal or raw data, if its role may."""
    if caller().sees_personal:
        g.read = Read(kind, shop_id, mode, reference)


def shown(told: Mapping[str, Any], reader: Reader | None = None) -> dict[str, Any]:
    """An item or event as the caller may see it."""
    return dict(told) if (reader or caller()).sees_personal else masked(told)


def log_read(response: Response) -> Response:
    """Write the line that a read leaves; what cannot be logged is not answered.

    A page that is sent in parts begins with a head that tells nothing: the line is written after
    that and before anything else (`log_put_off`), unless the request has changed something.
    """
    read = g.pop("read", None)
    if read is not None:
        access = _access(read, response.status_code)
        if g.get("is_in_parts") and request.method == "GET":
            g.put_off = access
        else:
            _note(access)
    return response


def log_put_off() -> None:
    """Write the line that was put off, if one was."""
    access = g.pop("put_off", None)
    if access is not None:
        _note(access)


def _access(read: Read, status: int) -> Access:
    reader = caller()
    return Access(
        at=context().clock(),
        token_id=reader.id,
        token_name=reader.name,
        role=reader.role,
        method=request.method,
        route=str(request.url_rule),
        kind=read.kind,
        shop_id=_storable(read.shop_id),
        mode=read.mode,
        reference=_storable(read.reference),
        status=status,
        peer=peer(),
    )


def _note(access: Access) -> None:
    with ledger().database.single(writes=True) as connection:
        note_access(connection, access)


def make_limiter(app: Flask) -> Limiter:
    """What counts calls; each process counts for itself. The platform's are never limited."""
    limiter = Limiter(peer, app=app, storage_uri="memory://", default_limits=[])
    limiter.request_filter(lambda: request.blueprint == "receiver")
    return limiter


def limit_addresses(app: Flask, limiter: Limiter, *blueprints: Any) -> None:
    """Limit how often one address may ask."""
    for one in blueprints:
        limiter.limit(context_of(app).settings.rate_per_address, key_func=peer)(one)


def limit_tokens(app: Flask, limiter: Limiter, *blueprints: Any) -> None:
    """Limit how often one token may ask."""
    for one in blueprints:
        limiter.limit(context_of(app).settings.rate_per_token, key_func=_token_key)(one)


def context_of(app: Flask) -> Any:
    """What an application holds, before it serves a request."""
    with app.app_context():
        return context()


def _authenticate() -> Token:
    secret = _secret()
    if secret is None:
        raise Unauthorized("send a token: Authorization: Bearer …")
    now = context().clock()
    database = ledger().database
    with database.connect() as connection:
        token = find_token(connection, secret, now=now)
    if token is None:
        raise Unauthorized("this token is unknown, expired or revoked")
    if is_use_due(token, now=now):
        # a full disk or a standby is still read: the last use is for whoever tidies tokens up
        with suppress(OperationalError, InternalError), database.begin() as connection:
            note_use(connection, token, now=now)
    return token


def _storable(text: str | None) -> str | None:
    """The text without what no database keeps."""
    return None if text is None else text.replace("\x00", "\ufffd")


def _secret() -> str | None:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" and secret.strip() else None


def peer() -> str:
    """The address of whoever asks."""
    return client_address(request, context().settings.trusted_proxies) or "unknown"


def _token_key() -> str:
    secret = _secret()
    return "none" if secret is None else hash_of(secret)
