"""Serve the platform's reading web services over HTTP, with faults on demand, and record requests.

Source: rest-v4 reference, section 8.
"""

import base64
import binascii
import json
import ssl
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from ledger.simulator.rest_answers import Fault, RecordedRequest, envelope
from ledger.simulator.rest_objects import PlatformObjects
from ledger.simulator.rest_v4_means import Node

BASE_PATH = "/api-payment/V4/"
_BODY_BYTES_MAX = 65_536


@dataclass(frozen=True, slots=True)
class Credentials:
    """What opens the services of one shop and mode."""

    shop_id: str
    password: str = field(repr=False)


class RestServices:
    """Serve what is known to whoever has the password, while the `with` block lasts.

    Shape: `objects_by_credentials` has a member for each password that opens something, which
    alone decides the mode. `server_date` says the time of an answer; `tls` the certificate that is
    shown, if they are served by https.
    """

    def __init__(
        self,
        objects_by_credentials: Mapping[Credentials, PlatformObjects],
        *,
        server_date: Callable[[], datetime] = lambda: datetime.now(UTC),
        slow_seconds: float = 5.0,
        big_bytes: int = 8_000_000,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.requests: list[RecordedRequest] = []
        self.slow_seconds = slow_seconds
        self.big_bytes = big_bytes
        self.stopped = threading.Event()
        self._objects_by_credentials = objects_by_credentials
        self._server_date = server_date
        self._faults: deque[Fault | None] = deque()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self._scheme = "http"
        if tls is not None:
            self._scheme = "https"
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Return the address before the name of a service, with a slash at its end."""
        return f"{self._scheme}://{self.host}{BASE_PATH}"

    @property
    def host(self) -> str:
        """Return the name of this machine with the port."""
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def other_host_url(self) -> str:
        """Return the same under another name of this machine: where a redirect leads."""
        return f"{self._scheme}://localhost:{self._server.server_port}{BASE_PATH}"

    @property
    def changing_requests(self) -> list[RecordedRequest]:
        """Return every request for anything but the reading services: there should be none."""
        return [request for request in self.requests if not request.is_reading]

    def fail_next(self, *faults: Fault | None) -> None:
        """Let the next requests fail, one after the other; None lets one pass."""
        with self._lock:
            self._faults.extend(faults)

    def recorded(self, request: RecordedRequest) -> Fault | None:
        """Remember a request and return what goes wrong with it."""
        with self._lock:
            self.requests.append(request)
            return self._faults.popleft() if self._faults else None

    def objects_of(self, shop_id: str | None, password: str) -> PlatformObjects | None:
        """Return what a password opens, None when it opens nothing."""
        return self._objects_by_credentials.get(Credentials(shop_id or "", password))

    def envelope(
        self, request: RecordedRequest, objects: PlatformObjects | None, fault: Fault | None
    ) -> Node:
        """Return the answer to a request, as of now."""
        return envelope(
            request,
            objects,
            fault,
            number=len(self.requests),
            server_date=self._server_date(),
            padding_bytes=self.big_bytes if fault is Fault.BIG else 0,
        )


def _handler_of(services: RestServices) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            _answer_one(self, services)

        do_GET = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_POST

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _answer_one(exchange: BaseHTTPRequestHandler, services: RestServices) -> None:
    """Record a request, then answer it or let it fail."""
    headers = {name.lower(): text for name, text in exchange.headers.items()}
    objects = services.objects_of(*_credentials(headers.pop("authorization", "")))
    request = _recorded_request(exchange, headers, objects)
    fault = services.recorded(request)
    if request.method != "POST":
        _send(exchange, 405, b"", {"Allow": "POST"})
    else:
        _answer_with(exchange, services, request, objects, fault)


def _recorded_request(
    exchange: BaseHTTPRequestHandler,
    headers: Mapping[str, str],
    objects: PlatformObjects | None,
) -> RecordedRequest:
    length = int(headers.get("content-length", "0"))
    is_service = exchange.path.startswith(BASE_PATH)
    return RecordedRequest(
        method=exchange.command,
        service=exchange.path.removeprefix(BASE_PATH) if is_service else "",
        body=exchange.rfile.read(min(length, _BODY_BYTES_MAX)),
        headers=headers,
        has_credentials="Authorization" in exchange.headers,
        mode=objects.mode if objects else None,
    )


def _credentials(header: str) -> tuple[str | None, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None, ""
    try:
        shop_id, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None, ""
    return shop_id, password


def _answer_with(
    exchange: BaseHTTPRequestHandler,
    services: RestServices,
    request: RecordedRequest,
    objects: PlatformObjects | None,
    fault: Fault | None,
) -> None:
    if fault is Fault.SLOW:
        services.stopped.wait(services.slow_seconds)
    if fault is Fault.BROKEN:
        _send(exchange, 500, b"<html>Internal Server Error</html>", {"Content-Type": "text/html"})
    elif fault is Fault.REDIRECT:
        _send(exchange, 307, b"", {"Location": f"{services.other_host_url}{request.service}"})
    elif exchange.headers.get_content_type() != "application/json":
        _send(exchange, 415, b"", {})
    else:
        text = json.dumps(services.envelope(request, objects, fault), ensure_ascii=False).encode()
        is_cut = fault is Fault.CUT
        _send(
            exchange, 200, text, {"Content-Type": "application/json;charset=UTF-8"}, is_cut=is_cut
        )


def _send(
    exchange: BaseHTTPRequestHandler,
    http_status: int,
    body: bytes,
    headers: Mapping[str, str],
    *,
    is_cut: bool = False,
) -> None:
    """Send an answer, or the first half of one that claims to be whole."""
    exchange.send_response(http_status)
    for name, text in {**headers, "Content-Length": str(len(body))}.items():
        exchange.send_header(name, text)
    exchange.end_headers()
    try:
        exchange.wfile.write(body[: len(body) // 2] if is_cut else body)
    except OSError:
        exchange.close_connection = True  # whoever requested it has left
    if is_cut:
        exchange.close_connection = True
