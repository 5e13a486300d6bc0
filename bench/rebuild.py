"""Rebuilding a view: how close it comes to reading the events alone."""

import resource
import sqlite3
from pathlib import Path

import psycopg

from bench import library
from bench.figures import Goal, Sheet, ratios
from bench.ground import Extent, fill_events, median, open_ledger, timed
from bench.pgbench import plain_url
from ledger.application import Ledger
from ledger.projections.generations import RETIRED, all_generations, drop_generation
from ledger.projections.rebuild import Rebuild

VIEW = "transactions"


def on_postgresql(url: str, extent: Extent) -> list[Sheet]:
    with open_ledger(url) as ledger:
        count = fill_events(ledger, extent.events)
        library.fill(url)
        limits, rates, libraries = [], [], []
        for number in range(extent.rounds):
            limits.append(count / timed(lambda: copy_out(url)))
            rates.append(count / timed(lambda: rebuild(ledger, extent.workers)))
            prune(ledger)
            libraries.append(library.projected_per_second(url, number))
    sheet = Sheet(
        f"rebuild of {VIEW}",
        "PostgreSQL",
        f"{count} events, {extent.workers} workers, {extent.rounds} rounds",
    )
    sheet.add("COPY OUT of the events", rate=median(limits))
    sheet.add(
        "rebuild",
        rate=median(rates),
        ratio=ratios(rates, limits),
        of="COPY OUT",
        goal=Goal(low=0.8),
        memory_mib=peak_memory_mib(),
    )
    sheet.add("the library's ProjectionRunner", rate=median(libraries))
    sheet.add("  rebuild", ratio=ratios(rates, libraries), of="ProjectionRunner", goal=Goal(low=50))
    return [sheet]


def on_sqlite(folder: Path, extent: Extent) -> list[Sheet]:
    path = folder / "rebuild.sqlite"
    with open_ledger(f"sqlite:///{path}") as ledger:
        count = fill_events(ledger, extent.events)
        limits, rates = [], []
        for _ in range(extent.rounds):
            limits.append(count / timed(lambda: scan(path)))
            rates.append(count / timed(lambda: rebuild(ledger, extent.workers)))
            prune(ledger)
    sheet = Sheet(
        f"rebuild of {VIEW}",
        "SQLite",
        f"{count} events, {extent.workers} workers, {extent.rounds} rounds",
    )
    sheet.add("plain scan of the events", rate=median(limits))
    sheet.add(
        "rebuild",
        rate=median(rates),
        ratio=ratios(rates, limits),
        of="plain scan",
        goal=Goal(low=0.2),
        memory_mib=peak_memory_mib(),
    )
    return [sheet]


def rebuild(ledger: Ledger, workers: int, view: str = VIEW) -> None:
    """The whole of it: fill, index, come to the live edge, switch."""
    Rebuild(ledger, view, workers=workers, progress=lambda *_: None).run(is_compared=False)


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


def scan(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        for _ in connection.execute("SELECT * FROM events ORDER BY position"):
            pass


def peak_memory_mib() -> float:
    """Of the largest worker."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
