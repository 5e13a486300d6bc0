"""Publishing runs: the log into a real engine, while publishers and the engine are killed.

`python -m tests.faults.publish_run --engine nats --events 100000 --kills 50` fills a ledger, lets
two `ledger publish` write to one stream at once, kills one or the other by SIGKILL as the stream
grows, and the engine twice. In the end the stream is held against the log. Exits 1 on any fault.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import orjson
from sqlalchemy import select

from ledger.application import Ledger
from ledger.simulator.bulk import fill
from ledger.storage.migrations import migrate
from ledger.storage.tables import events
from tests.builders import KEYS_ENVIRON, PLAIN_SETTINGS, SHOP_ID, a_form_call, receive, shops
from tests.conftest import opened
from tests.faults.crash_run import a_database
from tests.projections.helpers import eventually
from tests.publishing.engines import ENGINES, Engine
from tests.serving import LEDGER, ROOT

EMAIL = "synthetic.person@example.org"
PUBLISHERS = 2
RESTARTS = 2
STILL_SECONDS_MAX = 120
"""So long a stream may not grow, after everything that writes to it was killed."""


@dataclass(frozen=True)
class Difference:
    """How a stream differs from the log. Shape: how many events of each kind."""

    missing: int = 0
    doubled: int = 0
    out_of_order: int = 0
    no_cloud_events: int = 0
    personal: int = 0


class Publishers:
    """Some `ledger publish` at once; whichever is killed is started again."""

    def __init__(self, address: str, environ: Mapping[str, str], folder: Path) -> None:
        self._address, self._environ, self._folder = address, environ, folder
        self._running = [self._start() for _ in range(PUBLISHERS)]

    def kill(self, rng: random.Random) -> None:
        number = rng.randrange(PUBLISHERS)
        self._running[number].send_signal(signal.SIGKILL)
        self._running[number].wait(20)
        self._running[number] = self._start()

    def finish(self) -> None:
        """End all, and let one more publish what is left."""
        self.end()
        self._start("--once").wait(600)

    def end(self) -> None:
        for process in self._running:
            process.kill()
            process.wait(20)

    def _start(self, *words: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [*LEDGER, "publish", self._address, "--source", "urn:synthetic", *words],
            env=self._environ,
            cwd=self._folder,
            stderr=subprocess.DEVNULL,
        )


def publish_run(ledger: Ledger, engine: Engine, folder: Path, kills: int, seed: int) -> Difference:
    """Publish the whole log, killing as the stream grows; return how the stream differs from it."""
    rng, positions = random.Random(seed), positions_of(ledger)
    restart_after = {kills * number // (RESTARTS + 1) for number in range(1, RESTARTS + 1)}
    with publishing(ledger, engine, folder) as publishers:
        for number in range(1, kills + 1):
            share = len(positions) * number // (kills + 1)
            eventually(lambda share=share: engine.length() >= share, seconds=STILL_SECONDS_MAX)
            publishers.kill(rng)
            if number in restart_after:
                engine.restart()
        publishers.finish()
    return difference(engine, positions)


@contextmanager
def publishing(ledger: Ledger, engine: Engine, folder: Path) -> Iterator[Publishers]:
    url = ledger.database.engine.url.render_as_string(hide_password=False)
    environ = {name: text for name, text in os.environ.items() if not name.startswith("LEDGER_")}
    own = {"LEDGER_DATABASE_URL": url, "PYTHONPATH": str(ROOT)}
    publishers = Publishers(engine.address, environ | KEYS_ENVIRON | own, folder)
    try:
        yield publishers
    finally:
        publishers.end()


def positions_of(ledger: Ledger) -> list[int]:
    with ledger.database.connect() as connection:
        return list(connection.scalars(select(events.c.position).order_by(events.c.position)))


def difference(engine: Engine, positions: list[int]) -> Difference:
    bodies = [body for _, body in engine.entries()]
    published = [orjson.loads(body) for body in bodies]
    numbers = [int(event["id"]) for event in published]
    return Difference(
        missing=len({*positions} - {*numbers}),
        doubled=len(numbers) - len({*numbers}),
        out_of_order=sum(earlier > later for earlier, later in pairwise(numbers)),
        no_cloud_events=sum(not is_cloud_event(event) for event in published),
        personal=sum(EMAIL.encode() in body for body in bodies),
    )


def is_cloud_event(attributes: Mapping[str, object]) -> bool:
    """Return True for what CloudEvents 1.0 asks of an event. Source: its section 3.1."""
    texts = [attributes.get(name) for name in ("id", "source", "type", "time")]
    if not all(isinstance(text, str) and text for text in texts):
        return False
    with suppress(ValueError):
        at = datetime.fromisoformat(str(attributes["time"]))
        return at.tzinfo is not None and attributes.get("specversion") == "1.0"
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=sorted(ENGINES), default="nats")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="postgresql")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    run_options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        a_database(run_options.database, Path(name), is_synced=False) as (url, _),
        ENGINES[run_options.engine](Path(name)) as engine,
        filled(url, run_options.events, run_options.seed) as ledger,
    ):
        began = time.monotonic()
        differing = publish_run(ledger, engine, Path(name), run_options.kills, run_options.seed)
        seconds = time.monotonic() - began
        count = len(positions_of(ledger))
    lines = {**vars(run_options), "seconds": round(seconds), "events of the log": count}
    for name_, value in {**lines, **vars(differing)}.items():
        print(f"{name_.replace('_', ' '):24} {value}")  # noqa: T201
    return 0 if differing == Difference() else 1


@contextmanager
def filled(url: str, count: int, seed: int) -> Iterator[Ledger]:
    """A ledger with so many events, the last of them about somebody."""
    with opened(url) as database:
        migrate(database)
        ledger = Ledger(PLAIN_SETTINGS, shops(), database)
        fill(ledger, SHOP_ID, "TEST", events=count, seed=seed)
        receive(ledger, a_form_call(cust_email=EMAIL))
        yield ledger


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
