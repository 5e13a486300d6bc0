"""What benchmarks stand on: a shop, databases of a given size, timers."""

import hashlib
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Connection, create_engine, make_url, text

from bench.figures import Goal
from ledger.application import Ledger
from ledger.instants import utc_now
from ledger.ipn.shops_and_keys import FORM_HMAC, REST_PASSWORD, Key, Shop, Shops
from ledger.projections.engine.follow import Follower
from ledger.projections.engine.generations import live_generations
from ledger.projections.engine.leadership import prepare_views
from ledger.sealing.master_keys import create_master_keys
from ledger.settings import read_settings
from ledger.simulator.bulk import fill
from ledger.storage.database import Database
from ledger.storage.migrations import migrate
from ledger.storage.tables import notifications

ROOT = Path(__file__).resolve().parents[1]
SHOP_ID = "12345678"
REAL_EVENTS = 20_000
MASTER_KEYS = "LEDGER_MASTER_KEYS_FILE"
_ORDER = b'"order_id":"'


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured. Units: `events` of the ledger, `seconds` of each load.

    Shape: `calls` are the deliveries of a ledger with its log, `entries` those of a large log;
    `before` is a checkout that is measured in turn with this one.
    """

    events: int
    rounds: int
    seconds: int
    workers: int
    calls: int = 0
    entries: int = 0
    before: Path | None = None

    @property
    def told(self) -> str:
        return f"{self.rounds} rounds of {self.seconds} s"


def bench_shops() -> Shops:
    keys = tuple(Key(SHOP_ID, "TEST", kind, f"bench-{kind}") for kind in (FORM_HMAC, REST_PASSWORD))
    return Shops({SHOP_ID: Shop(SHOP_ID, "Bench", keys)})


@contextmanager
def postgres_database(server_url: str, name: str) -> Iterator[str]:
    """A database of its own on a server; dropped afterwards."""
    admin = create_engine(make_url(server_url), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        admin.dispose()


@contextmanager
def master_keys() -> Iterator[None]:
    """Let every ledger seal by the same file of keys, whichever process opens it."""
    with tempfile.TemporaryDirectory(prefix="ledger-bench-") as folder:
        file = Path(folder) / "masters.toml"
        create_master_keys(file, utc_now())
        before = os.environ.get(MASTER_KEYS)
        os.environ[MASTER_KEYS] = str(file)
        try:
            yield
        finally:
            os.environ.pop(MASTER_KEYS)
            os.environ.update({MASTER_KEYS: before} if before else {})


@contextmanager
def open_ledger(url: str, environ: Mapping[str, str] | None = None) -> Iterator[Ledger]:
    settings = read_settings({**os.environ, **(environ or {}), "LEDGER_DATABASE_URL": url})
    database = Database(url)
    migrate(database)
    prepare_views(database)
    try:
        yield Ledger(settings, bench_shops(), database)
    finally:
        database.dispose()


def fill_events(
    ledger: Ledger, count: int, *, real: int = REAL_EVENTS, with_journal: bool = False
) -> int:
    """Put so many events in: real synthetic lives first, then the same lives under other ids.

    The copies are as big and as shaped as the real ones; only their stream ids and their orders
    differ. Of deliveries, when they are copied too, the bodies are left out: no index holds them.
    """
    made = fill(ledger, SHOP_ID, "TEST", events=min(real, count), seed=1)
    while made < count:
        copied = min(real, count - made)
        with ledger.database.begin() as connection:
            _copy_events(connection, copied, made)
            if with_journal:
                _copy_deliveries(connection, copied, made)
        made += copied
    _gather_statistics(ledger.database)
    return made


def follow(ledger: Ledger) -> None:
    """Bring every read model to the live edge, as a running service would have."""
    until = ledger.events.high_water_mark() or 0
    with ledger.database.connect() as connection:
        live = live_generations(connection).values()
    for generation in live:
        Follower(ledger.database, generation).run(until)


def _gather_statistics(database: Database) -> None:
    """As a server does by itself before long."""
    if not database.is_sqlite:
        with database.engine.connect() as connection:
            apart = connection.execution_options(isolation_level="AUTOCOMMIT")
            apart.exec_driver_sql("VACUUM ANALYZE events, notifications")


def _copy_events(connection: Connection, count: int, salt: int) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(
            text(
                "INSERT INTO events (originator_id, originator_version, topic,"
                " origin_id, state, details) SELECT"
                " md5(originator_id::text || :salt)::uuid, originator_version, topic,"
                " origin_id, replace(encode(state, 'escape'), :order, :order || :salt"
                " || '-')::bytea, details FROM events WHERE position <= :count"
                " ORDER BY position"
            ),
            {"salt": str(salt), "count": count, "order": _ORDER.decode()},
        )
        return
    for row in _rows(connection, "SELECT * FROM events WHERE position <= :count", count):
        row["position"] = None
        row["originator_id"] = uuid5(UUID(row["originator_id"]), str(salt)).hex
        row["state"] = row["state"].replace(_ORDER, _ORDER + f"{salt}-".encode())
        _insert(connection, "events", row)


def _copy_deliveries(connection: Connection, count: int, salt: int) -> None:
    """As many as told of the first events, about."""
    if connection.dialect.name == "postgresql":
        names = [column.name for column in notifications.columns if column.name != "place"]
        new = {
            "id": "upper(left(md5(id || :salt), 26))",
            "signed_tag": "sha256(convert_to(id || :salt, 'UTF8'))",
        }
        columns = ", ".join(new.get(name, name) for name in names)
        query = f"SELECT {columns} FROM notifications ORDER BY id LIMIT :count"
        connection.execute(
            text(f"INSERT INTO notifications ({', '.join(names)}) {query}"),
            {"salt": str(salt), "count": count},
        )
        return
    query = "SELECT * FROM notifications ORDER BY id LIMIT :count"
    for row in _rows(connection, query, count):
        row["id"] = hashlib.sha256(f"{row['id']}{salt}".encode()).hexdigest()[:26]
        row["signed_tag"] = hashlib.sha256(f"{row['id']}{salt}".encode()).digest()
        row["place"] = None
        _insert(connection, "notifications", row)


def _rows(connection: Connection, query: str, count: int) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(text(query), {"count": count}).mappings()]


def _insert(connection: Connection, table: str, row: dict[str, Any]) -> None:
    marks = ", ".join("?" * len(row))
    connection.exec_driver_sql(
        f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values())
    )


def scaling() -> dict[int, Goal | None]:
    """How many workers share a work, beside one; with what they have to gain where there are so
    many cores."""
    cores = len(os.sched_getaffinity(0))
    goals = {2: Goal(low=1.7), 4: Goal(low=3.2)}
    return {count: goal if count <= cores else None for count, goal in goals.items()}


COUNTED_SECONDS = 0.5
"""When a number of pages stays the same for so long, all of them are counted."""


def pages_read(ledger: Ledger, work: Callable[[], object]) -> int:
    """Count the pages of the log that some work reads, on PostgreSQL.

    Shape: those that a vacuum reads meanwhile are among them.
    """
    query = text(
        "SELECT heap_blks_read + heap_blks_hit FROM pg_statio_user_tables WHERE relname = 'events'"
    )

    def read() -> int:
        with ledger.database.connect() as connection:
            return int(connection.scalar(query) or 0)

    def counted() -> int:
        ledger.database.dispose()  # what a connection has counted is known soon after it has ended
        last = -1
        while (pages := read()) != last:
            last = pages
            time.sleep(COUNTED_SECONDS)
        return pages

    before = counted()
    work()
    return counted() - before


def timed(work: Callable[[], object]) -> float:
    """Seconds that some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def apart(work: Callable[..., Any], *arguments: Any) -> Any:
    """Do some work in a process of its own: what it starts or holds is nobody else's."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def peak_memory_mib(pool: Executor, workers: int) -> float:
    """Of the largest of a pool's workers, so far."""
    return max(future.result() for future in [pool.submit(_peak_mib) for _ in range(4 * workers)])


def _peak_mib() -> float:
    time.sleep(0.05)  # while others ask the other workers
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def median(values: list[float]) -> float:
    return statistics.median(values)
