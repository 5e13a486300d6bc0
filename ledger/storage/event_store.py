"""The event store: histories of streams, the whole log in order, and new events to be appended."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, takewhile
from operator import attrgetter
from uuid import UUID

from sqlalchemy import Connection

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.aggregates.transaction import Transaction
from ledger.errors import NotFoundError
from ledger.ipn.snapshots import Fact
from ledger.storage.database import Database
from ledger.storage.erased import ErasureMark
from ledger.storage.event_mapper import AnyStoredEvent, Entry, EventMapper, StoredEntry
from ledger.storage.event_recorder import EventRecorder, read_positions, read_streams
from ledger.storage.outcomes import Sealed

STREAMS_MAX = 1024
"""Streams that one statement reads; a database takes only so many parameters."""


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One event with its place in the whole ledger.

    Shape: `counted` is its place in a history of two streams, which has versions of its own.
    `sealed` says where it stands with what it says beside facts and harmless details; `erasure`
    by what that was erased.
    """

    position: int
    event: LedgerAggregate.Event
    counted: int | None = None
    origin_id: str | None = None
    part: int | None = None
    sealed: Sealed = Sealed.NOTHING
    erasure: ErasureMark | None = None

    @property
    def version(self) -> int:
        """Return its place in the history of its object."""
        return self.counted or self.event.originator_version


class EventStore(EventRecorder):
    """Reads events in the domain's own classes, and encodes new ones for the write strategies."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._mapper = EventMapper()

    def history(self, id_: UUID, *, as_of: datetime | None = None) -> list[RecordedEvent]:
        """Return every event of one object in order, as known at `as_of`. Errors: NotFoundError.

        Shape: `id_` is that of its stream, or of one that it has joined.
        """
        (events,) = self.load([id_], as_of=as_of).values()
        if not events:
            has = "had this name by then" if as_of else "has this name"
            raise NotFoundError(f"not found: nothing in this ledger {has}")
        return events

    def load(
        self,
        ids: Sequence[UUID],
        *,
        as_of: datetime | None = None,
        until: int | None = None,
        connection: Connection | None = None,
    ) -> dict[UUID, list[RecordedEvent]]:
        """Read the events of many objects at once; none for a stream that was not known then.

        Shape: by the stream in which an object goes on; a joined one has the events of both.
        `until` is the last position that counts.
        """
        with nullcontext(connection) if connection else self._database.single() as reader:
            streams = self._read_known(reader, ids, as_of, until)
            for linked in (_following, _joined):
                missing = [id_ for id_ in linked(streams.values()) if id_ not in streams]
                streams |= self._read_known(reader, missing, as_of, until)
        return _histories(streams)

    def whole(self, connection: Connection, entries: Sequence[Entry]) -> list[RecordedEvent]:
        """Return the events of a stream, and with details those of the streams that joined it."""
        history = list(map(self.decode, entries))
        joined = _joined([history])
        if not joined:
            return history
        entries_by_stream = read_streams(connection, joined, with_details=True)
        streams = {id_: list(map(self.decode, own)) for id_, own in entries_by_stream.items()}
        return _in_one_history(history, streams)

    def _read_known(
        self,
        connection: Connection,
        ids: Sequence[UUID],
        as_of: datetime | None,
        until: int | None,
    ) -> dict[UUID, list[RecordedEvent]]:
        streams: dict[UUID, list[RecordedEvent]] = {}
        for start in range(0, len(ids), STREAMS_MAX):
            chunk = ids[start : start + STREAMS_MAX]
            for id_, entries in read_streams(connection, chunk, with_details=True).items():
                known = [entry for entry in entries if until is None or entry.id <= until]
                streams[id_] = _recorded_by(list(map(self.decode, known)), as_of)
        return streams

    def events_after(
        self, position: int, limit: int, *, stop: int | None = None, topics: Sequence[str] = ()
    ) -> list[RecordedEvent]:
        """Read the next events of the log in order; never skip one that commits later."""
        entries = self.select_notifications(position, limit, stop, topics, inclusive_of_start=False)
        return [self.decode(entry) for entry in entries]

    def facts_at(
        self, connection: Connection, positions: Sequence[int]
    ) -> dict[int, Mapping[str, Fact | None]]:
        """Return the facts of the events at these positions, by position."""
        entries = read_positions(connection, positions)
        return {entry.id: self.decode(entry).event.facts for entry in entries}

    def decode(self, entry: Entry) -> RecordedEvent:
        """Turn a stored event into one of the domain, at its current version."""
        sealed = Sealed.NOTHING if entry.part is None else Sealed.CLOSED
        event = self.event_of(entry)
        return RecordedEvent(entry.id, event, None, entry.origin_id, entry.part, sealed)

    def event_of(self, stored_event: AnyStoredEvent) -> LedgerAggregate.Event:
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
    """Return the state after these events, of one stream or of two that are joined."""
    aggregate: LedgerAggregate | None = None
    for recorded in events:
        aggregate = recorded.event.mutate(aggregate)
    return aggregate


def known_by(
    events: Sequence[RecordedEvent], as_of: datetime | None
) -> dict[UUID, list[RecordedEvent]]:
    """Return what was known then of an object, by stream; all of it without an instant.

    Shape: one history, unless the object had two streams then that were not joined yet.
    """
    streams: dict[UUID, list[RecordedEvent]] = {}
    for recorded in events:
        streams.setdefault(recorded.event.originator_id, []).append(recorded)
    return _histories({id_: _recorded_by(own, as_of) for id_, own in streams.items()})


def _recorded_by(events: Sequence[RecordedEvent], as_of: datetime | None) -> list[RecordedEvent]:
    if as_of is None:
        return list(events)
    return list(takewhile(lambda recorded: recorded.event.timestamp <= as_of, events))


def _histories(
    streams: Mapping[UUID, Sequence[RecordedEvent]],
) -> dict[UUID, list[RecordedEvent]]:
    """Return the histories that streams make, by the stream in which each goes on."""
    return {
        id_: _in_one_history(events, streams)
        for id_, events in streams.items()
        if not _following([events])
    }


def _following(streams: Iterable[Sequence[RecordedEvent]]) -> list[UUID]:
    """Return the streams in which those that have ended go on."""
    last_events = [events[-1].event for events in streams if events]
    return [UUID(last.other_id) for last in last_events if isinstance(last, Transaction.Continued)]


def _joined(streams: Iterable[Sequence[RecordedEvent]]) -> list[UUID]:
    """Return the streams that have joined these."""
    events = (recorded.event for recorded in chain.from_iterable(streams))
    return [UUID(event.other_id) for event in events if isinstance(event, Transaction.Joined)]


def _in_one_history(
    events: Sequence[RecordedEvent], streams: Mapping[UUID, Sequence[RecordedEvent]]
) -> list[RecordedEvent]:
    """Return the events of a stream and of those that have joined it, counted over all."""
    joined = [streams[id_] for id_ in _joined([events])]
    in_order = sorted(chain(events, *joined), key=attrgetter("position"))
    return [
        replace(recorded, counted=number if joined else None)
        for number, recorded in enumerate(in_order, start=1)
    ]
