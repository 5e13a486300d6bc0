"""Receiving over HTTP: how close it comes to what the web server and the database allow."""

import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from bench import pgbench
from bench.bodies import write_bodies, write_junk
from bench.figures import Figure, Goal, Sheet, ratios
from bench.ground import ROOT, Extent, follow, median, open_ledger, postgres_database
from bench.in_process import in_process
from bench.load import Load, background, drive
from bench.paced import send_at_pace
from bench.servers import ledger, rival, served

CLIENTS = 16
SQLITE_CLIENTS = 8
JUNK_CLIENTS = 8
WORKERS, THREADS = 2, 8
CALLS_PER_SECOND_MAX = 6_000
"""No arm that keeps anything is faster; so many bodies are made for each second."""
SIGNED_PER_SECOND = 50


@dataclass
class Arm:
    """One way to receive, over all rounds. Shape: `command` starts its server, in a checkout."""

    name: str
    command: list[str]
    database_url: str
    checkout: Path = ROOT
    environ: Mapping[str, str] = field(default_factory=dict)
    loads: list[Load] = field(default_factory=list)
    memory_mib: float = 0.0

    @property
    def rates(self) -> list[float]:
        return [load.rate for load in self.loads]

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Start anew, so that nothing is left over from another arm's turn. Shape: its URL."""
        with served(
            self.command, self.database_url, checkout=self.checkout, environ=self.environ
        ) as server:
            yield server.url
            self.memory_mib = max(self.memory_mib, server.peak_memory_mib())

    def take_turn(self, bodies: Path, clients: int, seconds: float) -> None:
        with self.serving() as url:
            self.loads.append(drive(url, bodies, clients=clients, seconds=seconds))

    def add_to(self, sheet: Sheet, **figures: object) -> Figure:
        figure = add_loads(sheet, self.name, self.loads, **figures)
        figure.memory_mib = self.memory_mib
        return figure


def add_loads(sheet: Sheet, name: str, loads: Sequence[Load], **figures: object) -> Figure:
    return sheet.add(
        name,
        rate=median([load.rate for load in loads]),
        p50_ms=median([load.p50_ms for load in loads]),
        p99_ms=median([load.p99_ms for load in loads]),
        errors=sum(load.errors for load in loads),
        **figures,
    )


def combined(limits: Sequence[float], second: Sequence[float]) -> list[float]:
    """What two limits allow when each call has to pass one after the other."""
    return [1 / (1 / a + 1 / b) for a, b in zip(limits, second, strict=True)]


# -- PostgreSQL -----------------------------------------------------------------------------------


def on_postgresql(url: str, extent: Extent) -> list[Sheet]:
    with open_ledger(url):
        pass  # migrates
    with tempfile.TemporaryDirectory() as folder:
        bodies = Path(folder) / "bodies"
        with _code_before(url, extent) as former:
            many = _many_clients(url, bodies, extent, former)
        return [
            many,
            _one_client(url, bodies, extent),
            hostile("PostgreSQL", ledger(WORKERS, THREADS), url, bodies, extent),
        ]


@contextmanager
def _code_before(url: str, extent: Extent) -> Iterator[Arm | None]:
    """Serve another commit from its checkout, on a database that it has made; None without one."""
    if extent.before is None:
        yield None
        return
    place = make_url(url)
    server = place.set(database="postgres").render_as_string(hide_password=False)
    with postgres_database(server, f"{place.database}_before") as its_url:
        migrating = [sys.executable, "-c", "from ledger.cli import cli; cli()", "migrate"]
        environ = os.environ | {"LEDGER_DATABASE_URL": its_url}
        subprocess.run(migrating, cwd=extent.before, env=environ, check=True, capture_output=True)
        command = ledger(WORKERS, THREADS)
        yield Arm("the code before", command, its_url, checkout=extent.before)


