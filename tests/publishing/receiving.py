"""A receiver of webhooks for tests: it remembers each call and answers what it is told to."""

import base64
import hashlib
import hmac
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

KEY = b"a synthetic key of 32 characters"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"


@dataclass(frozen=True)
class HookCall:
    """One call as it came."""

    headers: dict[str, str]
    body: bytes
    status: int

    @property
    def position(self) -> int:
        return int(self.headers["webhook-id"])

    @property
    def cloud_event(self) -> dict[str, Any]:
        document: dict[str, Any] = orjson.loads(self.body)
        return document

    def signature(self, signing_key: bytes) -> str:
        """Return the signature that the specification asks for, made without our own code."""
        parts = (self.headers["webhook-id"], self.headers["webhook-timestamp"], "")
        signed = hmac.new(
            signing_key, ".".join(parts).encode() + self.body, hashlib.sha256
        ).digest()
        return f"v1,{base64.b64encode(signed).decode()}"


@dataclass
class HookServer:
    """Answers `status`, or what stands first in `next_statuses` as long as there is any."""

    url: str = ""
    status: int = 200
    next_statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    hook_calls: list[HookCall] = field(default_factory=list)
    ports: set[int] = field(default_factory=set)

    @property
    def taken(self) -> list[int]:
        """The positions that were answered with success, in the order in which they came."""
        return [call.position for call in self.hook_calls if 200 <= call.status < 300]


@contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Iterator[HookServer]:
    hooks = HookServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else each answer waits 40 ms for the end of its own head

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = hooks.next_statuses.pop(0) if hooks.next_statuses else hooks.status
            names = {name.lower(): text for name, text in self.headers.items()}
            hooks.hook_calls.append(HookCall(names, body, status))
            hooks.ports.add(self.client_address[1])
            self.send_response(status)
            for name, text in hooks.headers.items():
                self.send_header(name, text)
            answer = b"" if status == 204 else b"nothing that is kept"
            if status != 204:
                self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hooks.url = f"http://127.0.0.1:{server.server_port}/hook"
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
            hooks.url = f"https://localhost:{server.server_port}/hook"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield hooks
        server.shutdown()
