"""Measures `ledger verify` against reading the same rows and doing nothing."""

import sqlite3
from collections.abc import Iterable
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from bench.figures import Goal, Sheet, add_scaling, ratios
from bench.ground import (
    SHOP_ID,
    Extent,
    follow,
    median,
    open_ledger,
    pages_read,
    peak_memory_mib,
    scaling,
    timed,
)
from bench.pgbench import plain_url
from ledger.application import Ledger
from ledger.audit.check_names import CHECKS, VIEWS
from ledger.audit.run_checks import Audit
from ledger.operations.worker_processes import worker_processes
from ledger.simulator.bulk import fill

EVENTS_MAX = 30_000
"""Every delivery is really made and signed, which takes longer than auditing it."""
READERS = 8
"""Workers whose pages are compared with those of one."""
DELIVERIES = "SELECT * FROM notifications ORDER BY id"
EVENTS = "SELECT * FROM events ORDER BY position"
READS = {
    "signatures": (DELIVERIES,),
    "streams": (EVENTS,),
    "order": (EVENTS,),
    "views": (EVENTS,),
}
"""The rows that each check is about."""


def on_postgresql(url: str, extent: Extent) -> list[Sheet]:
    return [_measure("PostgreSQL", url, extent)]


def on_sqlite(folder: Path, extent: Extent) -> list[Sheet]:
    return [_measure("SQLite", f"sqlite:///{folder / 'verify.sqlite'}", extent)]


def scan(url: str, queries: Iterable[str]) -> None:
    """Read rows through the driver, and do nothing with them."""
    if url.startswith("sqlite"):
        with sqlite3.connect(str(make_url(url).database)) as file:
            for query in queries:
                for _ in file.execute(query):
                    pass
        return
    with psycopg.connect(plain_url(url)) as connection:
        for query in queries:
            with connection.cursor("scan") as cursor:
                cursor.itersize = 2_000
                for _ in cursor.execute(query.encode(), binary=True):
                    pass


def _measure(database: str, url: str, extent: Extent) -> Sheet:
    with open_ledger(url) as ledger:
        count = fill(ledger, SHOP_ID, "TEST", events=min(extent.events, EVENTS_MAX), seed=1)
        follow(ledger)
        scan_rates: dict[str, list[float]] = {}
        audit_rates: dict[tuple[str, int], list[float]] = {}
        for _ in range(extent.rounds):
            for check in (*CHECKS, "all"):
                read = READS.get(check, (DELIVERIES, EVENTS))
                scan_rates.setdefault(check, []).append(1 / timed(partial(scan, url, read)))
                for workers in (1, extent.workers):
                    rates = audit_rates.setdefault((check, workers), [])
                    rates.append(1 / timed(lambda c=check, w=workers: _audit(ledger, c, w)))  # type: ignore[misc]
        scaled = [
            {workers: timed(partial(_audit, ledger, VIEWS, workers)) for workers in (1, *scaling())}
            for _ in range(extent.rounds)
        ]
        pages = None if ledger.database.is_sqlite else _pages(ledger)
        memory_mib = _peak_memory_mib(ledger, extent.workers)
    sheet = Sheet(
        "verify", database, f"{count} events and their deliveries, {extent.rounds} rounds"
    )
    for (check, workers), rates in audit_rates.items():
        is_whole = check == "all" and workers == 1
        sheet.add(
            f"{check}, {workers} worker" + "s" * (workers > 1),
            rate=median(rates) * count,
            ratio=ratios(rates, scan_rates[check]),
            of="a scan of its rows",
            goal=Goal(low=0.3) if is_whole else None,
        )
    add_scaling(sheet, "  views", count, scaled, scaling())
    if pages is not None:
        goal = Goal(high=1.2)
        ratio = pages[1] / pages[0]
        sheet.add(f"  pages read by {READERS} workers", ratio=ratio, of="1 worker", goal=goal)
    gain = ratios(audit_rates["all", extent.workers], audit_rates["all", 1])
    figure = sheet.add(f"  all, {extent.workers} workers", ratio=gain, of="1 worker")
    figure.memory_mib = memory_mib
    return sheet


def _audit(ledger: Ledger, check: str, workers: int, executor: Executor | None = None) -> None:
    audit = Audit(ledger, only=CHECKS if check == "all" else (check,), workers=workers)
    faults = list(audit.faults(executor))
    assert not faults, faults[:3]


def _pages(ledger: Ledger) -> list[int]:
    """Count the pages of the log that are read to check read models: by one worker, and by many."""
    return [pages_read(ledger, partial(_audit, ledger, VIEWS, workers)) for workers in (1, READERS)]


def _peak_memory_mib(ledger: Ledger, workers: int) -> float:
    with worker_processes(workers, loaded=[]) as pool:
        _audit(ledger, "all", workers, pool)
        return peak_memory_mib(pool, workers)
