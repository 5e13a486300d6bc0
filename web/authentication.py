"""Who asks, what they may see, and the line that their reading leaves in the access log."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from flask import Response, current_app, g, request
from sqlalchemy.exc import InternalError, OperationalError
from werkzeug.exceptions import Forbidden, NotFound, Unauthorized

from ledger.access.log import Access, note_access
from ledger.access.masking import masked
from ledger.access.readers import OPERATOR, ROLES, SEES_PERSONAL, Reader
from ledger.access.tokens import Token, find_token, is_use_due, note_use
from ledger.ipn.modes import PUBLIC_MODES
from ledger.queries.activity import Scope
from ledger.queries.filter_conditions import Filter
from web.addresses import peer
from web.context import context, ledger

MODES = PUBLIC_MODES
BODY_BYTES_MAX = 64 * 1024  # of a question; notifications have a limit of their own

_View = TypeVar("_View", bound=Callable[..., Any])
_Filter = TypeVar("_Filter", bound=Filter)


# -- what readers may see -----------------------------------------------------------------------


def only_for(*roles: str) -> Callable[[_View], _View]:
    """Serve a view to these roles only; without it a view is for every role."""

    def mark(view: _View) -> _View:
        view.roles = roles  # type: ignore[attr-defined]  # read by `admit`
        return view

    return mark


only_for_operators = only_for(OPERATOR)
only_with_personal_data = only_for(*(role for role in ROLES if role in SEES_PERSONAL))


def caller() -> Reader:
    """Return who asks: the token or the person of this request."""
    reader = g.caller
    assert isinstance(reader, Reader)
    return reader


def allowed_shops() -> frozenset[str] | None:
    """Return the shops whose rows the caller may see; None is every shop."""
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


def scope_of(mode: str) -> Scope:
    """Return what the caller may see of a mode: its own shops, or all that there are."""
    allowed = allowed_shops()
    known = set(ledger().shops.shop_by_id)
    return Scope(mode, tuple(sorted(known if allowed is None else allowed)), allowed is not None)


def redact_for_reader(state: Mapping[str, Any], reader: Reader | None = None) -> dict[str, Any]:
    """Return a state or an event as its reader, or else the caller, may see it."""
    return dict(state) if (reader or caller()).sees_personal else masked(state)


# -- who asks -----------------------------------------------------------------------------------


def authorise() -> None:
    """Let a request with a token pass to its view. Errors: Unauthorized, and those of `admit`."""
    admit(_authenticate())


def admit(reader: Reader) -> None:
    """Let somebody who is known pass to the view. Errors: Forbidden, NotFound."""
    g.caller = reader
    request.max_content_length = BODY_BYTES_MAX
    arguments = request.view_args or {}
    if arguments.get("mode", MODES[0]) not in MODES:
        raise NotFound
    if "shop_id" in arguments and not reader.allows_shop(arguments["shop_id"]):
        raise Forbidden("your access does not include this shop")
    view = current_app.view_functions[request.endpoint or ""]
    if reader.role not in getattr(view, "roles", ROLES):
        g.read = Read("refused", arguments.get("shop_id"), arguments.get("mode"), request.path)
        raise Forbidden(f"this is not for the role {reader.role}")


def bearer_secret() -> str | None:
    """Return the secret of the token that a request brings, if it brings one."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" and secret.strip() else None


def _authenticate() -> Token:
    secret = bearer_secret()
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


# -- the access log -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Read:
    """Personal or raw data that a request reads, or another act that the access log names."""

    kind: str
    shop_id: str | None
    mode: str | None
    reference: str | None


def log_personal_read(
    kind: str, *, shop_id: str | None = None, mode: str | None = None, reference: str | None = None
) -> None:
    """Have this request leave a line in the access log if its role sees personal or raw data."""
    if caller().sees_personal:
        g.read = Read(kind, shop_id, mode, reference)


def log_read(response: Response) -> Response:
    """Write the line of this request before its answer leaves; what cannot be logged does not."""
    read = g.pop("read", None)
    if read is not None:
        with ledger().database.single(writes=True) as connection:
            note_access(connection, _access(read, response.status_code))
    return response


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


def _storable(text: str | None) -> str | None:
    """Return the text without the character that no database keeps."""
    return None if text is None else text.replace("\x00", "\ufffd")
