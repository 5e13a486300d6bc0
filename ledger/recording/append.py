"""Appends verified notifications: a group in one transaction, or one until it is not beaten."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from ledger.errors import NotFoundError
from ledger.recording.decider import streams_of
from ledger.recording.receipt import Receipt, receipt_of
from ledger.recording.retries import available, retrying
from ledger.recording.unit_of_work import UnitOfWork, Verified
from ledger.storage.database import Database
from ledger.storage.event_recorder import lock_streams
from ledger.storage.event_store import EventStore
from ledger.storage.inbox import Inbox, InboxRecord
from ledger.storage.plain_writer import PlainWriter
from ledger.storage.quarantine import release
from ledger.storage.write_set import WriteStrategy


class Append:
    """Appends by a write strategy; from the second try on by the plain one, standing in line."""

    def __init__(
        self,
        database: Database,
        events: EventStore,
        strategy: WriteStrategy,
        now: Callable[[], datetime],
    ) -> None:
        self._events = events
        self._inbox = Inbox()
        self._strategy = strategy
        self._plain = PlainWriter(database)
        self._now = now

    def together(self, verified: Sequence[Verified]) -> list[Receipt]:
        """Append a group, all of it or nothing. Errors: LostRaceError, UnavailableError."""
        if len(verified) == 1:
            return [self._retrying(verified[0])]
        with available(), self._strategy.begin() as connection:
            return self._append(connection, self._strategy, verified)

    def alone(self, verified: Verified) -> Receipt:
        """Append one of a group that has failed. Errors: ConflictError, UnavailableError."""
        return self._retrying(verified, first=1)

    def readmit(self, verified: Verified, row: InboxRecord) -> Receipt:
        """Append one that leaves the quarantine. Errors: as `alone`; NotFoundError: it has left."""

        def attempt(number: int) -> Receipt:
            with self._plain.begin() as connection:
                receipt = self._earlier(connection, verified) if number else None
                if receipt is not None:
                    return receipt
                if not release(connection, row.id):
                    raise NotFoundError(f"delivery {row.id} has left the quarantine")
                return self._append(connection, self._plain, [verified], readmitted=row)[0]

        return retrying(attempt)

    def _retrying(self, verified: Verified, *, first: int = 0) -> Receipt:
        def attempt(number: int) -> Receipt:
            strategy = self._plain if number else self._strategy
            with strategy.begin() as connection:
                receipt = self._earlier(connection, verified) if number else None
                return receipt or self._append(connection, strategy, [verified])[0]

        return retrying(attempt, first=first)

    def _earlier(self, connection: Connection, verified: Verified) -> Receipt | None:
        """Stand in line with those who append to the same streams, and look whether an earlier
        attempt was committed although nobody heard of it."""
        notification, content = verified
        lock_streams(connection, streams_of(content))
        row = self._inbox.find_verified(connection, notification.delivery.id)
        return None if row is None else receipt_of(row, row.positions)

    def _append(
        self,
        connection: Connection,
        strategy: WriteStrategy,
        verified: Sequence[Verified],
        readmitted: InboxRecord | None = None,
    ) -> list[Receipt]:
        work = UnitOfWork(self._events, strategy, connection, self._now, readmitted=readmitted)
        return [receipt_of(*appended) for appended in work.append(verified)]