def _many_clients(url: str, bodies: Path, extent: Extent, former: Arm | None) -> Sheet:
    arms = {
        name: Arm(label, rival(name, WORKERS, THREADS), url)
        for name, label in (
            ("noop", "the same server, nothing kept"),
            ("library", "Flask on the library's own recorder"),
            ("upsert", "Flask and a SQLAlchemy upsert"),
        )
    }
    mine = Arm("the ledger", ledger(WORKERS, THREADS), url)
    again = Arm("the ledger, calls it knows", ledger(WORKERS, THREADS), url)
    insert_rates = []
    size = 0
    for number in range(extent.rounds):
        size = write_bodies(bodies, CALLS_PER_SECOND_MAX * extent.seconds, f"many{number}")
        insert_rates.append(inserts(url, bodies, CLIENTS, extent.seconds))
        for arm in filter(None, (*arms.values(), former, mine)):
            arm.take_turn(bodies, CLIENTS, extent.seconds)
        _keep_first(bodies, int(mine.loads[-1].calls * 0.8))
        with open_ledger(url) as opened:  # what new calls leave to do is not for known ones to pay
            follow(opened)
        with again.serving() as address:
            load = drive(address, bodies, clients=CLIENTS, seconds=extent.seconds, may_repeat=True)
            again.loads.append(load)
    sheet = Sheet(
        "receiving",
        "PostgreSQL",
        f"{CLIENTS} clients, distinct signed bodies of {size} bytes on average, both formats,"
        f" {WORKERS} processes of {THREADS} threads, {extent.told}",
    )
    limit = combined(arms["noop"].rates, insert_rates)
    arms["noop"].add_to(sheet)
    sheet.add("pgbench, one row of that size per commit", rate=median(insert_rates))
    sheet.add("limit: both, one after the other", rate=median(limit))
    mine.add_to(sheet, ratio=ratios(mine.rates, limit), of="limit", goal=Goal(low=0.7))
    tails = [load.p99_ms / load.p50_ms for load in mine.loads]
    sheet.add("  its p99", ratio=median(tails), of="its p50", goal=Goal(high=10))
    arms["library"].add_to(sheet, ratio=ratios(arms["library"].rates, limit), of="limit")
    arms["upsert"].add_to(sheet, ratio=ratios(arms["upsert"].rates, limit), of="limit")
    for name, low in (("library", 3.5), ("upsert", 2.0)):
        ratio = ratios(mine.rates, arms[name].rates)
        sheet.add("  the ledger", ratio=ratio, of=arms[name].name, goal=Goal(low=low))
    again.add_to(sheet, ratio=ratios(again.rates, mine.rates), of="new ones", goal=Goal(low=1))
    if former:
        former.add_to(sheet)
        ratio = ratios(mine.rates, former.rates)
        sheet.add("  the ledger", ratio=ratio, of=former.name, goal=Goal(low=0.85))
    return sheet


def _one_client(url: str, bodies: Path, extent: Extent) -> Sheet:
    limit = Arm("the same server, one raw INSERT and COMMIT", rival("insert", 2, THREADS), url)
    mine = Arm("the ledger", ledger(WORKERS, THREADS), url)
    for number in range(extent.rounds):
        write_bodies(bodies, 2_000 * extent.seconds, f"one{number}")
        for arm in (limit, mine):
            arm.take_turn(bodies, 1, extent.seconds)
    sheet = Sheet("receiving", "PostgreSQL", f"1 client, {extent.told}")
    limit.add_to(sheet)
    mine.add_to(sheet, ratio=ratios(mine.rates, limit.rates), of="limit", goal=Goal(low=0.5))
    return sheet


def inserts(url: str, bodies: Path, clients: int, seconds: float) -> float:
    row = typical(bodies)
    rate = pgbench.inserts_per_second(url, row, clients=clients, seconds=seconds)
    with psycopg.connect(pgbench.plain_url(url), autocommit=True) as connection:
        connection.execute("TRUNCATE bench_rows")
    return rate


# -- SQLite ---------------------------------------------------------------------------------------


