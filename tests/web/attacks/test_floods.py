"""Many calls that mean nothing: rows, disk and memory stay bounded, and each is answered.

`LEDGER_TEST_TINY_CALLS` says how many; a million takes about an hour.
"""

import http.client
import os
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.serving import Service
from tests.web.attacks.conftest import QUARANTINE_COUNT_MAX, QUARANTINE_TOTAL_MAX

CALLS = int(os.environ.get("LEDGER_TEST_TINY_CALLS", "1600"))
CONNECTIONS = 4
CHECKED_EVERY = 64  # the bound of all holds within so many
GROWTH_MAX = 32 * 1024 * 1024  # of memory, and of the disk behind SQLite


def flood(service: Service, calls: int, addresses: int) -> Counter[tuple[int, str]]:
    """Make nearly empty calls on a few kept connections, from some addresses."""

    def send(part: int) -> Counter[tuple[int, str]]:
        answers: Counter[tuple[int, str]] = Counter()
        with closing(http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)) as sender:
            for number in range(part, calls, CONNECTIONS):
                peer = number % addresses
                headers = {"X-Forwarded-For": f"2001:db8::{peer:x}"}
                sender.request("POST", "/ipn", b"x" if number % 2 else b"", headers)
                response = sender.getresponse()
                answers[response.status, response.read().decode()] += 1
        return answers

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return sum(pool.map(send, range(CONNECTIONS)), Counter())


def in_quarantine(service: Service) -> int:
    metrics = service.call("GET", "/metrics")[1]
    (count,) = re.findall(r"^ledger_quarantine_notifications (\d+)", metrics, re.MULTILINE)
    return int(count)


def memory(service: Service) -> int:
    """Return the bytes that all processes of a service hold; 0 where the system does not tell."""
    children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children")
    if not children.exists():
        return 0
    pids = [service.process.pid, *map(int, children.read_text().split())]
    status = "".join(Path(f"/proc/{pid}/status").read_text() for pid in pids)
    return sum(int(kib) * 1024 for kib in re.findall(r"VmRSS:\s+(\d+) kB", status))


def disk(service: Service) -> int:
    """Return the bytes of an SQLite database; 0 for a server's, which vacuums when it likes."""
    if not service.database_url.startswith("sqlite"):
        return 0
    path = Path(service.database_url.removeprefix("sqlite:///"))
    return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))


@pytest.mark.parametrize(
    ("addresses", "most"),
    [(1, QUARANTINE_COUNT_MAX), (CALLS, QUARANTINE_TOTAL_MAX + CHECKED_EVERY)],
    ids=["from one address", "each from another"],
)
def test_a_flood_of_tiny_calls_is_bounded(service: Service, addresses: int, most: int) -> None:
    of_others = in_quarantine(service) if addresses == 1 else 0  # theirs stay: each has its room
    flood(service, CALLS // 2, addresses)
    memory_before, disk_before = memory(service), disk(service)

    answers = flood(service, CALLS // 2, addresses)

    assert set(answers) == {(400, "KO empty-body"), (400, "KO unknown-format")}
    assert sum(answers.values()) == CALLS // 2
    assert in_quarantine(service) <= most + of_others
    assert memory(service) - memory_before < GROWTH_MAX
    assert disk(service) - disk_before < GROWTH_MAX
    assert "quarantine.evicted" in service.log.read_text(), "what leaves is logged"
