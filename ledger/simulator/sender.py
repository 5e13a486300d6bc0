"""Send signed bodies over HTTP as the platform does: patiently, once, reading little."""

import http.client
import threading
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from ledger.errors import LedgerError, SettingsError

TIMEOUT_SECONDS = 10.0
ANSWER_BYTES = 256

_HEADERS = {
    "Content-Type": "application/x-www-form-urlencoded",
    "User-Agent": "ledger-simulator",
}


class NoServiceError(LedgerError, code="no-service"):
    """No service answers at the address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of the service. Shape: `status` is None when there was none in time."""

    status: int | None
    line: str
    seconds: float

    @property
    def is_acknowledged(self) -> bool:
        return self.status == 200


class Sender:
    """Post to one service, on one kept connection per thread.

    Errors: SettingsError when the address is none of http or https.
    """

    def __init__(self, url: str, path: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._url = _read_url(url)
        self._path = self._url.path.rstrip("/") + path
        self._timeout_seconds = timeout_seconds
        self._of_thread = threading.local()
        self._open: set[http.client.HTTPConnection] = set()

    def send(self, body: bytes) -> Answer:
        """Post one body; a redirect is an answer like any other.

        Errors: NoServiceError when no connection can be made.
        """
        begun = time.monotonic()
        try:
            status, line = self._post(body)
        except TimeoutError:
            self._drop()
            status, line = None, f"no answer within {self._timeout_seconds:g} s"
        except (OSError, http.client.HTTPException) as error:
            self._drop()
            status, line = None, f"connection lost: {type(error).__name__}"
        return Answer(status, line, time.monotonic() - begun)

    def send_and_leave(self, body: bytes, *, byte_count: int | None = None) -> Answer:
        """Post a body, or so many bytes of it, and hang up before any answer.

        Errors: NoServiceError when no connection can be made.
        """
        begun = time.monotonic()
        connection = self._connect()
        with closing(connection), suppress(OSError):
            connection.putrequest("POST", self._path)
            for name, value in {**_HEADERS, "Content-Length": str(len(body))}.items():
                connection.putheader(name, value)
            connection.endheaders()
            connection.send(body[:byte_count])
        return Answer(None, "hung up before the answer", time.monotonic() - begun)

    def _post(self, body: bytes) -> tuple[int, str]:
        is_kept = getattr(self._of_thread, "connection", None) is not None
        try:
            return self._exchange(body)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self._drop()
            if not is_kept:
                raise
            return self._exchange(body)  # the service had closed the idle connection

    def _exchange(self, body: bytes) -> tuple[int, str]:
        connection = self._connection()
        connection.request("POST", self._path, body, _HEADERS)
        response = connection.getresponse()
        beginning = response.read(ANSWER_BYTES)
        if not response.isclosed() and response.read(1):
            self._drop()  # the rest is not wanted, so the connection cannot be kept
        first_line = beginning.decode("utf-8", "replace").partition("\n")[0].strip()
        return response.status, first_line

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None
        connection = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = self._connect()
            self._of_thread.connection = connection
            self._open.add(connection)
        return connection

    def _connect(self) -> http.client.HTTPConnection:
        is_https = self._url.scheme == "https"
        kind = http.client.HTTPSConnection if is_https else http.client.HTTPConnection
        connection = kind(self._url.hostname or "", self._url.port, timeout=self._timeout_seconds)
        try:
            connection.connect()
        except OSError as error:
            address = f"{self._url.scheme}://{self._url.netloc}"
            message = f"no service answers at {address} ({error}): is `ledger serve` running?"
            raise NoServiceError(message) from error
        return connection

    def _drop(self) -> None:
        connection = getattr(self._of_thread, "connection", None)
        if connection is not None:
            connection.close()
            self._open.discard(connection)
            self._of_thread.connection = None

    def close(self) -> None:
        """Close the connections of all threads; none of them may be sending."""
        while self._open:
            self._open.pop().close()
        self._of_thread = threading.local()


def _read_url(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise SettingsError(f"not an address: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise SettingsError("the address must begin with http:// or https:// and name a host")
    if parts.username or parts.query or parts.fragment:
        raise SettingsError("the address must hold no user, question mark or number sign")
    return parts
