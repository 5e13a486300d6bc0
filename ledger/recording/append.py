"""Appends verified notifications: a group in one transaction, or one until it is not beaten."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from ledger.errors import NotFoundError
from ledger.ipn.delivery import Notification
from ledger.ipn.snapshots import NotificationContent
from ledger.recording.decider import streams_of, transactions_of
from ledger.recording.receipt import Receipt, receipt_of
from ledger.recording.relabelling import text_tags
from ledger.recording.retries import appendable, available, retrying
from ledger.recording.unit_of_work import UnitOfWork, Verified
from ledger.sealing.sealing import Sealing
from ledger.storage.database import Database
from ledger.storage.event_recorder import lock_streams
from ledger.storage.event_store import EventStore
from ledger.storage.inbox import Inbox, InboxRecord
from ledger.storage.outcomes import Outcome
from ledger.storage.plain_writer import PlainWriter
from ledger.storage.quarantine import release
from ledger.storage.write_set import LoadRequest, WriteStrategy, final_positions


class Append:
    """Appends by a write strategy; from the second try on by the plain one, standing in line."""

    def __init__(
        self,
        database: Database,
        event_store: EventStore,
        sealing: Sealing,
        strategy: WriteStrategy,
        now: Callable[[], datetime],
    ) -> None:
        self._event_store = event_store
        self._sealing = sealing
        self._strategy = strategy
        self._plain = PlainWriter(database)
        self._now = now

    def together(self, verified: Sequence[Verified]) -> list[Receipt]:
        """Append a group, all of it or nothing.

        Errors: LostRaceError, UnavailableError; whatever decision and storing can raise.
        """
        if len(verified) == 1:
            return [self.alone(verified[0])]
        with appendable(), self._strategy.begin() as connection:
            return self._append(connection, self._strategy, verified)

    def alone(
        self, notification: Verified, *, first: int = 0, readmitted: InboxRecord | None = None
    ) -> Receipt:
        """Append one. Errors: ConflictError, UnavailableError; whatever decision and storing can
        raise; NotFoundError: another operator has readmitted it.

        Shape: `first` is 1 when its group has failed; `readmitted` is its row until now.
        """

        def attempt(number: int) -> Receipt:
            strategy = self._plain if number or readmitted else self._strategy
            with strategy.begin() as connection:
                earlier = _earlier(connection, notification) if number else None
                if earlier is not None:
                    return earlier
                if readmitted is not None:
                    _take(connection, readmitted)
                return self._append(connection, strategy, [notification], readmitted)[0]

        return retrying(attempt, first=first)

    def rehearse(self, notification: Verified, readmitted: InboxRecord) -> None:
        """Decide on one without writing anything. Errors: as `alone`."""
        request = _load_request(*notification)
        with available(), self._plain.begin() as connection:
            loaded = self._plain.load(connection, [request])
            work = UnitOfWork(self._event_store, self._sealing, connection, loaded)
            work.add(notification, request.stream_ids, self._now(), readmitted)

    def _append(
        self,
        connection: Connection,
        strategy: WriteStrategy,
        verified: Sequence[Verified],
        readmitted: InboxRecord | None = None,
    ) -> list[Receipt]:
        requests = [_load_request(*notification) for notification in verified]
        work = self._decided(connection, strategy, verified, requests, readmitted)
        if not strategy.lock(connection, work.loaded):  # somebody was faster; now nobody can be
            work = self._decided(connection, strategy, verified, requests, readmitted)
        positions = strategy.write(connection, work.writes)
        decided = [
            replace(record, outcome=decision.outcome, positions=decision.positions)
            for decision in work.writes.decisions
            if (record := readmitted)
        ]
        return [
            receipt_of(record, final_positions(record.positions, positions))
            for record in work.writes.deliveries or decided
        ]

    def _decided(
        self,
        connection: Connection,
        strategy: WriteStrategy,
        verified: Sequence[Verified],
        requests: Sequence[LoadRequest],
        readmitted: InboxRecord | None,
    ) -> UnitOfWork:
        loaded = strategy.load(connection, requests)
        work = UnitOfWork(self._event_store, self._sealing, connection, loaded)
        for notification, request in zip(verified, requests, strict=True):
            work.add(notification, request.stream_ids, self._now(), readmitted)
        return work


def _load_request(notification: Notification, content: NotificationContent) -> LoadRequest:
    streams = streams_of(content)
    dated = transactions_of(content) if content.told_at else []
    return LoadRequest(notification.signed_tag, streams, dated, text_tags(notification))


def _earlier(connection: Connection, verified: Verified) -> Receipt | None:
    """Stand in line with those who append to the same streams, and look whether an earlier
    attempt was committed although nobody heard of it."""
    notification, content = verified
    lock_streams(connection, streams_of(content))
    record = Inbox(connection).find_verified(notification.delivery.id)
    if record is None or record.outcome == Outcome.UNDECIDED:
        return None
    return receipt_of(record, record.positions)


def _take(connection: Connection, readmitted: InboxRecord) -> None:
    """Make sure that nobody else has decided on it. Errors: NotFoundError."""
    if readmitted.outcome == Outcome.UNDECIDED:
        now = Inbox(connection).find_verified(readmitted.id)
        is_ours = now is not None and now.outcome == Outcome.UNDECIDED
    else:
        is_ours = release(connection, readmitted.id)
    if not is_ours:
        raise NotFoundError(f"delivery {readmitted.id} has been readmitted already")
