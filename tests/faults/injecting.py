"""Makes one step of the ledger fail once, before or after it took effect.

A step is a statement, or the commit of a transaction that held it. PostgreSQL itself raises the
errors here, so that its transaction is in the state that the error leaves. SQLite raises those it
can be brought to; the others are raised as its driver does, after the rollback it would have made.
"""

import os
import re
import signal
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Pool, event
from sqlalchemy.engine.default import DefaultDialect

from ledger.instants import utc_now
from ledger.storage import postgresql_writer
from ledger.storage.database_errors import driver_errors

BEFORE, AFTER = "before", "after"


@dataclass(frozen=True)
class Step:
    """One step: the statement it is known by, and in which thread it counts (any by default)."""

    statement: str
    is_commit: bool = False
    thread: str | None = None


class Clock:
    """A wall clock that can be set back."""

    def __init__(self) -> None:
        self._behind = timedelta()

    def __call__(self) -> datetime:
        return utc_now() - self._behind

    def step_back(self) -> None:
        self._behind += timedelta(hours=1)


Harm = Callable[[Any, Clock], None]
"""Does what the fault does. Shape: the driver's own connection, the ledger's clock."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong, on each database."""

    on_postgresql: Harm
    on_sqlite: Harm
    unheard_on: tuple[str, ...] = ()
    """The databases on which no sender hears of it: the ledger itself tries again."""


def _raised_by_server(sqlstate: str, constraint: str = "") -> Harm:
    detail = f", CONSTRAINT = '{constraint}'" if constraint else ""

    def raise_it(connection: Any, _clock: Clock) -> None:
        connection.execute(
            "DO $$ BEGIN RAISE EXCEPTION 'a fault, on purpose'"
            f" USING ERRCODE = '{sqlstate}'{detail}; END $$"
        )

    return raise_it


def _raised_by_driver(kind: type[sqlite3.Error], message: str, code: int) -> Harm:
    def raise_it(connection: Any, _clock: Clock) -> None:
        connection.rollback()
        error = kind(message)
        error.sqlite_errorcode = code
        raise error

    return raise_it


def _busy(connection: Any, _clock: Clock) -> None:
    """Locked out while waiting: SQLite leaves the transaction as it is."""
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    raise error


def _end_connection(connection: Any, _clock: Clock) -> None:
    connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def _make_read_only(connection: Any, _clock: Clock) -> None:
    if connection.autocommit:
        connection.execute("SET default_transaction_read_only = on")
    else:
        connection.execute("SET TRANSACTION READ ONLY")


def _make_file_read_only(connection: Any, _clock: Clock) -> None:
    connection.execute("PRAGMA query_only = ON")


def _make_writable(connection: Any, _record: object) -> None:
    """Whoever uses the connection next finds it as it should be."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA query_only = OFF")
    elif connection is not None and connection.autocommit and not connection.closed:
        connection.execute("SET default_transaction_read_only = off")


def _exhaust_memory(_connection: Any, _clock: Clock) -> None:
    raise MemoryError("a fault, on purpose")


def _step_back(_connection: Any, clock: Clock) -> None:
    clock.step_back()


def die(_connection: Any, _clock: Clock) -> None:
    """End this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


KILLED = "killed with -9"

FAULTS: dict[str, Fault] = {
    "connection lost": Fault(
        _end_connection,
        _raised_by_driver(sqlite3.OperationalError, "disk I/O error", sqlite3.SQLITE_IOERR),
        unheard_on=("postgresql",),
    ),
    "unique violation": Fault(
        _raised_by_server("23505", "uq_events_stream"),
        _raised_by_driver(
            sqlite3.IntegrityError,
            "UNIQUE constraint failed: events.originator_id, events.originator_version",
            sqlite3.SQLITE_CONSTRAINT_UNIQUE,
        ),
        unheard_on=("postgresql", "sqlite"),
    ),
    "lock timeout": Fault(_raised_by_server("55P03"), _busy),
    "deadlock": Fault(_raised_by_server("40P01"), _busy, unheard_on=("postgresql",)),
    "serialisation failure": Fault(_raised_by_server("40001"), _busy, unheard_on=("postgresql",)),
    "disk full": Fault(
        _raised_by_server("53100"),
        _raised_by_driver(
            sqlite3.OperationalError, "database or disk is full", sqlite3.SQLITE_FULL
        ),
    ),
    "read-only file system": Fault(_make_read_only, _make_file_read_only),
    "out of memory in the server": Fault(
        _raised_by_server("53200"),
        _raised_by_driver(sqlite3.OperationalError, "out of memory", sqlite3.SQLITE_NOMEM),
    ),
    "out of memory in a worker": Fault(_exhaust_memory, _exhaust_memory),
    "clock stepping back": Fault(_step_back, _step_back, unheard_on=("postgresql", "sqlite")),
    KILLED: Fault(die, die),
}


