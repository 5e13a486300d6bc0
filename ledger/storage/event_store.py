"""The event store: histories of streams, the whole log in order, and new events to be appended."""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from uuid import UUID

from sqlalchemy import Connection

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.errors import NotFoundError
from ledger.storage.database import Database
from ledger.storage.event_mapper import Entry, EventMapper, StoredEntry
from ledger.storage.event_recorder import EventRecorder, read_streams

STREAMS_MAX = 1024
"""Streams that one statement reads; a database takes only so many parameters."""


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One event with its place in the whole ledger."""

    position: int
    event: LedgerAggregate.Event


class EventStore(EventRecorder):
    """Reads events in the domain's own classes, and encodes new ones for the write strategies."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._mapper = EventMapper()

    def history(self, id_: UUID, *, as_of: datetime | None = None) -> list[RecordedEvent]:
        """Return every event of one stream in order, as known at `as_of`. Errors: NotFoundError."""
        events = self.load([id_], as_of=as_of)[id_]
        if not events:
            raise NotFoundError("nothing is known about it" + (" by then" if as_of else ""))
        return events

    def load(
        self,
        ids: Sequence[UUID],
        *,
        as_of: datetime | None = None,
        connection: Connection | None = None,
    ) -> dict[UUID, list[RecordedEvent]]:
        """Read the events of many streams at once; none for a stream that was not known then."""
        events_by_stream: dict[UUID, list[RecordedEvent]] = {}
        for start in range(0, len(ids), STREAMS_MAX):
            chunk = ids[start : start + STREAMS_MAX]
            with nullcontext(connection) if connection else self._database.single() as reader:
                streams = read_streams(reader, chunk, with_details=True)
            for id_, entries in streams.items():
                events_by_stream[id_] = known_by([self.decode(entry) for entry in entries], as_of)
        return events_by_stream

    def events_after(
        self, position: int, limit: int, *, stop: int | None = None, topics: Sequence[str] = ()
    ) -> list[RecordedEvent]:
        """Read the next events of the log in order; never skip one that commits later."""
        entries = self.select_notifications(position, limit, stop, topics, inclusive_of_start=False)
        return [self.decode(entry) for entry in entries]

    def decode(self, entry: Entry) -> RecordedEvent:
        """Turn a stored event into one of the domain, at its current version."""
        return RecordedEvent(entry.id, self.event_of(entry))

    def event_of(self, stored_event: Entry | StoredEntry) -> LedgerAggregate.Event:
        """Turn stored bytes into an event of the domain, at its current version."""
        event = self._mapper.to_domain_event(stored_event)
        assert isinstance(event, LedgerAggregate.Event)
        return event

    def encode(self, aggregates: Iterable[LedgerAggregate]) -> list[StoredEntry]:
        """Collect the new events of aggregates and encode them, in the order they were decided."""
        return [
            self._mapper.to_stored_event(event)
            for aggregate in aggregates
            for event in aggregate.collect_events()
        ]


def fold(events: Iterable[RecordedEvent]) -> LedgerAggregate | None:
    """Return the state after these events."""
    aggregate: LedgerAggregate | None = None
    for recorded in events:
        aggregate = recorded.event.mutate(aggregate)
    return aggregate


def known_by(events: Sequence[RecordedEvent], as_of: datetime | None) -> list[RecordedEvent]:
    """Return the beginning of a stream that was recorded by then; all of it without an instant."""
    if as_of is None:
        return list(events)
    return list(takewhile(lambda recorded: recorded.event.timestamp <= as_of, events))
