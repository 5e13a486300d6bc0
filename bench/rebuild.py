"""Rebuilding a view: how close it comes to reading the events alone."""

import sqlite3
import time
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from bench import library
from bench.figures import Goal, Sheet, ratios
from bench.ground import (
    Extent,
    apart,
    fill_events,
    median,
    open_ledger,
    peak_memory_mib,
    timed,
)
from bench.pgbench import plain_url
from ledger.application import Ledger
from ledger.projections import parts
from ledger.projections.generations import RETIRED, all_generations, drop_generation
from ledger.projections.rebuild import Rebuild
from ledger.workers import worker_processes

VIEW = "transactions"


@dataclass(frozen=True, slots=True)
class Round:
    """One rebuild after its limit. Units: seconds, and MiB of the largest worker."""

    limit: float
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
    sheet = _sheet("PostgreSQL", "COPY OUT of the events", count, extent, rounds, goal=0.8)
    rates = [count / one.rebuild for one in rounds]
    sheet.add("the library's ProjectionRunner", rate=median(libraries))
    sheet.add("  rebuild", ratio=ratios(rates, libraries), of="ProjectionRunner", goal=Goal(low=50))
    return [sheet]


def on_sqlite(folder: Path, extent: Extent) -> list[Sheet]:
    url = f"sqlite:///{folder / 'rebuild.sqlite'}"
    with open_ledger(url) as ledger:
        count = fill_events(ledger, extent.events)
    rounds = [apart(measured, url, extent.workers) for _ in range(extent.rounds)]
    return [_sheet("SQLite", "plain scan of the events", count, extent, rounds, goal=0.2)]


def _sheet(
    database: str, limit: str, count: int, extent: Extent, rounds: list[Round], *, goal: float
) -> Sheet:
    limits = [count / one.limit for one in rounds]
    rates = [count / one.rebuild for one in rounds]
    told = f"{count} events, {extent.workers} workers, {extent.rounds} rounds"
    sheet = Sheet(f"rebuild of {VIEW}", database, told)
    sheet.add(limit, rate=median(limits))
    sheet.add(
        "rebuild",
        rate=median(rates),
        ratio=ratios(rates, limits),
        of=limit.removesuffix(" of the events"),
        goal=Goal(low=goal),
        memory_mib=max(one.memory_mib for one in rounds),
    )
    return sheet


def measured(url: str, workers: int) -> Round:
    """In a process of its own, as the command is: it begins its workers each time."""
    read = scan if url.startswith("sqlite") else copy_out
    with open_ledger(url) as ledger, ExitStack() as stack:
        limit = timed(lambda: read(url))
        began = time.perf_counter()
        pool = stack.enter_context(worker_processes(workers, loaded=[parts.__name__]))
        rebuild(ledger, workers, executor=pool)
        seconds = time.perf_counter() - began
        memory = peak_memory_mib(pool, workers)
        prune(ledger)
    return Round(limit, seconds, memory)


def rebuild(
    ledger: Ledger, workers: int, view: str = VIEW, executor: Executor | None = None
) -> None:
    """The whole of it: fill, index, come to the live edge, switch."""
    job = Rebuild(ledger, view, workers=workers, progress=lambda *_: None)
    job.run(is_compared=False, executor=executor)


def prune(ledger: Ledger) -> None:
    """Drop what a rebuild leaves for whoever wants to go back; it is no part of it."""
    with ledger.database.begin() as connection:
        for one in all_generations(connection, VIEW):
            if one.state == RETIRED:
                drop_generation(connection, one)


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
