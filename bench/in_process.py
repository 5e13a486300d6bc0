"""Receiving without HTTP, whose client would share the cores: the ledger beside two other ways.

Each is called by WSGI, as by a web server, from the threads of processes that share a file. All
take turns of a few calls, so that whatever else the machine does meets each of them alike.
"""

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from werkzeug.test import EnvironBuilder

from bench.bodies import write_bodies
from bench.figures import Goal, Sheet, ratios
from bench.ground import Extent, median, open_ledger
from bench.servers import shops_file

THREADS = 8
CALLS = 96
"""Of one turn, by all processes of an arm together."""
TURNS = 12
"""Of each arm in a round."""
LEDGER, UPSERT, LIBRARY = "ledger", "upsert", "library"
_SPAWN = get_context("spawn")


@dataclass
class Team:
    """One way to receive, in so many processes on a file of its own.

    Units: `rates` calls per second and `cpu_ms` of all processes a call, turn by turn.
    """

    label: str
    pipes: Sequence[Connection]
    rates: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    errors: int = 0

    def take_turn(self, bodies: Sequence[bytes]) -> None:
        """Receive some calls; each process takes its part of them."""
        began = time.perf_counter()
        for number, pipe in enumerate(self.pipes):
            pipe.send(bodies[number :: len(self.pipes)])
        answers = [pipe.recv() for pipe in self.pipes]
        self.rates.append(len(bodies) / (time.perf_counter() - began))
        self.cpu_ms.append(1_000 * sum(seconds for seconds, _ in answers) / len(bodies))
        self.errors += sum(errors for _, errors in answers)

    def add_to(self, sheet: Sheet, **figures: object) -> None:
        sheet.add(
            self.label,
            rate=median(self.rates),
            value=median(self.cpu_ms),
            unit="ms of a core",
            errors=self.errors,
            **figures,
        )


def in_process(folder: Path, extent: Extent) -> Sheet:
    """Measure the ledger in one and in two processes, and both others, on SQLite."""
    bodies = folder / "bodies"
    turns = extent.rounds * TURNS
    write_bodies(bodies, CALLS * (turns + 1), "in process")
    lines = bodies.read_bytes().splitlines()
    with ExitStack() as stack:
        two, mine, upsert, library = teams = [
            stack.enter_context(_team(folder, *arm))
            for arm in (
                (LEDGER, "the ledger, 2 processes", 2),
                (LEDGER, "the ledger", 1),
                (UPSERT, "Flask and a SQLAlchemy upsert", 1),
                (LIBRARY, "Flask on the library's own recorder", 1),
            )
        ]
        for turn in range(turns + 1):
            calls = lines[turn * CALLS : (turn + 1) * CALLS]
            for team in teams[:: (-1) ** turn]:
                team.take_turn(calls)
            if not turn:  # everybody has seen every kind of call once
                for team in teams:
                    team.rates.clear()
                    team.cpu_ms.clear()
    sheet = Sheet(
        "receiving in process",
        "SQLite",
        f"WSGI calls from {THREADS} threads, {turns} turns of {CALLS} calls, synchronous=FULL",
    )
    upsert.add_to(sheet)
    library.add_to(sheet)
    mine.add_to(sheet)
    for rival, low in ((upsert, 1.2), (library, 0.8)):
        rate = ratios(mine.rates, rival.rates)
        sheet.add("  its rate", ratio=rate, of=rival.label, goal=Goal(low=low))
        sheet.add("  its calls per ms of a core", ratio=ratios(rival.cpu_ms, mine.cpu_ms))
    rate = ratios(two.rates, mine.rates)
    two.add_to(sheet, ratio=rate, of="1 process", goal=Goal(low=1.6))
    return sheet


@contextmanager
def _team(folder: Path, arm: str, label: str, processes: int) -> Iterator[Team]:
    url = f"sqlite:///{folder / f'{arm}-{processes}.sqlite'}"
    if arm == LEDGER:
        with open_ledger(url):
            pass  # migrates
    shops = folder / "shops.toml"
    shops.write_text(shops_file())
    environ = {
        "LEDGER_DATABASE_URL": url,
        "LEDGER_SHOPS_FILE": str(shops),
        "LEDGER_LOG_LEVEL": "error",
    }
    pairs = [_SPAWN.Pipe() for _ in range(processes)]
    workers = [
        _SPAWN.Process(target=_receive, args=(arm, environ, theirs), daemon=True)
        for _, theirs in pairs
    ]
    for worker, (_, theirs) in zip(workers, pairs, strict=True):
        worker.start()
        theirs.close()  # a worker that fails ends the measurement
    yield Team(label, [ours for ours, _ in pairs])
    for ours, _ in pairs:
        ours.send(None)
    for worker in workers:
        worker.join()


def _receive(arm: str, environ: dict[str, str], pipe: Connection) -> None:
    """Receive what comes through the pipe, until there is nothing more to come."""
    os.environ.update(environ)
    app = _app(arm)
    template = EnvironBuilder(
        "/ipn", method="POST", content_type="application/x-www-form-urlencoded"
    ).get_environ()

    def call(body: bytes) -> bool:
        statuses: list[str] = []
        call_environ = {
            **template,
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": BytesIO(body),
        }
        answer = app(call_environ, lambda status, _headers, *_: statuses.append(status))
        b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        return statuses[0].startswith("200")

    with ThreadPoolExecutor(THREADS) as threads:
        while (bodies := pipe.recv()) is not None:
            began = time.process_time()
            is_received = list(threads.map(call, bodies))
            pipe.send((time.process_time() - began, is_received.count(False)))


def _app(arm: str) -> Any:
    """Build the application of an arm as its server does; only its own process loads it."""
    from bench import rivals
    from web import create_app

    return create_app() if arm == LEDGER else rivals.ARMS[arm](None)
