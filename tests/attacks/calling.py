"""Calls of a stranger, and what an operator then reads of them."""

import json
import socket
from contextlib import closing, suppress
from typing import Any

from ledger.notification import FORM_CONTENT_TYPE
from ledger.signature import digest
from tests.serving import Service


def post(service: Service, body: bytes, path: str = "/ipn", **headers: str) -> tuple[int, str]:
    return service.call("POST", path, body, **({"Content-Type": FORM_CONTENT_TYPE} | headers))


def exchanged(service: Service, sent: bytes) -> bytes:
    """What is answered first, or nothing when it hung up on us."""
    with closing(socket.create_connection(("127.0.0.1", service.port), timeout=20)) as sender:
        with suppress(ConnectionError):
            sender.sendall(sent)
        with suppress(ConnectionError):
            return sender.recv(65536)
    return b""


def uuid(name: str) -> str:
    """A transaction of its own for each attack."""
    return digest(name.encode())[:32]


def ask(service: Service, path: str) -> Any:
    status, text = service.call("GET", path, Authorization=f"Bearer {_token(service)}")
    assert status in (200, 404), (path, status, text)
    return json.loads(text) if status == 200 else None


def asked_text(service: Service, path: str) -> str:
    status, text = service.call("GET", path, Authorization=f"Bearer {_token(service)}")
    assert status == 200
    return text


_tokens: dict[int, str] = {}


def _token(service: Service) -> str:
    return _tokens.setdefault(service.port, service.token())
