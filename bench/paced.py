"""Sends calls at a steady pace, and measures each from the moment at which it was due."""

import http.client
import threading
import time
from collections.abc import Sequence
from queue import SimpleQueue

from bench.load import HEADERS, SECONDS_MAX, Load, load_of

CONNECTIONS = 16


def send_at_pace(url: str, bodies: Sequence[bytes], *, per_second: float) -> Load:
    """Send every body, one each `1 / per_second`; a late answer delays no other call."""
    address, _, path = url.removeprefix("http://").partition("/")
    due: SimpleQueue[tuple[float, bytes] | None] = SimpleQueue()
    taken: list[float] = []
    errors: list[int] = []

    def run() -> None:
        connection = http.client.HTTPConnection(address, timeout=SECONDS_MAX)
        while (call := due.get()) is not None:
            at, body = call
            status = _status(connection, f"/{path}", body)
            taken.append(time.perf_counter() - at)
            if status >= 300:
                errors.append(status)
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    for number, body in enumerate(bodies):
        at = began + number / per_second
        time.sleep(max(0.0, at - time.perf_counter()))
        due.put((at, body))
    for _ in threads:
        due.put(None)
    for thread in threads:
        thread.join()
    return load_of(taken, time.perf_counter() - began, len(errors))


def _status(connection: http.client.HTTPConnection, path: str, body: bytes) -> int:
    """599 for a connection that broke: its call was not answered."""
    try:
        connection.request("POST", path, body, HEADERS)
        response = connection.getresponse()
        response.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        return 599
    return response.status
