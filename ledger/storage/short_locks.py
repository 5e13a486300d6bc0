"""Takes tables from PostgreSQL without holding up the calls that queue behind whoever waits."""

from collections.abc import Callable, Collection
from time import sleep
from typing import TypeVar

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from ledger.errors import LedgerError

LOCK_SECONDS = 2
"""Calls wait behind whoever waits for a table: so this gives up soon, and tries again."""
LOCK_TRIES = 30
LOCK_PAUSE_SECONDS = 1.0
LOCK_NOT_AVAILABLE = "55P03"
DEADLOCK = "40P01"

_Done = TypeVar("_Done")


def wait_shortly(connection: Connection) -> None:
    """Give up a lock after `LOCK_SECONDS`, in this transaction."""
    connection.execute(select(func.set_config("lock_timeout", f"{LOCK_SECONDS}s", True)))


def tried_until_free(
    attempt: Callable[[], _Done],
    waited_too_long: LedgerError,
    sqlstates: Collection[str] = (LOCK_NOT_AVAILABLE,),
) -> _Done:
    """Do what needs a table, again with pauses while others hold it.

    Shape: `sqlstates` are the codes by which the database says so. Errors: `waited_too_long` when
    they hold it for as long as this waits.
    """
    for number in range(1, LOCK_TRIES + 1):
        try:
            return attempt()
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in sqlstates:
                raise
            if number == LOCK_TRIES:
                raise waited_too_long from error
        sleep(LOCK_PAUSE_SECONDS)
    raise AssertionError("it returns or raises")
