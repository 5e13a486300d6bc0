"""Sends calls as fast as a server takes them: by `wrk`, or by threads where it is missing."""

import http.client
import json
import shutil
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

WRK = Path(__file__).with_name("wrk.lua")
SECONDS_MAX = 30
HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a load. Units: milliseconds; `errors` are calls not answered 2xx."""

    calls: int
    seconds: float
    p50_ms: float
    p99_ms: float
    errors: int

    @property
    def rate(self) -> float:
        return self.calls / self.seconds


def drive(
    url: str, bodies: Path, *, clients: int, seconds: float, may_repeat: bool = False
) -> Load:
    """Send the bodies of a file, one after another, over so many connections for so long.

    Errors: ValueError when there were too few of them, unless they may be sent repeatedly.
    """
    available = bodies.read_bytes().count(b"\n")
    by = _by_wrk if shutil.which("wrk") else _by_threads
    load = by(url, bodies, clients, seconds)
    if load.calls > available and not may_repeat:
        raise ValueError(f"{load.calls} calls were sent, but only {available} bodies were there")
    return load


@contextmanager
def background(
    url: str, bodies: Path, *, clients: int, seconds: float
) -> Iterator[Callable[[], Load]]:
    """Send repeatedly while something else happens. Shape: what is yielded tells, at the end."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(
            drive, url, bodies, clients=clients, seconds=seconds + 1, may_repeat=True
        )
        time.sleep(0.5)  # it is at its full rate
        yield future.result


def load_of(taken: Sequence[float], seconds: float, errors: int) -> Load:
    """What came of calls that took so many seconds each."""
    p99 = statistics.quantiles(taken, n=100)[98]
    return Load(len(taken), seconds, statistics.median(taken) * 1000, p99 * 1000, errors)


def _by_wrk(url: str, bodies: Path, clients: int, seconds: float) -> Load:
    threads = min(2, clients)
    command = ["wrk", f"-t{threads}", f"-c{clients}", f"-d{seconds:.0f}s", "-s", str(WRK), url]
    done = subprocess.run(
        [*command, "--", str(bodies), str(threads)],
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + SECONDS_MAX,
    )
    return Load(**json.loads(done.stdout.splitlines()[-1]))


@dataclass
class _Client:
    """One connection, kept alive."""

    address: str
    path: str
    taken: list[float] = field(default_factory=list)
    errors: int = 0

    def run(self, bodies: list[bytes], until: float) -> None:
        connection = http.client.HTTPConnection(self.address, timeout=SECONDS_MAX)
        for body in cycle(bodies):
            if time.perf_counter() >= until:
                break
            began = time.perf_counter()
            connection.request("POST", self.path, body, HEADERS)
            response = connection.getresponse()
            response.read()
            self.taken.append(time.perf_counter() - began)
            self.errors += response.status >= 300
        connection.close()


def _by_threads(url: str, bodies: Path, clients: int, seconds: float) -> Load:
    address, _, path = url.removeprefix("http://").partition("/")
    lines = bodies.read_bytes().splitlines()
    every = [_Client(address, f"/{path}") for _ in range(clients)]
    began = time.perf_counter()
    threads = [
        threading.Thread(target=client.run, args=(lines[at::clients], began + seconds))
        for at, client in enumerate(every)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = [duration for client in every for duration in client.taken]
    return load_of(taken, time.perf_counter() - began, sum(client.errors for client in every))
