"""The service as real processes: nothing accepted is lost when it stops, and counts add up."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.projections.helpers import eventually

ROOT = Path(__file__).resolve().parents[2]
Served = Callable[..., "Service"]


@dataclass
class Service:
    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def call(self, method: str, path: str, body: bytes | None = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def wait_until_ready(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with suppress(OSError):
                if self.call("GET", "/readyz")[0] == 200:
                    return
            time.sleep(0.05)
        raise TimeoutError(self.log.read_text())

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def workers(self) -> list[int]:
        spawned = re.findall(r"Spawning worker-\d+ with PID: (\d+)", self.log.read_text())
        return [int(pid) for pid in spawned]


@contextmanager
def serving(
    folder: Path,
    sqlite_template: Path,
    *,
    workers: int = 1,
    drain_seconds: int = 0,
    is_awaited: bool = True,
) -> Iterator[Service]:
    """Start a service on an SQLite file of its own; it is killed at the end."""
    database, log = folder / "ledger.sqlite", folder / "log"
    database.write_bytes(sqlite_template.read_bytes())
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    arguments = [str(port), str(workers), f"sqlite:///{database}", str(drain_seconds)]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.web.served", *arguments],
            cwd=ROOT,
            stderr=stream,
            start_new_session=True,
        )
    service = Service(process, port, log)
    try:
        if is_awaited:
            service.wait_until_ready()
        yield service
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)


@pytest.fixture
def served(tmp_path: Path, sqlite_template: Path) -> Iterator[Served]:
    """Start services for one test, which may stop or kill them."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(serving(tmp_path, sqlite_template, **options))


@pytest.fixture(scope="module")
def shared(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all tests that only call it."""
    with serving(tmp_path_factory.mktemp("served"), sqlite_template) as service:
        yield service


@pytest.mark.parametrize("stop_signal", [signal.SIGTERM, signal.SIGINT])
def test_a_call_in_flight_is_answered_before_the_service_stops(
    served: Served, stop_signal: signal.Signals
) -> None:
    service = served()
    statuses_and_bodies: list[tuple[int, str]] = []
    caller = threading.Thread(
        target=lambda: statuses_and_bodies.append(service.call("POST", "/ipn", b"slow"))
    )
    caller.start()
    eventually(lambda: '"slow"' in service.log.read_text())

    service.process.send_signal(stop_signal)
    caller.join(60)

    assert statuses_and_bodies[0][0] == 200
    assert service.process.wait(60) == 0


@pytest.mark.parametrize("stop_signal", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_reaches_every_process_at_once_is_no_failure(
    served: Served, stop_signal: signal.Signals
) -> None:
    service = served(workers=2)

    os.killpg(service.process.pid, stop_signal)
    os.killpg(service.process.pid, stop_signal)

    assert service.process.wait(60) == 0


@pytest.mark.parametrize("stop_signal", [signal.SIGTERM, signal.SIGINT])
def test_a_service_that_is_stopped_while_it_starts_is_no_failure(
    served: Served, stop_signal: signal.Signals
) -> None:
    """A worker that has just been forked still has the main process's handler of signals."""
    service = served(workers=4, is_awaited=False)
    until = time.monotonic() + 60
    while len(service.workers()) < 4 and time.monotonic() < until:
        time.sleep(0.01)

    os.killpg(service.process.pid, stop_signal)

    assert service.process.wait(60) == 0


def test_a_draining_service_says_so_and_goes_on_serving(served: Served) -> None:
    service = served(drain_seconds=5)

    service.process.send_signal(signal.SIGTERM)

    eventually(lambda: service.call("GET", "/readyz")[0] == 503)
    assert service.call("POST", "/ipn", b"x")[0] == 200
    assert service.process.wait(60) == 0


def test_workers_do_not_outlive_a_killed_service(served: Served) -> None:
    service = served(workers=2)

    service.process.kill()
    service.process.wait(60)

    eventually(lambda: not any(_is_running(pid) for pid in service.workers()))


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_counts_of_all_workers_add_up(served: Served) -> None:
    service = served(workers=2)

    sent, answered, until = 0, set[object](), time.monotonic() + 60
    while len(answered) < 2 and time.monotonic() < until:  # one may start long after the other
        for _ in range(20):
            assert service.call("POST", "/ipn", b"x")[0] == 200
        sent += 20
        answered = {line["shop_id"] for line in service.lines() if line["event"] == "received"}
    service.call("PUT", "/ipn")

    assert len(answered) == 2, "the calls did not reach both workers"
    texts = {service.call("GET", "/metrics")[1] for _ in range(10)}
    name = "ledger_notifications_received_total"
    for text in texts:
        assert name + f'{{format="form-v2",outcome="recorded",reason="none"}} {sent}.0' in text
        assert f"ledger_commit_seconds_count {sent}.0" in text
        assert 'ledger_rejected_total{status="405"} 1.0' in text
        assert "ledger_quarantine_notifications 0.0" in text


def test_counts_survive_a_worker(served: Served) -> None:
    service = served(workers=1)
    service.call("POST", "/ipn", b"x")

    os.kill(service.workers()[0], signal.SIGKILL)
    eventually(lambda: len(service.workers()) == 2)
    service.wait_until_ready()
    service.call("POST", "/ipn", b"x")

    text = service.call("GET", "/metrics")[1]
    assert "ledger_commit_seconds_count 2.0" in text


def test_a_huge_body_is_refused_without_reading_it(shared: Service) -> None:
    with socket.create_connection(("127.0.0.1", shared.port), timeout=60) as sender:
        sender.sendall(
            b"POST /ipn HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n" + b"x"
        )
        assert sender.recv(65536).startswith(b"HTTP/1.1 413")
    assert shared.call("POST", "/ipn", b"x")[0] == 200


def test_an_endless_chunked_body_is_refused(shared: Service) -> None:
    with socket.create_connection(("127.0.0.1", shared.port), timeout=60) as sender:
        sender.sendall(b"POST /ipn HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        with suppress(OSError):
            for _ in range(600):
                sender.sendall(b"400\r\n" + b"x" * 1024 + b"\r\n")
        assert sender.recv(65536).startswith(b"HTTP/1.1 413")
    assert shared.call("POST", "/ipn", b"x")[0] == 200


def test_bytes_that_are_no_path_are_answered(shared: Service) -> None:
    with socket.create_connection(("127.0.0.1", shared.port), timeout=60) as sender:
        sender.sendall(b"POST /ipn/\xff\xfe/test HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        assert sender.recv(65536)[:12] in {b"HTTP/1.1 400", b"HTTP/1.1 404"}


def test_no_line_of_the_log_holds_a_body(shared: Service) -> None:
    shared.call("POST", "/ipn?token=query-secret", b"cust_email=jo%40example.org&signature=abc")

    written = shared.log.read_text()
    assert all("event" in line for line in shared.lines())
    assert not any(text in written for text in ("example.org", "query-secret", "signature"))


def test_workers_that_are_killed_again_and_again_are_replaced(served: Served) -> None:
    """As a machine does that has too little memory."""
    service = served(workers=1)

    for number in range(1, 4):
        os.kill(service.workers()[-1], signal.SIGKILL)
        eventually(lambda number=number: len(service.workers()) > number)
        service.wait_until_ready()

    assert service.call("POST", "/ipn", b"x")[0] == 200
    assert service.process.poll() is None


def test_a_service_whose_workers_never_come_to_serve_ends(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.web.served", "0", "1", "no-database:", "0"],
            cwd=ROOT,
            stderr=stream,
            start_new_session=True,
        )

    assert process.wait(60) != 0
    assert "crash loop" in log.read_text()
