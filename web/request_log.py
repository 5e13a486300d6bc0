"""The line that a request leaves in the log once its answer has ended."""

import re
from collections.abc import Iterable, Iterator
from time import perf_counter
from typing import Any, cast

import structlog
from flask import Flask, Response, g, request

from ledger.ipn.modes import PUBLIC_MODES
from web import receiver
from web.context import context
from web.request_ids import HEADER, request_id

_BEGAN_AT = "ipn-ledger-began-at"
"""The name of that time in the environment of a request."""
_SHOP_ID = re.compile(r"[0-9]{8,9}")
_WORD = re.compile(r"[a-z][a-z0-9_-]{0,19}")
_PARTS_MAX = 8
_QUIET = (
    "/healthz",
    "/readyz",
    "/readyz/pages",
    "/metrics",
    "/static/<path:filename>",
    "/<mode:mode>/new-events",
    "/<mode:mode>/shops/<shop_id>/new-events/<kind>/<name:name>",
)
"""Routes that are asked all day by machines, or for every page and by each one that is open."""

log = structlog.get_logger("web")


def register(app: Flask) -> None:
    """Give every answer of an application its id, and every request but the platform's a line."""
    app.before_request(_begin)
    app.after_request(_finish)


def _begin() -> None:
    request.environ[_BEGAN_AT] = perf_counter()


def _finish(response: Response) -> Response:
    response.headers[HEADER] = request_id()
    if receiver.is_addressed(request):
        return response  # it has a line of its own
    line, began = _line(response), request.environ[_BEGAN_AT]
    write = log.debug if line["route"] in _QUIET else log.info
    if response.direct_passthrough:  # a file, which the server closes, and not the answer
        write("answered", **line, bytes=response.content_length, duration_ms=_since(began))
        return response
    metrics = context().metrics
    counted = None
    if not response.is_sequence:
        counted = response.response = _Counted(cast("Iterable[bytes]", response.response))

    def end() -> None:
        sent = counted.bytes if counted else response.calculate_content_length()
        write("answered", **line, bytes=sent, duration_ms=_since(began))
        if line["route"] not in _QUIET:
            route, status = line["route"] or "none", line["status"]
            metrics.answered(route=route, status=status, seconds=perf_counter() - began)

    response.call_on_close(end)
    return response


def _since(began: float) -> float:
    return round((perf_counter() - began) * 1000, 1)


def _line(response: Response) -> dict[str, Any]:
    """Return what the log says of a request: its route, never its path or query, with its names."""
    arguments = request.view_args or {}
    rule, reader = request.url_rule, g.get("caller")
    shop_id, mode = arguments.get("shop_id"), str(arguments.get("mode", "")).lower()
    return {
        "method": request.method,
        "route": rule.rule if rule else None,
        **({} if rule else {"path": _shape_of(request.path)}),
        "status": response.status_code,
        "reader_id": reader.id if reader else None,
        "shop_id": shop_id if shop_id and _SHOP_ID.fullmatch(shop_id) else None,
        "mode": mode if mode in PUBLIC_MODES else None,
        "request_id": request_id(),
    }


def _shape_of(path: str) -> str:
    """Return a path that leads nowhere: its words as they are, of all else what it looks like."""
    parts = path.split("/")[1 : 1 + _PARTS_MAX]
    shapes = (part if _WORD.fullmatch(part) else receiver.shape_of_part(part) for part in parts)
    return "/" + "/".join(shapes)


class _Counted(Iterator[bytes]):
    """The parts of an answer, with the number of bytes that were taken."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        self._parts, self._remaining = parts, iter(parts)
        self.bytes = 0

    def __next__(self) -> bytes:
        chunk: bytes = next(self._remaining)
        self.bytes += len(chunk)
        return chunk

    def close(self) -> None:
        """Let whatever makes the parts end."""
        close = getattr(self._parts, "close", None)
        if close is not None:
            close()
