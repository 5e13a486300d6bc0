"""Let one process at a time follow or build a generation, and another take over when it dies."""

import threading
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from sqlalchemy import ColumnElement, Connection, delete, not_, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from ledger.errors import ConflictError
from ledger.storage.database import Database
from ledger.storage.tables import leases

LEASE_SECONDS_MAX = 120
"""Longer than any lease, and than clocks of machines that write to one database may differ."""


def take_lease(connection: Connection, name: str, holder: str, *, seconds: float) -> bool:
    """Take or renew a lease; return False while somebody else holds it.

    A lease saves work; what keeps rows exact is that positions move only from where they were.
    """
    assert seconds < LEASE_SECONDS_MAX
    now = datetime.now(UTC)
    expires_at = now + timedelta(seconds=seconds)
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(leases).values(name=name, holder=holder, expires_at=expires_at)
    statement = statement.on_conflict_do_update(
        index_elements=["name"],
        set_={"holder": holder, "expires_at": expires_at},
        where=or_(leases.c.holder == holder, not_(_is_valid(now))),
    )
    return connection.scalar(statement.returning(leases.c.holder)) is not None


def release_leases(connection: Connection, holder: str, *, besides: Iterable[str] = ()) -> None:
    """Release the leases of a holder, except those named, so that others can take them at once."""
    is_released = leases.c.name.not_in(list(besides))
    connection.execute(delete(leases).where(leases.c.holder == holder, is_released))


def is_leased(connection: Connection, name: str) -> bool:
    """Return True if somebody holds this lease now."""
    query = select(leases.c.holder).where(leases.c.name == name, _is_valid(datetime.now(UTC)))
    return connection.scalar(query) is not None


def _is_valid(now: datetime) -> ColumnElement[bool]:
    # A lease that would last longer than any is taken for was written by a clock that has been
    # set back since: it binds nobody.
    return leases.c.expires_at.between(now, now + timedelta(seconds=LEASE_SECONDS_MAX))


class HeldLease:
    """One lease that a thread renews, however long the work under it takes.

    Use it as a context manager once `acquire` has returned True.
    """

    def __init__(
        self, database: Database, name: str, *, holder: str, seconds: float, purpose: str
    ) -> None:
        self._database = database
        self._name = name
        self._holder = holder
        self._seconds = seconds
        self._purpose = purpose
        self._is_lost = threading.Event()
        self._is_over = threading.Event()
        self._renewing = threading.Thread(target=self._renew, daemon=True)

    def acquire(self, connection: Connection) -> bool:
        """Take the lease within a transaction; return False while somebody else holds it."""
        return take_lease(connection, self._name, self._holder, seconds=self._seconds)

    def check(self) -> None:
        """Raise ConflictError once somebody else has taken the lease."""
        if self._is_lost.is_set():
            raise ConflictError(f"somebody else has taken {self._purpose} over")

    def __enter__(self) -> Self:
        self._renewing.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._renewing.join()
        with self._database.begin() as connection:
            release_leases(connection, self._holder)

    def _renew(self) -> None:
        while not self._is_over.wait(self._seconds / 4):
            with suppress(SQLAlchemyError), self._database.begin() as connection:
                if not self.acquire(connection):
                    self._is_lost.set()
