"""Signs a body and posts it as Standard Webhooks say, for which receivers have libraries.

Source: Standard Webhooks 1.0.0, https://www.standardwebhooks.com: `v1` signatures.
"""

import base64
import hmac
import http.client
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from urllib.parse import urlsplit

from ledger import __version__

_CHUNK = 4096
_CHUNKS_MAX = 16
"""What is read of an answer, so that its connection can be used again; nothing of it is kept."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answered. Shape: `retry_seconds` is what it asks for, 0 for nothing."""

    status: int
    retry_seconds: int

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


def signed_headers(
    secrets: Sequence[str], message_id: str, at: datetime, body: bytes
) -> dict[str, str]:
    """Return the headers by which a receiver knows who sent a body, and when.

    Shape: of several secrets, as while one replaces another, each has its own signature.
    """
    timestamp = str(int(at.timestamp()))
    signed = f"{message_id}.{timestamp}.".encode() + body
    signatures = [
        f"v1,{base64.b64encode(hmac.digest(_key(secret), signed, 'sha256')).decode()}"
        for secret in secrets
    ]
    headers = {"webhook-id": message_id, "webhook-timestamp": timestamp}
    return headers | {"webhook-signature": " ".join(signatures)}


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix("whsec_"))


class Receiver:
    """An address that signed bodies are posted to, over one connection as long as it lasts.

    No redirect is followed and no proxy is used: a body reaches the host that was named, whose
    certificate is checked.
    """

    def __init__(self, url: str, secrets: Sequence[str], *, seconds_max: float) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        self._path = parts.path or "/"
        self._secrets = tuple(secrets)
        self._seconds_max = seconds_max
        self._connection = http.client.HTTPConnection(host, parts.port, timeout=seconds_max)
        if parts.scheme == "https":
            self._connection = http.client.HTTPSConnection(
                host, parts.port, timeout=seconds_max, context=ssl.create_default_context()
            )

    def post(
        self, message_id: str, at: datetime, body: bytes, *, content_type: str = "application/json"
    ) -> Answer:
        """Post a body, and take the answer. Errors: OSError, HTTPException, ValueError."""
        headers = {"Content-Type": content_type, "User-Agent": f"ipn-ledger/{__version__}"}
        headers |= signed_headers(self._secrets, message_id, at, body)
        is_reused = self._connection.sock is not None
        try:
            return self._exchange(body, headers)
        except (http.client.RemoteDisconnected, ConnectionError):
            self.close()
            if not is_reused:
                raise
        return self._exchange(body, headers)  # the receiver had ended the connection meanwhile

    def close(self) -> None:
        """End the connection; the next post makes another."""
        self._connection.close()

    def _exchange(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        is_whole, deadline = False, monotonic() + self._seconds_max
        try:
            self._connection.request("POST", self._path, body, dict(headers))
            response = self._connection.getresponse()
            for _ in range(_CHUNKS_MAX):
                if monotonic() > deadline or not response.read1(_CHUNK):
                    break
            is_whole = response.isclosed() or response.length == 0
            response.close()
        finally:
            if not is_whole:
                self.close()
        retry_seconds = 0
        with suppress(ValueError):  # a date, which few send
            retry_seconds = max(0, int(response.getheader("Retry-After", "0")))
        return Answer(response.status, retry_seconds)
