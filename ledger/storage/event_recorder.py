"""The event log: appends events, reads streams, and follows the log without missing any."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from typing import Any
from uuid import UUID

from eventsourcing.persistence import (
    ApplicationRecorder,
    Notification,
    StoredEvent,
    Subscription,
)
from sqlalchemy import Connection, Row, Select, bindparam, func, insert, select

from ledger.storage.database import Database, padded
from ledger.storage.database_errors import library_errors
from ledger.storage.event_mapper import Entry
from ledger.storage.high_water_mark import HighWaterMark
from ledger.storage.tables import events

POLL_SECONDS = 0.1
PAGE = 500


class EventRecorder(ApplicationRecorder):
    """Stores events under positions that only grow, on SQLite and PostgreSQL alike.

    Errors: those of `eventsourcing.persistence`; IntegrityError means that another writer has
    taken a version of the stream (reload and decide again, in a new transaction).
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._high_water_mark = HighWaterMark(database)

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        connection: Connection | None = None,
        notification_id: str | None = None,
        **kwargs: Any,
    ) -> list[int]:
        """Append events in the caller's transaction, or in one of their own.

        The library's interface, which its acceptance tests hold; this service uses `append`.
        Shape: their positions, in the order of the events given.
        """
        if not stored_events:
            return []
        with library_errors():
            new_events = [(event, notification_id) for event in stored_events]
            if connection is not None:
                return _append(connection, new_events)
            with self._database.begin() as own:
                return _append(own, new_events)

    def append(
        self, connection: Connection, new_events: Sequence[tuple[StoredEvent, str]]
    ) -> list[int]:
        """Append events of several notifications in the caller's transaction.

        Shape: pairs of event and notification id; their positions, in the order given.
        """
        with library_errors():
            return _append(connection, new_events) if new_events else []

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> list[StoredEvent]:
        """Read one stream in version order."""
        version = events.c.originator_version
        query = select(events).where(events.c.originator_id == _uuid(originator_id))
        if gt is not None:
            query = query.where(version > gt)
        if lte is not None:
            query = query.where(version <= lte)
        query = query.order_by(version.desc() if desc else version).limit(limit)
        with library_errors(), self._database.single() as connection:
            return [_stored_event(row) for row in connection.execute(query)]

    def select_streams(
        self,
        originator_ids: Sequence[UUID],
        connection: Connection | None = None,
        *,
        with_details: bool = False,
    ) -> dict[UUID, list[Entry]]:
        """Read many streams at once. Shape: one list per id asked, in version order."""
        streams: dict[UUID, list[Entry]] = {id_: [] for id_ in originator_ids}
        if not streams:
            return streams
        query = _STREAMS_WITH_DETAILS if with_details else _STREAMS
        with library_errors(), self._reading(connection) as reader:
            for row in reader.execute(query, {"ids": padded(list(streams))}):
                streams[row.originator_id].append(_entry(row))
        return streams

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> list[Entry]:
        """Read the log in position order, never past a position that may still be filled."""
        after = 0 if start is None else start - 1 if inclusive_of_start else start
        if self._database.is_sqlite:
            return self._read(after, stop, topics, limit)
        safe = self._high_water_mark.safe
        until = safe if stop is None else min(stop, safe)
        entries = self._read(after, until, topics, limit) if after < until else []
        if len(entries) < limit and (stop is None or stop > until):
            after = max(after, until)
            complete = self.high_water_mark(after=after) or 0
            until = complete if stop is None else min(stop, complete)
            entries += self._read(after, until, topics, limit - len(entries))
        return entries

    def high_water_mark(self, after: int | None = None) -> int | None:
        """Return the position up to which the log is complete. Shape: as `HighWaterMark.read`."""
        with library_errors():
            return self._high_water_mark.read(after)

    def max_notification_id(self) -> int | None:
        """Return the newest visible position. Shape: as `HighWaterMark.newest`."""
        with library_errors():
            return self._high_water_mark.newest()

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> "PollingSubscription":
        """Follow the log: yield what is there, then wait for more, until it is stopped.

        The library's interface; this service asks for `select_notifications` itself.
        """
        return PollingSubscription(self, gt=gt, topics=topics)

    def _read(
        self, after: int, until: int | None, topics: Sequence[str], limit: int
    ) -> list[Entry]:
        position = events.c.position
        query = select(events).where(position > after).order_by(position).limit(limit)
        if until is not None:
            query = query.where(position <= until)
        if topics:
            query = query.where(events.c.topic.in_(topics))
        with library_errors(), self._database.connect() as connection:
            return [_entry(row) for row in connection.execute(query)]

    @contextmanager
    def _reading(self, connection: Connection | None) -> Iterator[Connection]:
        if connection is not None:
            yield connection
        else:
            with self._database.single() as own:
                yield own