@dataclass
class Trap:
    """Springs once, at the first passage of a step, on whatever engine of this process."""

    step: Step
    when: str
    fault: Fault
    clock: Clock = field(default_factory=Clock)
    is_sprung: bool = False

    def __enter__(self) -> "Trap":
        self._lock = threading.Lock()
        self._passed: set[int] = set()
        self._commit = DefaultDialect.do_commit
        self._at_once = postgresql_writer.execute
        event.listen(Engine, "do_execute", self._execute)
        event.listen(Engine, "do_executemany", self._execute_many)
        event.listen(Pool, "checkin", _make_writable)
        trap = self

        def do_commit(dialect: DefaultDialect, connection: Any) -> None:
            trap.commit(dialect, connection)

        DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]
        postgresql_writer.execute = self._execute_at_once
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(Engine, "do_execute", self._execute)
        event.remove(Engine, "do_executemany", self._execute_many)
        event.remove(Pool, "checkin", _make_writable)
        DefaultDialect.do_commit = self._commit  # type: ignore[method-assign]
        postgresql_writer.execute = self._at_once

    def _execute(self, cursor: Any, statement: str, parameters: Any, _context: Any) -> bool:
        return self._at(cursor, statement, lambda: cursor.execute(statement, parameters))

    def _execute_many(self, cursor: Any, statement: str, parameters: Any, _context: Any) -> bool:
        return self._at(cursor, statement, lambda: cursor.executemany(statement, parameters))

    def _execute_at_once(self, connection: Any, statement: str, parameters: Any) -> Any:
        """What goes straight through the driver is a transaction of its own."""
        if self.is_sprung or not self._is_here(statement) or not self._spring():
            return self._at_once(connection, statement, parameters)
        with driver_errors(connection, statement):
            if self.when == BEFORE:
                self._harm(connection.connection.driver_connection)
            rows = self._at_once(connection, statement, parameters)
            if self.when == AFTER:
                self._harm(connection.connection.driver_connection)
        return rows

    def _at(self, cursor: Any, statement: str, execute: Callable[[], object]) -> bool:
        if self.is_sprung or not self._is_here(statement):
            return False
        if self.step.is_commit:
            self._passed.add(id(cursor.connection))
            return False
        if not self._spring():
            return False
        if self.when == BEFORE:
            self._harm(cursor.connection)
            return False
        execute()
        self._harm(cursor.connection)
        return True  # it was executed here

    def commit(self, dialect: DefaultDialect, connection: Any) -> None:
        driver = connection.driver_connection
        is_here = self.step.is_commit and id(driver) in self._passed and self._spring()
        if is_here and self.when == BEFORE:
            self._harm(driver)
        self._commit(dialect, connection)
        if is_here and self.when == AFTER:
            self._harm(driver)

    def _is_here(self, statement: str) -> bool:
        wanted = self.step.thread
        is_ours = wanted is None or threading.current_thread().name == wanted
        return is_ours and re.match(self.step.statement, statement) is not None

    def _spring(self) -> bool:
        """Several threads may come by at once: one of them springs it."""
        with self._lock:
            is_first, self.is_sprung = not self.is_sprung, True
            return is_first

    def _harm(self, connection: Any) -> None:
        is_sqlite = isinstance(connection, sqlite3.Connection)
        harm = self.fault.on_sqlite if is_sqlite else self.fault.on_postgresql
        harm(connection, self.clock)
