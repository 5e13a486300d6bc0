"""Rebuild a read model, and compare its rate with that of reading the events alone."""

import sqlite3
import time
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from bench import library
from bench.figures import Goal, Sheet, add_scaling, ratios
from bench.ground import (
    Extent,
    apart,
    fill_events,
    median,
    open_ledger,
    peak_memory_mib,
    scaling,
    timed,
)
from bench.pgbench import plain_url
from ledger.application import Ledger
from ledger.projections.engine.generations import RETIRED, all_generations, drop_generation
from ledger.projections.engine.rebuild import Rebuild, start_processes

READ_MODEL = "transactions"


@dataclass(frozen=True, slots=True)
class Round:
    """One rebuild after the plain read it is held against.

    Units: seconds; MiB of the largest worker.
    """

    plain_read: float
    rebuild: float
    memory_mib: float


def on_postgresql(url: str, extent: Extent) -> list[Sheet]:
    with open_ledger(url) as ledger:
        count = fill_events(ledger, extent.events)
    library.fill(url)
    rounds, libraries = [], []
    for number in range(extent.rounds):
        rounds.append(apart(measured, url, extent.workers))
        libraries.append(library.projected_per_second(url, number))
    scaled = [apart(seconds_by_workers, url) for _ in range(extent.rounds)]
    sheet = _sheet("PostgreSQL", "COPY OUT of the events", count, extent, rounds, goal=0.8)
    rates = [count / round_.rebuild for round_ in rounds]
    sheet.add("the library's ProjectionRunner", rate=median(libraries))
    sheet.add("  rebuild", ratio=ratios(rates, libraries), of="ProjectionRunner", goal=Goal(low=50))
    add_scaling(sheet, "rebuilt and compared", count, scaled, scaling())
    return [sheet]


def on_sqlite(folder: Path, extent: Extent) -> list[Sheet]:
    url = f"sqlite:///{folder / 'rebuild.sqlite'}"
    with open_ledger(url) as ledger:
        count = fill_events(ledger, extent.events)
    rounds = [apart(measured, url, extent.workers) for _ in range(extent.rounds)]
    return [_sheet("SQLite", "plain scan of the events", count, extent, rounds, goal=None)]


def _sheet(
    database: str,
    limit: str,
    count: int,
    extent: Extent,
    rounds: list[Round],
    *,
    goal: float | None,
) -> Sheet:
    limits = [count / round_.plain_read for round_ in rounds]
    rates = [count / round_.rebuild for round_ in rounds]
    conditions = f"{count} events, {extent.workers} workers, {extent.rounds} rounds"
    sheet = Sheet(f"rebuild of {READ_MODEL}", database, conditions)
    sheet.add(limit, rate=median(limits))
    sheet.add(
        "rebuild",
        rate=median(rates),
        ratio=ratios(rates, limits),
        of=limit.removesuffix(" of the events"),
        goal=None if goal is None else Goal(low=goal),
        memory_mib=max(round_.memory_mib for round_ in rounds),
    )
    return sheet


def measured(url: str, workers: int) -> Round:
    """Measure in a process of its own, as the command is: it starts its workers each time."""
    is_sqlite = url.startswith("sqlite")
    read, count = (scan, 1) if is_sqlite else (copy_out, workers)
    with open_ledger(url) as ledger:
        plain_read = timed(lambda: read(url))
        began = time.perf_counter()
        with start_processes(count) as pool:
            rebuild(ledger, count, executor=pool)
            seconds = time.perf_counter() - began
            memory = peak_memory_mib(pool, count)
        prune(ledger)
    return Round(plain_read, seconds, memory)


def seconds_by_workers(url: str) -> dict[int, float]:
    """Rebuild by one worker and by more, compared with what is live."""

    def rebuilt(ledger: Ledger, count: int) -> None:
        with start_processes(count) as pool:
            rebuild(ledger, count, executor=pool, is_compared=True)

    taken = {}
    with open_ledger(url) as ledger:
        for count in (1, *scaling()):
            taken[count] = timed(partial(rebuilt, ledger, count))
            prune(ledger)
    return taken


def rebuild(
    ledger: Ledger,
    workers: int,
    name: str = READ_MODEL,
    executor: Executor | None = None,
    *,
    is_compared: bool = False,
) -> None:
    """Rebuild the whole of it: load, index, catch up, switch."""
    job = Rebuild(
        ledger,
        name,
        workers=workers,
        progress=lambda *_: None,
        start_workers=start_processes if executor is None else lambda _: nullcontext(executor),
    )
    job.run(is_compared=is_compared)


def prune(ledger: Ledger) -> None:
    """Drop what a rebuild leaves for whoever wants to go back, which is no part of the rebuild."""
    with ledger.database.begin() as connection:
        for generation in all_generations(connection, name=READ_MODEL):
            if generation.state == RETIRED:
                drop_generation(connection, generation)


def copy_out(url: str) -> None:
    with (
        psycopg.connect(plain_url(url)) as connection,
        connection.cursor() as cursor,
        cursor.copy("COPY events TO STDOUT") as copy,
    ):
        for _ in copy:
            pass


def scan(url: str) -> None:
    with sqlite3.connect(str(make_url(url).database)) as connection:
        for _ in connection.execute("SELECT * FROM events ORDER BY position"):
            pass
