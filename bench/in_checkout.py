"""Does the same with the code of whichever checkout runs this file, and prints what came of it.

Called as `in_checkout.py fill URL BODIES`, `receive URL BODIES` or `read URL`; it uses only what
the checkouts have in common.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select, text
from ulid import ULID

from bench.ground import open_ledger
from ledger.application import Ledger
from ledger.ipn.delivery import Delivery
from ledger.projections.engine.follow import Follower
from ledger.projections.engine.generations import (
    RETIRED,
    all_generations,
    drop_generation,
    live_generations,
)
from ledger.projections.engine.rebuild import Rebuild, start_processes
from ledger.projections.engine.registry import PROJECTIONS
from ledger.queries.history import history_data, timeline
from ledger.storage.tables import events

BATCH = 200
GROUP = 16
"""As many calls as clients wait for one commit."""
WARM_SHARE = 10
"""The first tenth is not measured."""
HISTORIES = 200


def fill(ledger: Ledger, bodies: str) -> dict[str, float]:
    """Receive every body of a file, and bring the read models to the live edge."""
    _receive(ledger, Path(bodies).read_bytes().splitlines(), BATCH)
    _follow(ledger)
    return {}


def receive(ledger: Ledger, bodies: str) -> dict[str, float]:
    """Receive every body of a file, as many at a time as share a commit, and follow.

    Units: `server_ms` of the database's processes a call, once they know the statements; 0 where
    they are not on this machine.
    """
    lines = Path(bodies).read_bytes().splitlines()
    warm = len(lines) // WARM_SHARE
    _receive(ledger, lines[:warm], GROUP)
    before = _server_seconds(ledger)
    _receive(ledger, lines[warm:], GROUP)
    seconds = _server_seconds(ledger) - before
    _follow(ledger)
    return {"server_ms": 1_000 * seconds / max(1, len(lines) - warm)}


def _receive(ledger: Ledger, lines: Sequence[bytes], size: int) -> None:
    for begin in range(0, len(lines), size):
        ledger.receive_many([_delivery(body) for body in lines[begin : begin + size]])


def _follow(ledger: Ledger) -> None:
    until = ledger.events.high_water_mark() or 0
    with ledger.database.connect() as connection:
        live = live_generations(connection).values()
    for generation in live:
        Follower(ledger.database, generation).run(until)


def _server_seconds(ledger: Ledger) -> float:
    """Return the processor seconds that the processes which serve this ledger have taken."""
    if ledger.database.is_sqlite:
        return 0.0
    query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    with ledger.database.connect() as connection:
        ids = list(connection.scalars(text(query)))
    ticks = 0
    for id_ in ids:
        file = Path(f"/proc/{id_}/stat")
        fields = file.read_text().rpartition(")")[2].split() if file.exists() else []
        ticks += sum(map(int, fields[11:13]))  # as a user and in the kernel
    return ticks / os.sysconf("SC_CLK_TCK")


def read(ledger: Ledger) -> dict[str, float]:
    """Rebuild each read model, and read histories. Units: seconds, by what was done."""
    with start_processes(1) as pool:
        seconds = {
            f"rebuild of {name}": _rebuild_seconds(ledger, name, pool) for name in PROJECTIONS
        }
    return seconds | {"a history": _history_seconds(ledger)}


def _delivery(body: bytes) -> Delivery:
    now = datetime.now(UTC)
    return Delivery(str(ULID.from_datetime(now)), now, body, is_from_named_range=True)


def _rebuild_seconds(ledger: Ledger, name: str, pool: Executor) -> float:
    began = time.perf_counter()
    job = Rebuild(
        ledger,
        name,
        workers=1,
        progress=lambda *_: None,
        start_workers=lambda _: nullcontext(pool),
    )
    job.run(is_compared=False)
    seconds = time.perf_counter() - began
    with ledger.database.begin() as connection:
        for generation in all_generations(connection, name=name):
            if generation.state == RETIRED:
                drop_generation(connection, generation)
    return seconds


def _history_seconds(ledger: Ledger) -> float:
    """Read the whole histories of streams spread over the ledger, with what is sealed in them."""
    opened = _opening(ledger)
    with ledger.database.connect() as connection:
        newest = ledger.events.newest_position() or 0
        spread = range(1, newest + 1, max(1, newest // HISTORIES))
        query = select(events.c.originator_id).where(events.c.position.in_(spread))
        streams = sorted(connection.scalars(query))

    def ask() -> None:
        for stream in streams:
            [history_data(entry) for entry in timeline(opened(ledger.events.history(stream)))]

    ask()
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) / len(streams)


def _opening(ledger: Ledger) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """Return what opens events; where nothing is sealed yet, they are open."""
    try:
        from ledger.queries.readable import readable_events
    except ImportError:
        return lambda stored_events: stored_events
    return lambda stored_events: readable_events(ledger, stored_events)


STEPS: dict[str, Callable[..., dict[str, float]]] = {"fill": fill, "receive": receive, "read": read}

if __name__ == "__main__":
    step, url, *arguments = sys.argv[1:]
    with open_ledger(url) as opened_ledger:
        print(json.dumps(STEPS[step](opened_ledger, *arguments)))
