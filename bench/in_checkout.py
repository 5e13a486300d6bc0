"""Does the same with the code of whichever checkout runs this file, and prints what came of it.

Called as `in_checkout.py fill URL BODIES` or `in_checkout.py read URL`; it uses only what the
checkouts have in common.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
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
HISTORIES = 200


def fill(ledger: Ledger, bodies: str) -> dict[str, float]:
    """Receive every body of a file, and bring the read models to the live edge."""
    lines = Path(bodies).read_bytes().splitlines()
    for begin in range(0, len(lines), BATCH):
        ledger.receive_many([_delivery(body) for body in lines[begin : begin + BATCH]])
    until = ledger.events.high_water_mark() or 0
    with ledger.database.connect() as connection:
        live = live_generations(connection).values()
    for generation in live:
        Follower(ledger.database, generation).run(until)
    return {}


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


if __name__ == "__main__":
    step, url, *arguments = sys.argv[1:]
    with open_ledger(url) as opened_ledger:
        print(json.dumps({"fill": fill, "read": read}[step](opened_ledger, *arguments)))  # type: ignore[operator]  # each takes its own arguments
