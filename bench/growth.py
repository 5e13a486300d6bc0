"""What a large ledger costs: the same figures on an empty one and on one that is full already."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from sqlalchemy import make_url, select

from bench.bodies import write_bodies
from bench.figures import Goal, Sheet, ratios
from bench.ground import Extent, fill_events, median, open_ledger, postgres_database, timed
from bench.ingest import CALLS_PER_SECOND_MAX, CLIENTS, SQLITE_CLIENTS, THREADS, WORKERS, Arm
from bench.pgbench import plain_url
from bench.rebuild import rebuild
from bench.servers import ledger as serving
from ledger.application import Ledger
from ledger.projections.engine.registry import PROJECTIONS
from ledger.queries.history import history_data, timeline
from ledger.storage.tables import events

EMPTY = 10_000
CALLS = 200
MEMORY = """SELECT
    (SELECT sum(pg_indexes_size(oid)) FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace)::bigint >> 20,
    pg_size_bytes(current_setting('shared_buffers')) >> 20"""
"""Units: MiB of all indexes, and of what the server keeps in memory."""


@dataclass
class Ground:
    """One ledger, over all rounds. Units: seconds of one history."""

    name: str
    ledger: Ledger
    arm: Arm
    histories: list[float] = field(default_factory=list)

    def take_turn(self, bodies: Path, clients: int, seconds: float) -> None:
        self.arm.take_turn(bodies, clients, seconds)
        self.histories.append(_history_seconds(self.ledger))


def on_postgresql(url: str, extent: Extent) -> list[Sheet]:
    parsed = make_url(url)
    server = parsed.set(database="postgres").render_as_string(hide_password=False)
    with postgres_database(server, f"{parsed.database}_empty") as empty:
        grounds = (("empty", empty, EMPTY), ("full", url, extent.events))
        sheet = _measured("PostgreSQL", grounds, CLIENTS, WORKERS, extent)
        _beside_memory(sheet, url)
        return [sheet]


def on_sqlite(folder: Path, extent: Extent) -> list[Sheet]:
    urls = [f"sqlite:///{folder / name}.sqlite" for name in ("empty", "full")]
    grounds = (("empty", urls[0], EMPTY), ("full", urls[1], extent.events))
    return [_measured("SQLite", grounds, SQLITE_CLIENTS, 1, extent)]


def _measured(
    database: str,
    grounds: tuple[tuple[str, str, int], tuple[str, str, int]],
    clients: int,
    workers: int,
    extent: Extent,
) -> Sheet:
    with (
        tempfile.TemporaryDirectory() as folder,
        _ground(*grounds[0], workers) as empty,
        _ground(*grounds[1], workers) as full,
    ):
        bodies = Path(folder) / "bodies"
        for number in range(extent.rounds):
            calls = CALLS_PER_SECOND_MAX * extent.seconds
            write_bodies(bodies, calls, f"growth{database}{number}")
            for ground in (empty, full):
                ground.take_turn(bodies, clients, extent.seconds)
    sheet = Sheet(
        "growth",
        database,
        f"{EMPTY} and {extent.events} events stored before, {clients} clients, {extent.told}",
    )
    empty.arm.add_to(sheet)
    full.arm.add_to(
        sheet,
        ratio=ratios(full.arm.rates, empty.arm.rates),
        of="receiving when empty",
        goal=Goal(low=0.9),
    )
    sheet.add(
        "  memory of its largest process",
        ratio=full.arm.memory_mib / empty.arm.memory_mib,
        of="when empty",
        goal=Goal(high=1.1),
    )
    for ground in (empty, full):
        rates = [1 / each for each in ground.histories]
        sheet.add(f"item history, {ground.name}", rate=median(rates))
    sheet.figures[-1].ratio = ratios(empty.histories, full.histories)
    sheet.figures[-1].of = "item history, empty"
    sheet.figures[-1].goal = Goal(low=0.95)
    return sheet


def _beside_memory(sheet: Sheet, url: str) -> None:
    """Say whether the indexes fit into the server's memory; where they do not, ask for less."""
    with psycopg.connect(plain_url(url)) as connection:
        row = connection.execute(MEMORY).fetchone()
    assert row is not None
    indexes, buffers = row
    sheet.remarks.append(f"  indexes of {indexes} MiB, shared_buffers of {buffers} MiB")
    if indexes > buffers:
        (full,) = (figure for figure in sheet.figures if figure.arm == "receiving, full")
        full.goal = Goal(low=0.8)


@contextmanager
def _ground(name: str, url: str, count: int, workers: int) -> Iterator[Ground]:
    with open_ledger(url) as ledger:
        fill_events(ledger, count, with_journal=True)
        for view in PROJECTIONS:  # a service that runs has followed what is there
            rebuild(ledger, workers, view)
        arm = Arm(f"receiving, {name}", serving(workers, THREADS), url)
        yield Ground(name, ledger, arm)


def _history_seconds(ledger: Ledger) -> float:
    """One history of streams spread over the whole ledger."""
    with ledger.database.connect() as connection:
        newest = ledger.events.newest_position() or 0
        spread = range(1, newest, max(1, newest // CALLS))
        query = select(events.c.originator_id).where(events.c.position.in_(spread))
        streams = list(connection.scalars(query))

    def ask() -> None:
        for stream in streams:
            [history_data(entry) for entry in timeline(ledger.events.history(stream))]

    ask()
    return timed(ask) / len(streams)