def on_sqlite(folder: Path, extent: Extent) -> list[Sheet]:
    url = f"sqlite:///{folder / 'ingest.sqlite'}"
    with open_ledger(url):
        pass
    bodies = folder / "bodies"
    noop = Arm("the same server, nothing kept", rival("noop", 1, THREADS), url)
    mine = Arm("the ledger", ledger(1, THREADS), url)
    insert_rates = []
    for number in range(extent.rounds):
        write_bodies(bodies, CALLS_PER_SECOND_MAX * extent.seconds, f"sqlite{number}")
        insert_rates.append(sqlite_inserts(folder / "raw.sqlite", typical(bodies), extent.seconds))
        for arm in (noop, mine):
            arm.take_turn(bodies, SQLITE_CLIENTS, extent.seconds)
    limit = combined(noop.rates, insert_rates)
    sheet = Sheet(
        "receiving",
        "SQLite",
        f"{SQLITE_CLIENTS} clients, 1 process, synchronous=FULL, {extent.told}",
    )
    noop.add_to(sheet)
    sheet.add("raw sqlite3, one row of that size per commit", rate=median(insert_rates))
    sheet.add("limit: both, one after the other", rate=median(limit))
    mine.add_to(sheet, ratio=ratios(mine.rates, limit), of="limit", goal=Goal(low=0.6))
    return [
        sheet,
        in_process(folder, extent),
        hostile("SQLite", ledger(1, THREADS), url, bodies, extent),
    ]


def sqlite_inserts(path: Path, row: bytes, seconds: float) -> float:
    """BEGIN IMMEDIATE, INSERT, COMMIT in one thread, as durable as the ledger."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE IF NOT EXISTS bench_rows (id INTEGER PRIMARY KEY, body BLOB)")
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO bench_rows (body) VALUES (?)", (row,))
        connection.execute("COMMIT")
        count += 1
    taken = time.perf_counter() - began
    connection.close()
    return count / taken


# -- hostile load ---------------------------------------------------------------------------------


def hostile(database: str, command: list[str], url: str, bodies: Path, extent: Extent) -> Sheet:
    """Signed calls at a steady pace, alone and beside unsigned ones at full rate."""
    arm = Arm("the ledger", command, url)
    junk = bodies.with_name("junk")
    write_junk(junk, 1_000, 3_000)
    alone, beside, junk_loads = [], [], []
    for number in range(extent.rounds):
        write_bodies(bodies, 2 * SIGNED_PER_SECOND * extent.seconds, f"hostile{database}{number}")
        lines = bodies.read_bytes().splitlines()
        half = len(lines) // 2
        with arm.serving() as address:
            alone.append(send_at_pace(address, lines[:half], per_second=SIGNED_PER_SECOND))
            with background(address, junk, clients=JUNK_CLIENTS, seconds=extent.seconds) as load:
                beside.append(send_at_pace(address, lines[half:], per_second=SIGNED_PER_SECOND))
            junk_loads.append(load())
    sheet = Sheet(
        "hostile load",
        database,
        f"{SIGNED_PER_SECOND} signed calls a second beside {JUNK_CLIENTS} clients that send"
        f" unsigned ones at full rate, {extent.told}",
    )
    add_loads(sheet, "signed calls alone", alone)
    tails = [busy.p99_ms / calm.p99_ms for calm, busy in zip(alone, beside, strict=True)]
    figure = add_loads(sheet, "signed calls beside junk", beside)
    figure.memory_mib = arm.memory_mib
    sheet.add("  their p99", ratio=median(tails), of="p99 alone", goal=Goal(high=2))
    lost = sum(calm.errors for calm in (*alone, *beside))
    sheet.add("  signed calls lost", ratio=float(lost), of="none", goal=Goal(high=0))
    sheet.add("unsigned calls refused", rate=median([calm.rate for calm in junk_loads]))
    return sheet


def typical(bodies: Path) -> bytes:
    """As many bytes as a body has on average, of bytes as they are in one."""
    content = bodies.read_bytes()
    size = len(content) // content.count(b"\n")
    middle = len(content) // 2
    return content[middle : middle + size]


def _keep_first(bodies: Path, calls: int) -> None:
    lines = bodies.read_bytes().splitlines(keepends=True)
    bodies.write_bytes(b"".join(lines[:calls]))
