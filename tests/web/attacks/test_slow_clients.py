"""Clients that do not read, and clients that do not send: notifications are taken as before.

Against a real service of two threads. The ledger is large enough, and the buffers of the clients
small enough, that an answer stands in the service's way: small answers fit into buffers unread.
"""

import socket
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from bench.ground import fill_events
from tests.builders import a_form, a_ledger, a_shop, form_body, shops
from tests.cli.running import shops_file
from tests.conftest import opened
from tests.queries.filling import follow
from tests.serving import Service, serving
from tests.web.attacks.test_attacks import post, uuid

THREADS = 2
CLIENTS = 40  # far more than threads and places together
CALLS = 10
CALL_SECONDS = 1.0
ALIVE_SECONDS_MAX = 1.0
SLOWEST_SECONDS_MAX = 5.0
"""On a machine of its own no call takes a second; this one may be shared. A stall lasts longer."""
SMALL_BUFFER = 4096
EVENTS = 8_000  # 17 MB as CSV
ROLES = ("auditor", "auditor-personal", "operator")


AssertServes = Callable[[str], None]


@pytest.fixture(scope="module")
def service(sqlite_template: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("slow")
    url = f"sqlite:///{folder}/ledger.sqlite"
    (folder / "ledger.sqlite").write_bytes(sqlite_template.read_bytes())  # type: ignore[attr-defined]
    with opened(url) as database:
        ledger = a_ledger(database, shops(a_shop()))
        fill_events(ledger, EVENTS, real=500)
        follow(ledger)
    rates = {f"LEDGER_RATE_PER_{of}": "1000000/minute" for of in ("TOKEN", "ADDRESS")}
    with serving(folder, url, shops_file(folder), threads=THREADS, **rates) as running:
        yield running


@pytest.fixture(scope="module")
def tokens(service: Service) -> list[str]:
    return [service.token(role) for role in ROLES]


@contextmanager
def connected(service: Service, *requests: bytes) -> Iterator[list[socket.socket]]:
    """Send each request on a connection of its own, and read nothing."""
    with ExitStack() as stack:
        clients = []
        for request in requests:
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
            client.settimeout(20)
            client.connect(("127.0.0.1", service.port))
            client.sendall(request)
            clients.append(client)
        time.sleep(1)  # until as much is sent as ever will be
        yield clients


def taken_by_calls(service: Service, name: str) -> list[float]:
    """Make calls, each of which is recorded. Units: seconds."""
    taken = []
    for number in range(CALLS):
        body = form_body(a_form(vads_trans_uuid=uuid(f"{name}-{number}")))
        began = time.monotonic()
        status, line = post(service, body)
        taken.append(time.monotonic() - began)
        assert (status, line[:11]) == (200, "OK recorded")
    return taken


@pytest.fixture
def assert_serves(service: Service) -> AssertServes:
    """Calls are recorded within a second, and the process says at once that it is alive."""

    def check(name: str) -> None:
        taken = taken_by_calls(service, name)
        began = time.monotonic()
        assert service.call("GET", "/healthz")[0] == 200
        alive_seconds = time.monotonic() - began
        assert statistics.median(taken) < CALL_SECONDS, taken
        assert max(taken) < SLOWEST_SECONDS_MAX, taken
        assert alive_seconds < ALIVE_SECONDS_MAX

    return check


STREAM = "Accept: text/event-stream\r\n"
UNREAD = {
    "events-csv": ("/exports/events?format=csv", ""),
    "events-jsonl": ("/exports/events?format=jsonl", ""),
    "events-parquet": ("/exports/events?format=parquet", ""),
    "transactions": ("/exports/transactions?format=jsonl", ""),
    "raw-bodies": ("/exports/notifications?format=jsonl&raw=true", ""),
    "stream-from-0": ("/events?after=0", STREAM),
    "stream-with-details": ("/events?after=0&details=true&limit=500", STREAM),
    "stream-at-the-end": ("/events?after=99999999", STREAM),
    "long-polls": ("/events?after=99999999&wait=20", ""),
    "pages-of-the-feed": ("/events?after=0&limit=500&details=true", ""),
    "documents": ("/openapi.json", ""),
}


@pytest.mark.parametrize("name", UNREAD)
def test_answers_that_nobody_reads_stop_nothing(
    service: Service, tokens: list[str], assert_serves: AssertServes, name: str
) -> None:
    path, header = UNREAD[name]
    requests = [
        (
            f"GET /api/v1{path} HTTP/1.1\r\nHost: x\r\n{header}"
            f"Authorization: Bearer {tokens[number % len(tokens)]}\r\n\r\n"
        ).encode()
        for number in range(CLIENTS)
    ]

    with connected(service, *requests):
        assert_serves(name)

    assert_serves(f"{name}-afterwards")


def test_many_requests_on_a_connection_that_nobody_reads_stop_nothing(
    service: Service, assert_serves: AssertServes
) -> None:
    request = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"

    with connected(service, *[request * 50] * CLIENTS):
        assert_serves("pipelined")


LENGTH = "Content-Length: 1000\r\n"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
HALF_SENT = {
    "ipn": ("POST", "/ipn", FORM + LENGTH),
    "ipn-of-a-shop": ("POST", "/ipn/12345678/test", FORM + LENGTH),
    "ipn-in-chunks": ("POST", "/ipn", FORM + "Transfer-Encoding: chunked\r\n"),
    "sign-in": ("POST", "/sign-in", FORM + LENGTH),
    "readmit": ("POST", "/api/v1/notifications/readmit", LENGTH),
    "healthz": ("GET", "/healthz", LENGTH),
    "readyz": ("GET", "/readyz", LENGTH),
    "nowhere": ("PUT", "/nowhere", LENGTH),
}


@pytest.mark.parametrize("name", HALF_SENT)
def test_bodies_that_never_end_stop_nothing(
    service: Service, assert_serves: AssertServes, name: str
) -> None:
    method, path, headers = HALF_SENT[name]
    request = f"{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode()
    half = b"64\r\nvads_site_id=12345678&" if "chunked" in headers else b"vads_site_id=12345678&"

    with connected(service, *[request + half] * CLIENTS) as clients:
        assert_serves(name)
        for client in clients:  # byte by byte, as if more were to come
            with suppress(ConnectionError):
                client.sendall(b"a")
        assert_serves(f"{name}-dripping")


def test_a_client_that_hangs_up_gives_its_place_back(service: Service, tokens: list[str]) -> None:
    path, header = UNREAD["events-csv"]
    request = (
        f"GET /api/v1{path} HTTP/1.1\r\nHost: x\r\n{header}"
        f"Authorization: Bearer {tokens[0]}\r\n\r\n"
    ).encode()
    with connected(service, *[request] * CLIENTS):
        status, text = service.call("GET", f"/api/v1{path}", Authorization=f"Bearer {tokens[0]}")
        assert status == 503
        assert '"too-many-streams"' in text

    until = time.monotonic() + 20
    while (answer := service.call("GET", f"/api/v1{path}", Authorization=f"Bearer {tokens[0]}"))[
        0
    ] == 503:
        assert time.monotonic() < until
        time.sleep(0.2)

    assert answer[0] == 200
    assert answer[1].count("\n") > EVENTS
