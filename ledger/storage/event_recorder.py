"""The event log: appends events, reads streams, and follows the log without missing any."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import takewhile
from threading import Event
from typing import Any, NamedTuple
from uuid import UUID

from eventsourcing.persistence import ApplicationRecorder, Notification, StoredEvent, Subscription
from sqlalchemy import Connection, bindparam, func, select

from ledger.storage.database import Database, padded
from ledger.storage.database_errors import library_errors
from ledger.storage.event_mapper import Entry
from ledger.storage.high_water_mark import HighWaterMark
from ledger.storage.prepared import PreparedQuery, insert_numbered
from ledger.storage.tables import events

POLL_SECONDS = 0.1
PAGE = 500
_POSITION_MAX = 2**63 - 1
NO_ORIGIN = ""
"""What events name that the library's interface has appended: this service always knows one."""


class NewEvent(NamedTuple):
    """An event to be appended. Shape: `part` is its number among the sealed parts of its origin."""

    stored_event: StoredEvent
    origin_id: str
    part: int | None = None


class EventRecorder(ApplicationRecorder):
    """Stores events under positions that only grow, on SQLite and PostgreSQL alike.

    The library's interface, which its acceptance tests hold. This service appends by
    `append_events` and reads streams by `read_streams`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._high_water_mark = HighWaterMark(database)

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        connection: Connection | None = None,
        origin_id: str = NO_ORIGIN,
        **kwargs: Any,
    ) -> list[int]:
        """Append events in the caller's transaction, or in one of their own.

        Shape: their positions, in the order of the events given.
        Errors: those of `eventsourcing.persistence`; IntegrityError means that another writer has
        taken a version of the stream (reload and decide again, in a new transaction).
        """
        new_events = [NewEvent(event, origin_id) for event in stored_events]
        opened = nullcontext(connection) if connection else self._database.begin()
        with library_errors(), opened as writer:
            return append_events(writer, new_events)

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
        query = select(*_STORED).where(events.c.originator_id == _uuid(originator_id))
        if gt is not None:
            query = query.where(version > gt)
        if lte is not None:
            query = query.where(version <= lte)
        query = query.order_by(version.desc() if desc else version).limit(limit)
        with self._database.single() as connection:
            return [StoredEvent(*row) for row in connection.execute(query)]

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
        after = (start or 0) - int(inclusive_of_start)
        last = _POSITION_MAX if stop is None else stop
        if self._database.is_sqlite:
            return self._read(after, last, topics, limit)
        until = min(last, self._high_water_mark.safe)
        entries = self._read(after, until, topics, limit) if after < until else []
        if len(entries) < limit and until < last:
            after = max(after, until)
            until = min(last, self.high_water_mark(after) or 0)
            entries += self._read(after, until, topics, limit - len(entries))
        return entries

    def high_water_mark(self, after: int | None = None) -> int | None:
        """Return the position up to which the log is complete. Shape: as `HighWaterMark.read`."""
        return self._high_water_mark.read(after)

    def proven_position(self) -> int:
        """Return a position up to which the log is complete. Shape: as `HighWaterMark.proven`."""
        return self._high_water_mark.proven()

    def newest_position(self) -> int | None:
        """Return the newest visible position; on PostgreSQL some below may not be filled yet."""
        return self._high_water_mark.newest()

    def is_copy(self) -> bool:
        """Return True on a standby, which may be behind what a reader has read elsewhere."""
        return self._high_water_mark.is_copy()

    def store_proven(self, position: int) -> None:
        """Let those who read a standby go on to a position that was proven here."""
        self._high_water_mark.store(position)

    max_notification_id = newest_position

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> "PollingSubscription":
        """Follow the log: yield what is there, then wait for more, until it is stopped."""
        return PollingSubscription(self, gt=gt, topics=topics)

    def _read(self, after: int, until: int, topics: Sequence[str], limit: int) -> list[Entry]:
        position = events.c.position
        query = select(*_ENTRY, *_DETAILS).where(position > after, position <= until)
        if topics:
            query = query.where(events.c.topic.in_(topics))
        with self._database.connect() as connection:
            result = connection.execute(query.order_by(position).limit(limit))
            return [Entry(*row) for row in result]


class PollingSubscription(Subscription[EventRecorder]):
    """Follows the log by asking again: the same on both databases, and no load on writers."""

    def __init__(
        self, recorder: EventRecorder, gt: int | None = None, topics: Sequence[str] = ()
    ) -> None:
        super().__init__(recorder, gt=gt, topics=topics)
        self._stopped = Event()
        self._entries = self._follow(gt or 0)

    def stop(self) -> None:
        """End the iteration, also when it is waiting in another thread."""
        super().stop()
        self._stopped.set()

    def __next__(self) -> Notification:
        return next(self._entries)

    def _follow(self, position: int) -> Iterator[Notification]:
        while not self._stopped.is_set():
            until = self._recorder.high_water_mark(after=position) or 0
            page = self._recorder.select_notifications(
                position, PAGE, stop=until, topics=self._topics, inclusive_of_start=False
            )
            yield from takewhile(lambda _: not self._stopped.is_set(), page)
            # A short page has seen everything up to `until`, also what its topics passed over.
            position = page[-1].id if len(page) == PAGE else max(position, until)
            if not page:
                self._stopped.wait(POLL_SECONDS)


def append_events(connection: Connection, new_events: Sequence[NewEvent]) -> list[int]:
    """Append events. Shape: positions, in the order given."""
    rows = [event_row(new_event) for new_event in new_events]
    return insert_numbered(connection, events, rows)


def event_row(new_event: NewEvent) -> dict[str, Any]:
    """Make the row of an event. Shape: the columns of `events` but its position."""
    stored_event = new_event.stored_event
    return {
        "originator_id": _uuid(stored_event.originator_id),
        "originator_version": stored_event.originator_version,
        "topic": stored_event.topic,
        "state": stored_event.state,
        "origin_id": new_event.origin_id,
        "details": getattr(stored_event, "details", None),
        "part": new_event.part,
    }


def read_streams(
    connection: Connection, originator_ids: Sequence[UUID], *, with_details: bool = False
) -> dict[UUID, list[Entry]]:
    """Read many streams at once. Shape: one list per id asked, in version order."""
    streams: dict[UUID, list[Entry]] = {id_: [] for id_ in originator_ids}
    query = _STREAMS_WITH_DETAILS if with_details else _STREAMS
    if streams:
        for row in query.rows(connection, ids=list(streams)):
            entry = Entry(*row)
            streams[row[0]].append(entry)
    return streams


def read_positions(connection: Connection, positions: Sequence[int]) -> list[Entry]:
    """Read the events at these positions, in no order."""
    query = select(*_ENTRY).where(events.c.position.in_(padded(positions)))
    return [Entry(*row) for row in connection.execute(query)] if positions else []


def lock_streams(connection: Connection, originator_ids: Sequence[UUID]) -> None:
    """Stand in line with other writers of these streams until the transaction ends.

    SQLite has one line for all writers already.
    """
    if connection.dialect.name == "sqlite":
        return
    for lock in sorted({id_.int % 2**63 for id_ in originator_ids}):
        connection.execute(select(func.pg_advisory_xact_lock(lock)))


def _uuid(originator_id: UUID | str) -> UUID:
    return originator_id if isinstance(originator_id, UUID) else UUID(originator_id)


_STORED = (events.c.originator_id, events.c.originator_version, events.c.topic, events.c.state)
_ENTRY = (*_STORED, events.c.position)
_SELECT_STREAMS = (
    select(*_ENTRY)
    .where(events.c.originator_id.in_(bindparam("ids", expanding=True)))
    .order_by(events.c.originator_id, events.c.originator_version)
)
_DETAILS = (events.c.details, events.c.origin_id, events.c.part)
_STREAMS = PreparedQuery(_SELECT_STREAMS)
_STREAMS_WITH_DETAILS = PreparedQuery(_SELECT_STREAMS.add_columns(*_DETAILS))
