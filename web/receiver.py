"""The address that the platform calls: reads a body once, hands it over, answers one line."""

import re
from time import perf_counter

import structlog
from flask import Blueprint, Request, Response, abort, request
from ulid import ULID
from werkzeug.exceptions import ClientDisconnected, NotFound

from ledger.instants import instant_of_id
from ledger.ipn.card_data import masked_text
from ledger.ipn.delivery import Delivery
from ledger.ipn.modes import Mode
from ledger.ipn.refusal_reasons import SOURCE_NOT_ALLOWED, TOO_LARGE, WRONG_ADDRESS
from ledger.operations.logs import network
from ledger.recording.receipt import Receipt
from ledger.storage.outcomes import Outcome
from web.addresses import client_address
from web.context import context
from web.request_ids import request_id

ANSWER_BYTES_MAX = 200
RETRY_SECONDS = 60

_CONTENT_TYPE_MAX = 200
_PARTS_MAX = 5
_SHOP_ID = re.compile(r"[0-9]{8,9}")
_MODE = re.compile(r"test|production", re.IGNORECASE | re.ASCII)

log = structlog.get_logger("receiver")
bp = Blueprint("receiver", __name__)


@bp.post("/ipn", provide_automatic_options=False)
def receive_any() -> Response:
    """Receive a notification whose body names its shop and mode."""
    return _receive(None, None)


@bp.post("/ipn/<shop_id>/<mode>", provide_automatic_options=False)
def receive_for_shop(shop_id: str, mode: str) -> Response:
    """Receive a notification of one shop and mode; the ledger checks that its body agrees."""
    if not _SHOP_ID.fullmatch(shop_id) or not _MODE.fullmatch(mode):
        return _keep_misdirected()
    return _receive(shop_id, Mode(mode))


@bp.before_app_request
def keep_misdirected() -> Response | None:
    """Keep what is sent to an address below `/ipn` that leads nowhere, as whoever mistyped it in
    the Back Office wants it back."""
    is_nowhere = isinstance(request.routing_exception, NotFound) and is_addressed(request)
    return _keep_misdirected() if is_nowhere and request.method == "POST" else None


def is_addressed(call: Request) -> bool:
    """Return True if a call is meant for the receiver, even if it serves no such path or method."""
    return call.path == "/ipn" or call.path.startswith("/ipn/")


def reject(status: int, code: str) -> Response:
    """Answer a call that is not acknowledged."""
    context().metrics.rejected(status)
    peer = network(client_address(request, context().settings.trusted_proxies))
    log.warning(
        "rejected",
        status=status,
        reason=code,
        method=request.method,
        peer=peer,
        request_id=request_id(),
    )
    response = _line(status, f"KO {code}")
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _keep_misdirected() -> Response:
    log.warning("address.wrong", path=_shape_of(request.path), request_id=request_id())
    return _receive(None, None, is_misdirected=True)


def _shape_of(path: str) -> str:
    """Return what a path looks like, with its modes alone as they are: the rest may be a name."""
    parts = path.split("/")[2 : 2 + _PARTS_MAX]
    return "/ipn/" + "/".join(map(shape_of_part, parts))


def shape_of_part(part: str) -> str:
    """Return what a part of a path looks like; a mode as it is."""
    if _MODE.fullmatch(part):
        return part.lower()
    kind = "digits" if part.isascii() and part.isdigit() else "characters"
    return f"<{len(part)} {kind}>" if part else ""


def _receive(shop_id: str | None, mode: str | None, *, is_misdirected: bool = False) -> Response:
    began = perf_counter()
    settings, app_context = context().settings, context()
    body = _read_body(request, settings.body_bytes_max)
    peer = client_address(request, settings.trusted_proxies)
    now = app_context.clock()
    delivery = Delivery(
        id=str(ULID.from_datetime(instant_of_id(now))),
        received_at=now,
        body=body or b"",
        content_type=masked_text(request.headers.get("Content-Type", "")[:_CONTENT_TYPE_MAX])[0],
        peer=peer,
        shop_id=shop_id,
        mode=mode,
        is_from_named_range=settings.is_within_named_range(peer),
    )
    if not settings.allows_source(peer):
        receipt = app_context.ledger.refuse(delivery, SOURCE_NOT_ALLOWED)
    elif body is None:
        receipt = app_context.ledger.refuse(delivery, TOO_LARGE)
    elif is_misdirected:
        receipt = app_context.ledger.refuse(delivery, WRONG_ADDRESS)
    else:
        receipt = app_context.ledger.receive(delivery)
    _note(receipt, delivery, perf_counter() - began)
    return _answer(receipt)


def _read_body(call: Request, bytes_max: int) -> bytes | None:
    """Read the body as it came, never more than one byte above the limit; None when it is larger.

    One that announces that it is too large is not read at all. A server may end a body where its
    sender hung up as if it were whole; the announced length tells.
    """
    announced = call.content_length
    if announced is not None and announced > bytes_max:
        return None
    chunks, left = [], bytes_max + 1
    try:
        while left and (chunk := call.stream.read(left)):
            chunks.append(chunk)
            left -= len(chunk)
    except (ClientDisconnected, TimeoutError):
        abort(400)
    body = b"".join(chunks)
    if announced is not None and len(body) < announced:
        abort(400)
    return body if left else None


def _note(receipt: Receipt, delivery: Delivery, seconds: float) -> None:
    context().metrics.stored(
        format=receipt.format,
        outcome=receipt.outcome,
        reason=receipt.reason,
        seconds=receipt.duration_seconds,
    )
    context().metrics.suspected(receipt.suspected)
    log.info(
        "received",
        id=receipt.id,
        format=receipt.format,
        shop_id=receipt.shop_id,
        mode=receipt.mode,
        outcome=receipt.outcome,
        reason=receipt.reason,
        bytes=max(len(delivery.body), request.content_length or 0),
        duration_ms=round(seconds * 1000, 1),
        peer=network(delivery.peer),
        request_id=request_id(),
    )


def _answer(receipt: Receipt) -> Response:
    if receipt.outcome != Outcome.QUARANTINED:
        return _line(200, f"OK {receipt.outcome} {receipt.id}")
    return _line(_STATUS_BY_REASON.get(receipt.reason or "", 400), f"KO {receipt.reason}")


_STATUS_BY_REASON = {"unsupported-content-type": 415, TOO_LARGE: 413, WRONG_ADDRESS: 404}
"""A wrong address is 404, as everywhere: the platform's journal shows the status."""


def _line(status: int, text: str) -> Response:
    line = text.encode("ascii", "replace")[:ANSWER_BYTES_MAX]
    return Response(line, status=status, mimetype="text/plain")
