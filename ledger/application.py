"""The ledger: receives notifications, decides, and appends; the only code that appends."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any
from uuid import UUID

import structlog
from eventsourcing.persistence import IntegrityError, PersistenceError, StoredEvent
from sqlalchemy import Connection
from sqlalchemy import exc as sa

from ledger.aggregates.observed import Observed, Occasion
from ledger.batch import Batch, Verified
from ledger.errors import (
    ConflictError,
    MalformedNotificationError,
    NotFoundError,
    NotificationError,
    UnavailableError,
)
from ledger.formats import claim_of, read
from ledger.formats.snapshot import Told
from ledger.gathering import Gathering
from ledger.notification import Delivery, Limits, Notification
from ledger.reasons import TOO_LARGE
from ledger.recording.decider import Decision, streams_of
from ledger.settings import Settings
from ledger.shops import Shops
from ledger.storage.additions import Way
from ledger.storage.at_once import AtOnce
from ledger.storage.database import Database
from ledger.storage.journal import AlreadyRecorded, Bounds, Journal, JournalRow
from ledger.storage.mapper import Entry, EventMapper
from ledger.storage.recorder import EventRecorder
from ledger.storage.stepwise import Stepwise
from ledger.vocabulary import EVENT_CLASSES

RECORDED = "recorded"
REPEATED = "repeated"
QUARANTINED = "quarantined"

GROUP_MAX = 16
"""Notifications in one commit, when so many are waiting; more gain nothing."""
TRIES_MAX = 10
"""From the second try on a writer stands in line; only newcomers, once each, are still faster."""

STREAMS_MAX = 1024
"""Streams that one statement reads; a database takes only so many names."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one delivery. Units: `duration_seconds` covers decision and commit."""

    id: str
    outcome: str
    reason: str | None = None
    format: str | None = None
    shop_id: str | None = None
    mode: str | None = None
    positions: tuple[int, ...] = ()
    duration_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One event with its place in the whole ledger."""

    position: int
    event: Observed.Event


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class Ledger:
    """Everything that was ever told, and the one way to add to it."""

    def __init__(
        self,
        settings: Settings,
        shops: Shops,
        database: Database,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        assert EVENT_CLASSES  # importing them registered their topics
        self.settings = settings
        self.shops = shops
        self.database = database
        self.journal = Journal(database)
        self.recorder = EventRecorder(database)
        self._stepwise = Stepwise(database, self.journal, self.recorder)
        self._way: Way = self._stepwise if database.is_sqlite else AtOnce(database)
        self._mapper = EventMapper()
        self._clock = clock
        self._limits = Limits(settings.fields_max, settings.json_depth_max)
        self._bounds = Bounds(
            count_max=settings.quarantine_count_max,
            bytes_max=settings.quarantine_bytes_max,
            total_count_max=settings.quarantine_total_count_max,
            total_bytes_max=settings.quarantine_total_bytes_max,
        )
        self._gathering: Gathering[Verified, Receipt] = Gathering(
            self._keep_together, size_max=GROUP_MAX
        )
        self._refusals: Gathering[JournalRow, Receipt] = Gathering(
            self._put_aside_together, size_max=GROUP_MAX
        )

    def close(self) -> None:
        """Let go of the database."""
        self.database.dispose()

    # -- receiving ----------------------------------------------------------------------------

    def receive(self, delivery: Delivery) -> Receipt:
        """Verify, understand and keep one delivery; durable when this returns.

        Errors: ConflictError and UnavailableError; then nothing was stored, or nobody heard that it
        was: received again, it is recorded or repeated.
        """
        started = time.perf_counter()
        try:
            notification, told = read(delivery, self.shops, self._limits)
        except NotificationError as refusal:
            receipt = self.refuse(delivery, refusal.reason)
        else:
            receipt = self._gathering.submit((notification, told))
        return replace(receipt, duration_seconds=time.perf_counter() - started)

    def refuse(self, delivery: Delivery, reason: str) -> Receipt:
        """Keep a delivery in quarantine. Errors: UnavailableError."""
        claim = claim_of(delivery, self._limits)
        row = _row_of(
            delivery,
            outcome=QUARANTINED,
            reason=reason,
            format=claim.format,
            shop_id=claim.shop_id or delivery.shop_id,
            mode=claim.mode or delivery.mode,
        )
        if self.journal.take_room(row):
            return self._refusals.submit(row)
        with _available(), self.database.begin() as connection:
            evicted = self.journal.quarantine(connection, row, self._bounds)
        for one in evicted:
            _log.warning("quarantine.evicted", notification_id=one.id, reason=one.reason)
        return _refusal(row)

    def _put_aside_together(self, rows: Sequence[JournalRow]) -> list[Receipt | Exception]:
        """All at once; when that fails, one after the other: none is lost for another's sake."""
        try:
            with _available(), self.database.single(writes=True) as connection:
                self.journal.put_aside(connection, rows)
            return [_refusal(row) for row in rows]
        except Exception as error:
            if len(rows) == 1 or isinstance(error, _CutOffError):
                raise
            _log.warning("quarantine.divided", size=len(rows), exc_info=error)
        return [self._put_aside_or_error(row) for row in rows]

    def _put_aside_or_error(self, row: JournalRow) -> Receipt | Exception:
        try:
            [receipt] = self._put_aside_together([row])
        except Exception as error:  # noqa: BLE001  raised again in the thread that it belongs to
            return error
        return receipt

    def readmit(self, notification_id: str) -> Receipt:
        """Verify a quarantined delivery again; what passes is recorded as of its arrival.

        Errors: NotFoundError; ConflictError; UnavailableError.
        """
        row = self._waiting(notification_id)
        try:
            notification, told = self._read_again(row)
        except NotificationError as refusal:
            return replace(_refusal(row), reason=refusal.reason)
        return self._keep(notification, told, readmitted=row)

    def rehearse(self, notification_id: str) -> str | None:
        """Why a quarantined delivery would be refused again now; None when it would pass.

        Errors: NotFoundError; UnavailableError.
        """
        try:
            self._read_again(self._waiting(notification_id))
        except NotificationError as refusal:
            return refusal.reason
        return None

    def _waiting(self, notification_id: str) -> JournalRow:
        with _available(), self.database.connect() as connection:
            row = self.journal.get(connection, notification_id)
        if row is None or row.outcome != QUARANTINED:
            raise NotFoundError(f"no delivery {notification_id} in quarantine")
        return row

    def _read_again(self, row: JournalRow) -> Verified:
        if row.reason == TOO_LARGE:
            raise MalformedNotificationError(TOO_LARGE, "its body was not kept")
        shops = self.shops.valid_at(row.received_at, self._clock())
        return read(delivery_of(row), shops, self._limits)

    def receive_many(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        """Receive several deliveries, in the order given, in as few transactions as possible.

        Errors: UnavailableError, ConflictError; deliveries before the one at fault may be stored.
        """
        read_all = [self._read_or_refuse(delivery) for delivery in deliveries]
        verified = [one for one in read_all if not isinstance(one, Receipt)]
        kept = self._keep_together(verified)
        for outcome in kept:
            if isinstance(outcome, Exception):
                raise outcome
        receipts = iter(one for one in kept if isinstance(one, Receipt))
        return [one if isinstance(one, Receipt) else next(receipts) for one in read_all]

    def _read_or_refuse(self, delivery: Delivery) -> Verified | Receipt:
        try:
            return read(delivery, self.shops, self._limits)
        except NotificationError as refusal:
            return self.refuse(delivery, refusal.reason)

    def _keep_together(self, verified: Sequence[Verified]) -> list[Receipt | Exception]:
        """All at once; when anybody was faster about one of them, one after the other."""
        is_again = bool(verified) and (len(verified) > 1 or self._way is not self._stepwise)
        if is_again:
            try:
                with _available(), self._way.begin() as connection:
                    rows = Batch(self, self._way, connection, verified).append()
                return [_receipt(*one) for one in rows]
            except (IntegrityError, AlreadyRecorded, _UndoneError):
                _log.info("batch.divided", size=len(verified))
            except Exception as error:  # noqa: BLE001  whatever it is, one must not fail the others
                _log.warning("batch.failed", size=len(verified), exc_info=error)
        return [self._keep_or_error(*one, is_again=is_again) for one in verified]

    def _keep_or_error(
        self, notification: Notification, told: Told, *, is_again: bool
    ) -> Receipt | Exception:
        try:
            return self._keep(notification, told, is_again=is_again)
        except Exception as error:  # noqa: BLE001  raised again in the thread that it belongs to
            return error

    def _keep(
        self,
        notification: Notification,
        told: Told,
        *,
        readmitted: JournalRow | None = None,
        is_again: bool = False,
    ) -> Receipt:
        """Append one notification, trying again while that is worth it; `is_again` when an earlier
        try has failed already, or nobody heard how it ended."""
        was_cut_off = False
        for attempt in range(int(is_again), TRIES_MAX):
            try:
                with _available(), self.database.begin() as connection:
                    if attempt:  # stand in line with the others who tell of the same things
                        self.recorder.lock_streams(connection, streams_of(told))
                        kept = self.journal.find_verified(connection, notification.delivery.id)
                        if kept is not None:
                            return _receipt(kept, kept.positions)
                    if readmitted and not self.journal.release(connection, readmitted.id):
                        raise NotFoundError(f"delivery {readmitted.id} has left the quarantine")
                    verified = [(notification, told)]
                    batch = Batch(self, self._stepwise, connection, verified, readmitted)
                    return _receipt(*batch.append()[0])
            except (IntegrityError, AlreadyRecorded, _UndoneError):
                continue  # somebody else told it, or told of the same thing: look again
            except _CutOffError:
                if was_cut_off:
                    raise
                was_cut_off = True  # a new connection may find the database there again
        raise ConflictError("other notifications about the same thing kept coming first")

    def stored(self, decision: Decision) -> list[StoredEvent]:
        """The new events of a decision as they will be stored, in the order they were decided."""
        return [
            self._mapper.to_stored_event(event)
            for aggregate in decision.changed
            for event in aggregate.collect_events()
        ]

    def row_of(
        self, notification: Notification, told: Told, readmitted: JournalRow | None = None
    ) -> JournalRow:
        """The journal row of a verified notification, recorded now."""
        return _verified_row(notification, told, self._clock(), readmitted)

    def occasion_of(self, row: JournalRow, told: Told, *, is_readmitted: bool = False) -> Occasion:
        """The occasion on which a notification tells what it tells."""
        return _occasion(row, told, is_readmitted=is_readmitted)

    # -- looking back -------------------------------------------------------------------------

    def history(
        self, id_: UUID, *, as_of: datetime | None = None, connection: Connection | None = None
    ) -> list[RecordedEvent]:
        """Every event of one stream in order, as known at `as_of`. Errors: NotFoundError."""
        events = self.histories([id_], as_of=as_of, connection=connection)[id_]
        if not events:
            raise NotFoundError("nothing was ever told about it" + (" by then" if as_of else ""))
        return events

    def check_known(self, id_: UUID) -> None:
        """See whether anything was ever told of a stream, and no more. Errors: NotFoundError."""
        if not self.recorder.select_events(id_, limit=1):
            raise NotFoundError("nothing was ever told about it")

    def histories(
        self,
        ids: Sequence[UUID],
        *,
        as_of: datetime | None = None,
        connection: Connection | None = None,
    ) -> dict[UUID, list[RecordedEvent]]:
        """The events of many streams, read at once; none for a stream that was not known then."""
        found: dict[UUID, list[RecordedEvent]] = {}
        for start in range(0, len(ids), STREAMS_MAX):
            some = ids[start : start + STREAMS_MAX]
            streams = self.recorder.select_streams(some, connection, with_details=True)
            for id_, entries in streams.items():
                found[id_] = known_by([self.read_entry(entry) for entry in entries], as_of)
        return found

    def read_entry(self, entry: Entry) -> RecordedEvent:
        """Bring a stored event back to life, at its current version."""
        event = self._mapper.to_domain_event(entry)
        assert isinstance(event, Observed.Event)
        return RecordedEvent(entry.id, event)

    def events_after(self, position: int, limit: int) -> list[RecordedEvent]:
        """The next events of the whole ledger in order; never skips one that commits later."""
        entries = self.recorder.select_notifications(position, limit, inclusive_of_start=False)
        return [self.read_entry(entry) for entry in entries]


def fold(events: Iterable[RecordedEvent]) -> Observed | None:
    """The state after these events."""
    aggregate: Observed | None = None
    for one in events:
        aggregate = one.event.mutate(aggregate)
    return aggregate


def known_by(events: Sequence[RecordedEvent], as_of: datetime | None) -> list[RecordedEvent]:
    """The beginning of a stream that was recorded by then; all of it without an instant."""
    if as_of is None:
        return list(events)
    return list(takewhile(lambda one: one.event.timestamp <= as_of, events))


@contextmanager
def _available() -> Iterator[None]:
    """Turn a database that does not answer into one clear refusal; conflicts pass."""
    try:
        yield
    except IntegrityError:
        raise
    except (sa.SQLAlchemyError, PersistenceError) as error:
        raise _kind_of(error)("the database did not take it") from error


class _UndoneError(UnavailableError):
    """The database preferred another writer to this one: worth another try."""


class _CutOffError(UnavailableError):
    """The connection is gone, and nobody knows whether a commit under way took effect."""


_UNDONE = ("40P01", "40001")
"""SQLSTATE of a deadlock and of a serialisation failure."""


def _kind_of(error: BaseException | None) -> type[UnavailableError]:
    """What to make of an error, by itself or by what the recorder made it from."""
    while error is not None:
        is_undone = getattr(getattr(error, "orig", None), "sqlstate", None) in _UNDONE
        if is_undone or isinstance(error, sa.IntegrityError):
            return _UndoneError
        if getattr(error, "connection_invalidated", False):
            return _CutOffError
        error = error.__cause__
    return UnavailableError


def _receipt(row: JournalRow, positions: tuple[int, ...]) -> Receipt:
    return Receipt(row.id, row.outcome, None, row.format, row.shop_id, row.mode, positions)


def _refusal(row: JournalRow) -> Receipt:
    return Receipt(row.id, QUARANTINED, row.reason, row.format, row.shop_id, row.mode)


def _row_of(delivery: Delivery, *, outcome: str, **told: Any) -> JournalRow:
    """A delivery as it arrived, with what was found out about it."""
    return JournalRow(
        id=delivery.id,
        received_at=delivery.received_at,
        outcome=outcome,
        digest=delivery.digest,
        content_type=delivery.content_type,
        peer=delivery.peer,
        endpoint_shop_id=delivery.shop_id,
        endpoint_mode=delivery.mode,
        body=delivery.body,
        **told,
    )


def _verified_row(
    notification: Notification, told: Told, now: datetime, readmitted: JournalRow | None
) -> JournalRow:
    return _row_of(
        notification.delivery,
        outcome=RECORDED,
        recorded_at=now,
        format=notification.format,
        shop_id=notification.shop_id,
        mode=notification.mode,
        source=notification.source,
        reason=None if readmitted is None else readmitted.reason,
        signed_digest=notification.signed_digest,
        key_fingerprint=notification.key_fingerprint,
        told_at=told.told_at,
    )


def delivery_of(row: JournalRow) -> Delivery:
    """A delivery as it arrived, from what was kept of it."""
    return Delivery(
        id=row.id,
        received_at=row.received_at,
        body=row.body or b"",
        content_type=row.content_type,
        peer=row.peer,
        shop_id=row.endpoint_shop_id,
        mode=row.endpoint_mode,
    )


def _occasion(row: JournalRow, told: Told, *, is_readmitted: bool) -> Occasion:
    assert row.recorded_at is not None
    return Occasion(
        notification_id=row.id,
        shop_id=told.shop_id,
        mode=told.mode,
        received_at=row.received_at,
        recorded_at=row.recorded_at,
        told_at=told.told_at,
        source=told.source,
        rule=told.rule,
        rule_certainty=told.rule_certainty,
        is_readmitted=is_readmitted,
    )
