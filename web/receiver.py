"""The address that the platform calls: reads a body once, hands it over, answers one line."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from time import perf_counter

import structlog
from flask import Blueprint, Request, Response, abort, request
from ulid import ULID
from werkzeug.exceptions import ClientDisconnected

from ledger.logs import network
from ledger.notification import Delivery
from ledger.reasons import TOO_LARGE
from ledger.recording.receipt import Receipt
from ledger.settings import Network
from ledger.storage.outcomes import Outcome
from web.context import context

ANSWER_BYTES_MAX = 200
RETRY_SECONDS = 60

_CONTENT_TYPE_MAX = 200
_SHOP_ID = re.compile(r"[0-9]{8,9}")
_MODE = re.compile(r"test|production", re.IGNORECASE | re.ASCII)

Address = IPv4Address | IPv6Address

log = structlog.get_logger("receiver")
bp = Blueprint("receiver", __name__)


@bp.post("/ipn", provide_automatic_options=False)
def receive_any() -> Response:
    """Take a notification whose shop and mode are told by its body."""
    return _receive(None, None)


@bp.post("/ipn/<shop_id>/<mode>", provide_automatic_options=False)
def receive_for_shop(shop_id: str, mode: str) -> Response:
    """Take a notification of one shop and mode; the ledger checks that its body agrees."""
    if not _SHOP_ID.fullmatch(shop_id) or not _MODE.fullmatch(mode):
        abort(404)
    return _receive(shop_id, mode.upper())


def is_addressed(asked: Request) -> bool:
    """Whether a call is meant for the receiver, even at a path or by a method it does not serve."""
    return asked.path == "/ipn" or asked.path.startswith("/ipn/")


def reject(status: int, word: str) -> Response:
    """Answer a call that is not acknowledged."""
    context().metrics.rejected(status)
    peer = network(client_address(request, context().settings.trusted_proxies))
    log.warning("rejected", status=status, reason=word, method=request.method, peer=peer)
    response = _line(status, f"KO {word}")
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def client_address(asked: Request, trusted: Sequence[Network]) -> str:
    """Who really called: the peer, or the first hop from the right that is no trusted proxy.

    A server may join, drop or override repeated headers, so a proxy must replace
    `X-Forwarded-For`, or append to it, and pass on no header `X_Forwarded_For`. This is a second
    fence; the signature is the first.
    """
    client = _address(asked.remote_addr or "")
    hops = asked.headers.get("X-Forwarded-For", "").split(",")
    while client is not None and hops and any(client in one for one in trusted):
        told = _address(hops.pop())
        if told is None:
            break
        client = told
    return "" if client is None else str(client)


def _receive(shop_id: str | None, mode: str | None) -> Response:
    began = perf_counter()
    settings, held = context().settings, context()
    body = _read_body(request, settings.body_bytes_max)
    peer = client_address(request, settings.trusted_proxies)
    now = held.clock()
    delivery = Delivery(
        id=str(ULID.from_datetime(now)),
        received_at=now,
        body=body or b"",
        content_type=request.headers.get("Content-Type", "")[:_CONTENT_TYPE_MAX],
        peer=peer,
        shop_id=shop_id,
        mode=mode,
    )
    if not _is_allowed(peer, settings.allowed_sources):
        receipt = held.ledger.refuse(delivery, "source-not-allowed")
    elif body is None:
        receipt = held.ledger.refuse(delivery, TOO_LARGE)
    else:
        receipt = held.ledger.receive(delivery)
    _tell(receipt, delivery, perf_counter() - began)
    return _answer(receipt)


def _read_body(asked: Request, bytes_max: int) -> bytes | None:
    """Read the body as it came, never more than one byte above the limit; None when it is larger.

    One that announces that it is too large is not read at all. A server may end a body where its
    sender hung up as if it were whole; what was announced tells.
    """
    told = asked.content_length
    if told is not None and told > bytes_max:
        return None
    parts, left = [], bytes_max + 1
    try:
        while left and (part := asked.stream.read(left)):
            parts.append(part)
            left -= len(part)
    except ClientDisconnected:
        abort(400)
    body = b"".join(parts)
    if told is not None and len(body) < told:
        abort(400)
    return body if left else None


def _address(told: str) -> Address | None:
    """Read an address as proxies write it: bare, with a port, or in brackets."""
    told = told.strip()
    if told.startswith("["):
        told = told[1:].partition("]")[0]
    elif told.count(":") == 1:
        told = told.partition(":")[0]
    try:
        address = ip_address(told)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_allowed(peer: str, allowed: Sequence[Network]) -> bool:
    if not allowed:
        return True
    address = _address(peer)
    return address is not None and any(address in one for one in allowed)


def _tell(receipt: Receipt, delivery: Delivery, seconds: float) -> None:
    context().metrics.stored(
        format=receipt.format,
        outcome=receipt.outcome,
        reason=receipt.reason,
        seconds=receipt.duration_seconds,
    )
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
    )


def _answer(receipt: Receipt) -> Response:
    if receipt.outcome != Outcome.QUARANTINED:
        return _line(200, f"OK {receipt.outcome} {receipt.id}")
    return _line(_STATUS_BY_REASON.get(receipt.reason or "", 400), f"KO {receipt.reason}")


_STATUS_BY_REASON = {"unsupported-content-type": 415, TOO_LARGE: 413}


def _line(status: int, text: str) -> Response:
    line = text.encode("ascii", "replace")[:ANSWER_BYTES_MAX]
    return Response(line, status=status, mimetype="text/plain")
