"""The position below which nothing can still appear, however many writers commit out of order.

Writers and readers of the primary settle it by a lock, which no standby has. So whoever follows the
log there stores what was proven, and who reads a standby goes by that row: everything it promises
was committed before it, and a standby repeats commits in their order.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep

from sqlalchemy import Connection, func, literal, select, update
from sqlalchemy.exc import OperationalError

from ledger.storage.database import Database
from ledger.storage.short_locks import LOCK_NOT_AVAILABLE
from ledger.storage.tables import events, high_water_mark

POSITIONS_LOCK = 0x1ED6_0002
"""PostgreSQL advisory lock that orders writers and readers of positions.

Every insert into a table that is followed in order holds it shared until its commit (a trigger of
the table takes it).
"""

BARRIER_TRIES = 3
BARRIER_MS = 100  # new writers queue behind a waiting reader, so it gives up soon
BARRIER_PAUSE_SECONDS = 0.05
PROVEN_SECONDS = 0.25
"""How old what `proven` answers may be: those who ask often would hold up the writers."""
_NEWEST = select(func.max(events.c.position))
_STORED = select(func.max(high_water_mark.c.position))
_ON_SQLITE = select(_NEWEST.scalar_subquery(), literal(value=False), literal(0))
_ON_POSTGRESQL = select(
    _NEWEST.scalar_subquery(), func.pg_is_in_recovery(), _STORED.scalar_subquery()
)


class HighWaterMark:
    """Remembers how far the log is complete for ever, and moves on when it is asked.

    Shape: nothing can appear any more at or below the position `safe`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.safe = 0
        self._stored = 0
        self._due_at = 0.0

    def read(self, after: int | None = None) -> int | None:
        """Return the position up to which the log is complete; None when it is empty.

        When nothing is stored above `after`, no lock is taken and the newest position is
        answered. A writer that holds on makes this answer an earlier position, never an error.
        On a standby it is what the primary has stored.
        """
        newest, is_standby, stored = self._look()
        if is_standby:
            self.safe = max(self.safe, stored or 0)
            return self.safe or None
        if newest is None or self._database.is_sqlite or newest <= max(self.safe, after or 0):
            return newest
        for attempt in range(BARRIER_TRIES):
            if attempt:
                sleep(BARRIER_PAUSE_SECONDS)
            if self._pass_barrier():
                break
        return self.safe or None

    def proven(self) -> int:
        """Return a position up to which the log is complete, of not long ago; 0 when it is empty.

        However often it is asked, it makes writers wait once in a quarter of a second at most.
        """
        newest, is_standby, stored = self._look()
        if is_standby:
            self.safe = max(self.safe, stored or 0)
            return self.safe
        newest = newest or 0
        if self._database.is_sqlite or newest <= self.safe:
            return newest
        if monotonic() >= self._due_at:
            self._due_at = monotonic() + PROVEN_SECONDS
            self._pass_barrier()
        return self.safe

    def newest(self) -> int | None:
        """Return the newest visible position; on PostgreSQL some below may not be filled yet."""
        newest, _, _ = self._look()
        return newest

    def is_copy(self) -> bool:
        """Return True on a standby, which may be behind what a reader has read elsewhere."""
        _, is_standby, _ = self._look()
        return is_standby

    def store(self, position: int) -> None:
        """Let those who read a standby go on to a position that was proven here."""
        if self._database.is_sqlite or position <= self._stored:
            return
        moved = update(high_water_mark).where(high_water_mark.c.position < position)
        with self._database.begin() as connection:
            connection.execute(moved.values(position=position))
        self._stored = position

    def _look(self) -> tuple[int | None, bool, int | None]:
        """Read the newest position, whether this is a standby, and what the primary has stored."""
        query = _ON_SQLITE if self._database.is_sqlite else _ON_POSTGRESQL
        with self._database.connect() as connection:
            newest, is_standby, stored = connection.execute(query).one()
        return newest, bool(is_standby), stored

    def _pass_barrier(self) -> bool:
        with passed_barrier(self._database) as connection:
            if connection is None:
                return False
            newest = connection.scalar(_NEWEST)
        self.safe = max(self.safe, newest or 0)
        return True


@contextmanager
def passed_barrier(database: Database) -> Iterator[Connection | None]:
    """Read what is complete for ever: every row with a place that is seen here, none below missing.

    Shape: None when writers held on for too long; try again later. SQLite has one writer at a time,
    so there is nothing to wait for.
    """
    if database.is_sqlite:
        with database.connect() as connection:
            yield connection
        return
    with database.connect() as connection:
        try:
            connection.execute(select(func.set_config("lock_timeout", f"{BARRIER_MS}ms", True)))
            connection.execute(select(func.pg_advisory_xact_lock(POSITIONS_LOCK)))
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
            is_passed = False
        else:
            is_passed = True
        yield connection if is_passed else None
