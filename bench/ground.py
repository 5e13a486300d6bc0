"""What benchmarks stand on: a shop, databases of a given size, timers."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid5

from sqlalchemy import create_engine, make_url, text

from ledger.application import Ledger
from ledger.projections.runner import prepare_views
from ledger.settings import Settings
from ledger.shops import FORM_HMAC, REST_PASSWORD, Key, Shop, Shops
from ledger.simulator.bulk import fill
from ledger.storage.database import Database
from ledger.storage.migrations import migrate

SHOP_ID = "12345678"
REAL_EVENTS = 20_000


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured. Units: `events` of the ledger, `seconds` of each load."""

    events: int
    rounds: int
    seconds: int
    workers: int

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
def sqlite_database(folder: Path, name: str) -> Iterator[str]:
    yield f"sqlite:///{folder / name}.sqlite"


@contextmanager
def open_ledger(url: str) -> Iterator[Ledger]:
    database = Database(url)
    migrate(database)
    prepare_views(database)
    try:
        yield Ledger(Settings(database_url=url), bench_shops(), database)
    finally:
        database.dispose()


def fill_events(ledger: Ledger, count: int, *, real: int = REAL_EVENTS) -> int:
    """Put so many events in: real synthetic lives first, then the same lives under other ids.

    The copies are as big and as shaped as the real ones; only their stream ids differ.
    """
    made = fill(ledger, SHOP_ID, "TEST", events=min(real, count), seed=1)
    while made < count:
        made += _copy_lives(ledger.database, min(real, count - made), made)
    return made


def _copy_lives(database: Database, count: int, salt: int) -> int:
    with database.begin() as connection:
        if not database.is_sqlite:
            connection.execute(
                text(
                    "INSERT INTO events (originator_id, originator_version, topic,"
                    " notification_id, state, details) SELECT"
                    " md5(originator_id::text || :salt)::uuid, originator_version, topic,"
                    " notification_id, state, details FROM events WHERE position <= :count"
                    " ORDER BY position"
                ),
                {"salt": str(salt), "count": count},
            )
            return count
        rows = connection.execute(
            text("SELECT * FROM events WHERE position <= :count ORDER BY position"),
            {"count": count},
        ).mappings()
        copies = [
            dict(row)
            | {"position": None, "originator_id": uuid5(UUID(row["originator_id"]), str(salt)).hex}
            for row in rows
        ]
        names = ", ".join(copies[0])
        values = ", ".join(f":{name}" for name in copies[0])
        connection.execute(text(f"INSERT INTO events ({names}) VALUES ({values})"), copies)
        return len(copies)


def timed(work: Callable[[], object]) -> float:
    """Seconds that some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def median(values: list[float]) -> float:
    return statistics.median(values)