def lock_streams(connection: Connection, originator_ids: Sequence[UUID]) -> None:
    """Stand in line with other writers of these streams until the transaction ends.

    SQLite has one line for all writers already.
    """
    if connection.dialect.name == "sqlite":
        return
    for lock in sorted({id_.int % 2**63 for id_ in originator_ids}):
        connection.execute(select(func.pg_advisory_xact_lock(lock)))


class PollingSubscription(Subscription[EventRecorder]):
    """Follows the log by asking again: the same on both databases, and no load on writers."""

    def __init__(
        self, recorder: EventRecorder, gt: int | None = None, topics: Sequence[str] = ()
    ) -> None:
        super().__init__(recorder, gt=gt, topics=topics)
        self._position = gt or 0
        self._page: Iterator[Notification] = iter(())
        self._stopped = Event()

    def stop(self) -> None:
        """End the iteration, also when it is waiting in another thread."""
        super().stop()
        self._stopped.set()

    def __next__(self) -> Notification:
        while not self._stopped.is_set():
            entry = next(self._page, None)
            if entry is not None:
                return entry
            if not self._turn_page():
                self._stopped.wait(POLL_SECONDS)
        raise StopIteration

    def _turn_page(self) -> bool:
        until = self._recorder.high_water_mark(after=self._position)
        if until is None or until <= self._position:
            return False
        page = self._recorder.select_notifications(
            self._position, PAGE, stop=until, topics=self._topics, inclusive_of_start=False
        )
        self._page = iter(page)
        # A short page has seen everything up to `until`, also what its topics passed over.
        self._position = page[-1].id if len(page) == PAGE else until
        return bool(page)


def _append(
    connection: Connection, new_events: Sequence[tuple[StoredEvent, str | None]]
) -> list[int]:
    return list(connection.scalars(_APPEND, [event_row(*event) for event in new_events]))


def event_row(event: StoredEvent, notification_id: str | None) -> dict[str, Any]:
    """Make the row of an event. Shape: the columns of `events` but its position."""
    return {
        "originator_id": _uuid(event.originator_id),
        "originator_version": event.originator_version,
        "topic": event.topic,
        "state": event.state,
        "notification_id": notification_id,
        "details": getattr(event, "details", None),
    }


def _stored_event(row: Row[Any]) -> StoredEvent:
    return StoredEvent(row.originator_id, row.originator_version, row.topic, row.state)


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        row.originator_id,
        row.originator_version,
        row.topic,
        row.state,
        row.position,
        getattr(row, "details", None),
    )


def _streams(*columns: Any) -> Select[Any]:
    query = select(*columns).where(events.c.originator_id.in_(bindparam("ids", expanding=True)))
    return query.order_by(events.c.originator_id, events.c.originator_version)


_STREAMS = _streams(*(column for column in events.c if column.name != "details"))
_STREAMS_WITH_DETAILS = _streams(*events.c)
_APPEND = insert(events).returning(events.c.position, sort_by_parameter_order=True)


def _uuid(originator_id: UUID | str) -> UUID:
    return originator_id if isinstance(originator_id, UUID) else UUID(originator_id)
