"""One engine for SQLite and PostgreSQL: how this service connects, reads and writes."""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakSet

from sqlalchemy import Connection, Engine, Pool, create_engine, event
from sqlalchemy.engine import URL

from ledger.errors import SettingsError
from ledger.storage.database_location import parsed_url
from ledger.storage.read_only_sessions import ReadOnlySessions
from ledger.storage.sqlite_connections import (
    ADDRESS,
    BUSY_SECONDS,
    WRITES,
    begin_sqlite,
    create_private_file,
    prepare_sqlite,
)

TURN = "ledger_turn"
"""Option of a connection: what it gives back when it is closed."""

_POSTGRESQL: dict[str, Any] = {
    "connect_timeout": 10,
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
CHUNK = 500
_databases: "WeakSet[Database]" = WeakSet()
_pools_of_parent: list[Pool] = []  # kept, so that a child never closes what its parent still uses


@dataclass(frozen=True, slots=True)
class Work:
    """Settings for a kind of work. Shape: as each database has them written."""

    sqlite: tuple[str, ...] = ()
    postgresql: tuple[str, ...] = ()


SERVING = Work(sqlite=("wal_autocheckpoint = 4096",))
"""Up to 16 MiB wait in the log: whoever fills it brings its pages into the file, each one once."""

_KEYED = Work(postgresql=("enable_seqscan = off", "jit = off"))
"""A statement that is planned while the tables are empty would scan them for as long as it is
kept; one that looks up keys is done before it would be compiled."""

_EACH_ALONE: dict[str, Any] = {
    "isolation_level": "AUTOCOMMIT",
    "pool_size": 2,
    "max_overflow": -1,
    "pool_reset_on_return": None,  # nothing is begun that could be left open
}
"""How statements are executed of which each is a transaction of its own."""

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
        self.engine = _engine(parsed, work, pool_size=pool_size, max_overflow=pool_size)
        self._keyed = self.engine if self.is_sqlite else _engine(parsed, _KEYED, **_EACH_ALONE)
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
    def begin_reading(self) -> Iterator[Connection]:
        """Read inside one transaction, until `go_on_writing` begins one that writes.

        That is committed at the end, and rolled back on any error.
        """
        with ExitStack() as turn, self.engine.connect() as connection:
            connection.execution_options(**{TURN: turn})
            connection.begin()
            yield connection
            connection.commit()

    def go_on_writing(self, connection: Connection) -> None:
        """Write on a connection that has only read, in another transaction."""
        connection.rollback()
        connection.get_execution_options()[TURN].enter_context(self._turn())
        connection.execution_options(**{WRITES: True})
        connection.begin()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        # SQLite lets waiting writers sleep and guess, so that some starve; threads of one
        # process queue here instead. Whoever waits too long is left to SQLite's own answer.
        is_our_turn = self.is_sqlite and self._writer.acquire(timeout=BUSY_SECONDS)
        try:
            yield
        finally:
            if is_our_turn:
                self._writer.release()

    def single(self, *, writes: bool = False) -> AbstractContextManager[Connection]:
        """Open a connection for single statements that need no transaction around them.

        On PostgreSQL each is one of its own and costs one trip, not three.
        """
        if self.is_sqlite:
            return self.begin() if writes else self.connect()
        return self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    def keyed(self) -> Connection:
        """Open such a connection on PostgreSQL for statements that only look up keys, often."""
        return self._keyed.connect()

    def dispose(self) -> None:
        """Close every connection; the next use opens new ones."""
        for engine in {self.engine, self._keyed}:
            engine.dispose()

    def _leave_parent(self) -> None:
        for engine in {self.engine, self._keyed}:
            _pools_of_parent.append(engine.pool)
            engine.dispose(close=False)
        self._writer = threading.RLock()


def beside(database: Database, ending: str) -> Path | None:
    """Return the file of another ending beside an SQLite database; None on PostgreSQL."""
    path = database.engine.url.database
    return Path(path).with_suffix(ending) if database.is_sqlite and path is not None else None


def padded(values: Sequence[_Value]) -> list[_Value]:
    """Repeat the last value until the number of values is a power of two.

    A statement with a list has as many texts as lists have lengths, and each is prepared anew.
    """
    padding = (1 << (len(values) - 1).bit_length()) - len(values)
    return [*values, *[values[-1]] * padding] if values else []


def chunks(values: Sequence[_Value], size: int = CHUNK) -> Iterator[Sequence[_Value]]:
    """Divide values into as many as a statement takes."""
    return (values[start : start + size] for start in range(0, len(values), size))


def _leave_parents() -> None:
    for database in list(_databases):
        database._leave_parent()


os.register_at_fork(after_in_child=_leave_parents)


def _parse(url: str) -> URL:
    parsed = parsed_url(url)
    if parsed is None:
        raise SettingsError("the database URL cannot be read")
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite":
        raise SettingsError("the database must be sqlite or postgresql")
    if parsed.database in (None, "", ":memory:"):
        raise SettingsError("an SQLite database must be a file: its events are to last")
    return parsed


def _engine(url: URL, work: Work, **options: Any) -> Engine:
    is_sqlite = url.get_backend_name() == "sqlite"
    if is_sqlite:
        assert url.database is not None
        if not url.database.startswith(ADDRESS):
            _make_folder(Path(url.database).parent)
        # Without an isolation level the driver begins nothing by itself: `begin_sqlite` does.
        connect_args = {"isolation_level": None, "timeout": BUSY_SECONDS}
    else:
        connect_args = {name: _POSTGRESQL[name] for name in _POSTGRESQL.keys() - url.query.keys()}
    try:
        engine = create_engine(
            url,
            pool_timeout=BUSY_SECONDS,
            hide_parameters=True,  # no raw body in a message or a log
            connect_args=connect_args,
            **options,
        )
    except ValueError:  # its words may hold a password
        raise SettingsError("the database URL has a parameter that cannot be read") from None
    if is_sqlite:
        event.listen(engine, "connect", partial(prepare_sqlite, work.sqlite))
        event.listen(engine, "do_connect", create_private_file)
        event.listen(engine, "begin", begin_sqlite)
    else:
        event.listen(engine, "connect", partial(_prepare_postgresql, work.postgresql))
        ReadOnlySessions().listen(engine)
    return engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise SettingsError(f"the database's folder {folder} is a file, not a folder") from error
    except OSError as error:
        reason = f"the database's folder {folder} cannot be made: {error.strerror}"
        raise SettingsError(reason) from error


def _prepare_postgresql(settings: Sequence[str], driver_connection: Any, _record: object) -> None:
    for setting in settings:
        driver_connection.execute(f"SET {setting}")
    driver_connection.commit()
