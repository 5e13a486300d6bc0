"""How SQLite is connected to: a private file, its settings, and transactions of two kinds."""

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic, sleep
from typing import Any

from sqlalchemy import Connection

from ledger.storage.database_errors import driver_errors

BUSY_SECONDS = 10
BUSY_PAUSE_SECONDS = 0.001
WRITES = "ledger_writes"
"""Option of a connection that is going to write."""

ADDRESS = "file:"
"""So begins what SQLite reads as an address, with options of its own: no file has this name."""


def create_private_file(
    _dialect: object, _record: object, arguments: Sequence[str], _options: object
) -> None:
    """Make a new file that nobody but its owner can read, whatever the umask is.

    SQLite gives the files that it makes beside it the same rights. One that is there already is
    not opened: closing it again would drop every lock that this process holds on it.
    """
    if arguments[0].startswith(ADDRESS):
        return
    with suppress(OSError):  # what is wrong with the path SQLite says better
        os.close(os.open(arguments[0], os.O_CREAT | os.O_EXCL, 0o600))


def prepare_sqlite(
    pragmas: Sequence[str], sqlite_connection: sqlite3.Connection, _record: object
) -> None:
    """Make a new connection durable, and as this kind of work needs it."""
    for pragma in (
        f"busy_timeout = {BUSY_SECONDS * 1000}",
        "synchronous = FULL",
        "foreign_keys = ON",
        "recursive_triggers = ON",  # else REPLACE would delete a row behind its trigger's back
        *pragmas,
    ):
        sqlite_connection.execute(f"PRAGMA {pragma}").close()
    # of two that switch a new file at once SQLite refuses one without any waiting
    _retried(lambda: sqlite_connection.execute("PRAGMA journal_mode = WAL").close())


def begin_sqlite(connection: Connection) -> None:
    """Begin a transaction that reads, or one that writes.

    One that begins to write later fails at once as "locked", so a writer says it from the start.
    """
    driver: Any = connection.connection.driver_connection
    if not connection.get_execution_options().get(WRITES, False):
        driver.execute("BEGIN")
        return
    with driver_errors(connection, "BEGIN IMMEDIATE"):
        driver.execute("PRAGMA busy_timeout = 0")
        try:
            _retried(lambda: driver.execute("BEGIN IMMEDIATE"))
        finally:
            driver.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")


def _retried(action: Callable[[], Any]) -> None:
    """Do what SQLite refuses while somebody else writes, as soon as nobody does.

    Its own waiting looks ever more seldom, up to ten times a second, and whoever came later is
    faster. Errors: sqlite3.OperationalError.
    """
    deadline = monotonic() + BUSY_SECONDS
    while True:
        try:
            action()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or monotonic() > deadline:
                raise
            sleep(BUSY_PAUSE_SECONDS)
