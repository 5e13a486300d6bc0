"""One engine for SQLite and PostgreSQL: how this service connects, reads and writes."""

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar
from weakref import WeakSet

from sqlalchemy import Connection, Engine, Pool, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from ledger.errors import SettingsError

BUSY_SECONDS = 10
BUSY_PAUSE_SECONDS = 0.02
CONNECT_SECONDS = 10
KEYED_POOL = 2
WRITES = "ledger_writes"

_POSTGRESQL: dict[str, Any] = {
    "connect_timeout": CONNECT_SECONDS,
    "application_name": "ipn-ledger",
    # A server that loses its power says no farewell. Without these a call would wait for it for a
    # quarter of an hour, and no call would find the server that took its place.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # milliseconds
}
"""How a connection is made, where the URL does not say otherwise."""

_Value = TypeVar("_Value")
_databases: "WeakSet[Database]" = WeakSet()
_pools_of_parent: list[Pool] = []  # kept, so that a child never closes what its parent still uses


@dataclass(frozen=True, slots=True)
class Work:
    """Settings for a kind of work. Shape: as each database has them written."""

    sqlite: tuple[str, ...] = ()
    postgresql: tuple[str, ...] = ()


SERVING = Work(sqlite=("wal_autocheckpoint = 4096",))
"""Up to 16 MiB wait in the log: whoever fills it brings its pages into the file, each one once."""

_KEYED = Work(postgresql=("enable_seqscan = off",))
_WITHOUT_WAITING = ("wal_autocheckpoint = 16384", "synchronous = NORMAL")
"""Up to 64 MiB wait in the log, and for the disk waits only who writes after it, and serves."""

FILLING = Work(
    sqlite=("cache_size = -65536", *_WITHOUT_WAITING),
    # losing the last batches to a power cut costs doing them again, not their rows
    postgresql=("synchronous_commit = off",),
)
"""Much is written that can be done again. Units: a negative `cache_size` is in KiB."""

SORTING = Work(
    # small parts are sorted by threads of their own while the next one is read
    sqlite=("cache_size = -2048", "threads = 2", *_WITHOUT_WAITING),
    postgresql=("maintenance_work_mem = '64MB'", "max_parallel_maintenance_workers = 0"),
)


class Database:
    """The durable store behind one URL.

    Shape: `sqlite:///path` (the folder is made) or `postgresql+psycopg://…`; `pool_size` is how
    many connections stay open, as many again may be opened for a rush.
    Errors: SettingsError for a URL that is neither.
    """

    def __init__(self, url: str, *, pool_size: int = 20, work: Work = SERVING) -> None:
        parsed = _parse(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self.engine = _engine(parsed, pool_size, work)
        self._keyed = self.engine if self.is_sqlite else _keyed(parsed)
        self._writer = threading.RLock()
        _databases.add(self)

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Read inside one transaction that is never committed."""
        with self.engine.connect() as connection, connection.begin() as transaction:
            yield connection
            transaction.rollback()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Write inside one transaction: committed at the end, rolled back on any error."""
        with self._turn(), self.engine.connect() as connection:
            connection.execution_options(**{WRITES: True})
            with connection.begin():
                yield connection

    @contextmanager
    def single(self, *, writes: bool = False) -> Iterator[Connection]:
        """Open a connection for single statements that need no transaction around them.

        On PostgreSQL each is one of its own and costs one trip, not three.
        """
        if self.is_sqlite:
            with self.begin() if writes else self.connect() as connection:
                yield connection
            return
        with self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def keyed(self) -> Iterator[Connection]:
        """Open such a connection on PostgreSQL for statements that only look up keys, often."""
        with self._keyed.connect() as connection:
            yield connection

    def dispose(self) -> None:
        """Close every connection; the next use opens new ones."""
        for engine in {self.engine, self._keyed}:
            engine.dispose()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        # SQLite lets waiting writers sleep and guess, so that some starve; threads of one
        # process queue here instead. Whoever waits too long is left to SQLite's own answer.
        if not self.is_sqlite:
            yield
            return
        is_ours = self._writer.acquire(timeout=BUSY_SECONDS)
        try:
            yield
        finally:
            if is_ours:
                self._writer.release()

    def _leave_parent(self) -> None:
        for engine in {self.engine, self._keyed}:
            _pools_of_parent.append(engine.pool)
            engine.dispose(close=False)
        self._writer = threading.RLock()


def padded(values: Sequence[_Value]) -> list[_Value]:
    """Repeat the last value until the number of values is a power of two.

    A statement with a list has as many texts as lists have lengths, and each is prepared anew.
    """
    padding = (1 << (len(values) - 1).bit_length()) - len(values)
    return [*values, *[values[-1]] * padding] if values else []


def _leave_parents() -> None:
    for database in list(_databases):
        database._leave_parent()


os.register_at_fork(after_in_child=_leave_parents)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise SettingsError("the database URL cannot be read") from error
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite":
        raise SettingsError("the database must be sqlite or postgresql")
    if parsed.database in (None, "", ":memory:"):
        raise SettingsError("an SQLite database must be a file: its events are to last")
    return parsed


def _engine(url: URL, pool_size: int, work: Work) -> Engine:
    is_sqlite = url.get_backend_name() == "sqlite"
    if is_sqlite:
        assert url.database is not None
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=BUSY_SECONDS,
        hide_parameters=True,  # no raw body in a message or a log
        connect_args=_connect_args(url),
    )
    if is_sqlite:
        event.listen(engine, "connect", partial(_prepare_sqlite, work))
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "connect", partial(_prepare_postgresql, work))
    return engine


def _keyed(url: URL) -> Engine:
    """Make an engine for statements that are transactions of their own and only look up keys.

    One that is planned while the tables are empty would scan them for as long as it is kept.
    """
    engine = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=KEYED_POOL,
        max_overflow=-1,
        pool_timeout=BUSY_SECONDS,
        pool_reset_on_return=None,  # nothing is begun that could be left open
        hide_parameters=True,
        connect_args=_connect_args(url),
    )
    event.listen(engine, "connect", partial(_prepare_postgresql, _KEYED))
    return engine


def _connect_args(url: URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        # Without an isolation level the driver begins nothing by itself: `_begin_sqlite` does.
        return {"isolation_level": None, "timeout": BUSY_SECONDS}
    return {name: value for name, value in _POSTGRESQL.items() if name not in url.query}


def _prepare_postgresql(work: Work, connection: Any, _record: object) -> None:
    for setting in work.postgresql:
        connection.execute(f"SET {setting}")
    connection.commit()


def _prepare_sqlite(work: Work, connection: sqlite3.Connection, _record: object) -> None:
    for pragma in (
        f"busy_timeout = {BUSY_SECONDS * 1000}",
        "synchronous = FULL",
        "foreign_keys = ON",
        "recursive_triggers = ON",  # else REPLACE would delete a row behind its trigger's back
        *work.sqlite,
    ):
        connection.execute(f"PRAGMA {pragma}").close()
    _use_wal(connection)


def _use_wal(connection: sqlite3.Connection) -> None:
    # Of two that switch a new file at once SQLite refuses one, without waiting as it does
    # elsewhere.
    deadline = monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > deadline:
                raise
            sleep(BUSY_PAUSE_SECONDS)


def _begin_sqlite(connection: Connection) -> None:
    # A read transaction that turns into a writing one fails at once as "locked", so a writer
    # says from the start that it is one.
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
