"""Who asks, what they may see, and the line that their reading leaves in the access log."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

from flask import Response, current_app, g, request
from sqlalchemy.exc import InternalError, OperationalError
from werkzeug.exceptions import Forbidden, NotFound, Unauthorized

from ledger.access.log import Access, note_access
from ledger.access.masking import masked, masked_rows
from ledger.access.readers import Reader
from ledger.access.roles import OPERATOR, ROLES, SEES_PERSONAL
from ledger.access.tokens import find_token, is_use_due, note_use
from ledger.ipn.modes import PUBLIC_MODES
from ledger.queries.activity import Scope
from ledger.queries.evidence import may_read
from ledger.queries.filter_conditions import Filter, is_search
from ledger.queries.readable import refuse_erased
from ledger.storage.inbox import InboxRecord
from web.addresses import peer
from web.context import context, ledger

BODY_BYTES_MAX = 64 * 1024  # of a question; notifications have a limit of their own

_View = TypeVar("_View", bound=Callable[..., Any])
_Filter = TypeVar("_Filter", bound=Filter)


def only_for(*roles: str) -> Callable[[_View], _View]:
    """Serve a view to these roles only; without it a view is for every role."""

    def mark(handler: _View) -> _View:
        handler.roles = roles  # type: ignore[attr-defined]  # read by `admit`
        return handler

    return mark


only_for_operators = only_for(OPERATOR)
only_with_personal_data = only_for(*SEES_PERSONAL)


def only_for_all_shops(handler: _View) -> _View:
    """Serve a view to those only whose access is to all shops."""
    handler.is_about_all_shops = True  # type: ignore[attr-defined]  # read by `is_open_to`
    return handler


def with_bodies_up_to(bytes_max: int) -> Callable[[_View], _View]:
    """Let somebody who may open a view send it so many bytes."""

    def mark(handler: _View) -> _View:
        handler.bytes_max = bytes_max  # type: ignore[attr-defined]  # read by `limit_body`
        return handler

    return mark


def limit_body(reader: Reader) -> None:
    """Take no larger body than the view needs, and a small one from whoever may not open it."""
    view = current_app.view_functions[request.endpoint or ""]
    bytes_max = getattr(view, "bytes_max", BODY_BYTES_MAX)
    request.max_content_length = bytes_max if is_open_to(reader, view) else BODY_BYTES_MAX


def is_open_to(reader: Reader, view: Callable[..., Any]) -> bool:
    """Return True if somebody may open a view, as far as it does not depend on its arguments."""
    sees_enough = reader.shops is None or not getattr(view, "is_about_all_shops", False)
    return sees_enough and reader.role in getattr(view, "roles", ROLES)


def caller() -> Reader:
    """Return who asks: the token or the person of this request."""
    reader: Reader = g.caller
    return reader


def allowed_shops() -> frozenset[str] | None:
    """Return the shops whose rows the caller may see; None is every shop."""
    shops = caller().shops
    return None if shops is None else frozenset(shops)


def permitted_shops(shops: frozenset[str] | None) -> frozenset[str] | None:
    """Return the shops that a filter names, or else all of the caller. Errors: Forbidden."""
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


def scope_of(mode: str) -> Scope:
    """Return what the caller may see of a mode: its own shops, or all that there are."""
    shops = caller().shops
    known = ledger().shops.shop_by_id if shops is None else shops
    return Scope(mode, tuple(sorted(set(known))), shops is not None)


def redact_for_reader(fields: Mapping[str, Any], reader: Reader | None = None) -> dict[str, Any]:
    """Return a state or an event as its reader, or else the caller, may see it."""
    return dict(fields) if (reader or caller()).sees_personal else masked(fields)


def redact_items(items: Iterable[Mapping[str, Any]], filter_: Filter) -> list[dict[str, Any]]:
    """Return the items of a list as the caller may see them."""
    if caller().sees_personal:
        return list(map(dict, items))
    return list(masked_rows(items, is_search=is_search(filter_)))


def authorise() -> None:
    """Let a request with a token pass to its view. Errors: Unauthorized, and those of `admit`."""
    secret = bearer_secret()
    if secret is None:
        raise Unauthorized("send a token: Authorization: Bearer <token>")
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
    admit(token)


def admit(reader: Reader) -> None:
    """Let somebody who is known pass to the view. Errors: Forbidden, NotFound."""
    g.caller = reader
    limit_body(reader)
    arguments = request.view_args or {}
    if "mode" in arguments:
        arguments["mode"] = arguments["mode"].lower()  # the view gets these arguments
        if arguments["mode"] not in PUBLIC_MODES:
            raise NotFound("mode is test or production")
    if "shop_id" in arguments and not reader.allows_shop(arguments["shop_id"]):
        raise Forbidden("your access does not include this shop")
    view = current_app.view_functions[request.endpoint or ""]
    if not is_open_to(reader, view):
        where = arguments.get("shop_id"), arguments.get("mode")
        g.read = ("refused", *where, (request.path,))
        limits = "" if reader.shops is None else " of some shops"
        raise Forbidden(f"this is not for the role {reader.role}{limits}")


def bearer_secret() -> str | None:
    """Return the secret of the token that a request brings, if it brings one."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" and secret.strip() else None


def require_body(row: InboxRecord) -> bytes:
    """Return a body byte for byte.

    Errors: Forbidden when it holds card data, but for operators; ErasedError.
    """
    refuse_erased(ledger(), row)
    if not may_read(ledger(), caller(), row):
        raise Forbidden("this body seems to hold card data: it is for operators")
    return row.body or b""


def log_personal_read(
    kind: str, *, shop_id: str | None = None, mode: str | None = None, reference: str | None = None
) -> None:
    """Have this request leave a line in the access log if its role sees personal or raw data."""
    if caller().sees_personal:
        g.read = (kind, shop_id, mode, (reference,))


def log_act(kind: str, *, reference: str) -> None:
    """Have this request leave a line in the access log, whatever its role."""
    log_acts(kind, references=[reference])


def log_acts(kind: str, *, references: Sequence[str]) -> None:
    """Have this request leave a line in the access log for each thing that it has done."""
    g.read = (kind, None, None, references)


def log_read(response: Response) -> Response:
    """Write the lines of this request before its answer leaves; what cannot be logged does not."""
    if "read" not in g:
        return response
    kind, shop_id, mode, references = g.pop("read")
    access = Access(
        at=context().clock(),
        token_id=caller().id,
        token_name=caller().name,
        role=caller().role,
        method=request.method,
        route=str(request.url_rule),
        kind=kind,
        shop_id=_storable(shop_id),
        mode=mode,
        reference=None,
        status=response.status_code,
        peer=peer(),
    )
    with ledger().database.begin() as connection:
        for reference in references:
            note_access(connection, replace(access, reference=_storable(reference)))
    return response


def _storable(text: str | None) -> str | None:
    """Return the text without the character that no database keeps."""
    return None if text is None else text.replace("\x00", "\ufffd")
