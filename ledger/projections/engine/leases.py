"""Let one process at a time follow or build a generation, and another take over when it dies."""

import os
import secrets
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, not_, or_, select
from sqlalchemy.exc import SQLAlchemyError

from ledger.errors import ConflictError
from ledger.projections.engine.writing import upsert_into
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
    statement = upsert_into(connection, leases).values(
        name=name, holder=holder, expires_at=now + timedelta(seconds=seconds)
    )
    statement = statement.on_conflict_do_update(
        index_elements=["name"],
        set_={"holder": holder, "expires_at": statement.excluded.expires_at},
        where=or_(leases.c.holder == holder, not_(_is_valid(now))),
    )
    return connection.scalar(statement.returning(leases.c.holder)) is not None


def new_holder() -> str:
    """Return a name for whoever takes leases. Shape: `host:process:random`."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


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


@dataclass(frozen=True)
class HeldLease:
    """One lease, renewed by a thread however long the work under it takes."""

    database: Database
    name: str
    holder: str
    seconds: float
    purpose: str
    _is_lost: threading.Event = field(default_factory=threading.Event, init=False)

    def acquire(self, connection: Connection) -> bool:
        """Take the lease within a transaction; return False while somebody else holds it."""
        return take_lease(connection, self.name, self.holder, seconds=self.seconds)

    def check(self) -> None:
        """Raise ConflictError once somebody else has taken the lease."""
        if self._is_lost.is_set():
            raise ConflictError(f"somebody else has taken {self.purpose} over")

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Renew the lease until the end of the block, and release it there."""
        is_over = threading.Event()
        renewing = threading.Thread(target=self._renew_until, args=(is_over,), daemon=True)
        renewing.start()
        try:
            yield
        finally:
            is_over.set()
            renewing.join()
            with self.database.begin() as connection:
                release_leases(connection, self.holder)

    def _renew_until(self, is_over: threading.Event) -> None:
        while not is_over.wait(self.seconds / 4):
            with suppress(SQLAlchemyError), self.database.begin() as connection:
                if not self.acquire(connection):
                    self._is_lost.set()
