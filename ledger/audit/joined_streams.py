"""Checks that each name of a transaction leads to its stream, and what joined streams hold."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from uuid import UUID

from sqlalchemy import Connection

from ledger.aggregates.transaction import Transaction
from ledger.audit.fault import CheckResult
from ledger.audit.rederivation import UNREADABLE_STATE, claimed_stream, decode, is_transaction
from ledger.audit.stored_rows import StoredEvent
from ledger.projections.engine.folding import decode_event
from ledger.storage.event_recorder import read_streams
from ledger.storage.event_store import EventStore, RecordedEvent
from ledger.storage.stream_names import streams_by_name


def check_names(
    connection: Connection, stored_events: Sequence[StoredEvent], result: CheckResult
) -> None:
    """Check that the name under which each event was reported leads to the stream it stands in."""
    claims = list(_claims(stored_events))
    stream_by_name = streams_by_name(connection, list({claimed for _, claimed in claims}))
    for stored_event, claimed in claims:
        add = partial(result.add, stored_event.position, str(stored_event.topic))
        stream_id = stream_by_name.get(claimed)
        if stream_id is None:
            add("stream", f"stands in {stored_event.originator_id}, but its name leads nowhere")
        elif stored_event.originator_id not in _ways(connection, stream_id, stored_event):
            add("stream", f"stands in {stored_event.originator_id}, belongs to {stream_id.hex}")


def check_joins(
    event_store: EventStore,
    connection: Connection,
    stored_events: Sequence[StoredEvent],
    result: CheckResult,
) -> None:
    """Check that an event that joins two streams says what both reported before it."""
    for stored_event in stored_events:
        if stored_event.topic == Transaction.Joined.TOPIC:
            with suppress(*UNREADABLE_STATE):  # its own check says what is wrong with it
                for difference in _differences(event_store, connection, stored_event):
                    result.add(
                        stored_event.position, str(stored_event.topic), "event-differs", difference
                    )


def _claims(stored_events: Sequence[StoredEvent]) -> Iterator[tuple[StoredEvent, UUID]]:
    """Yield the events of transactions, each with the id of its name."""
    for stored_event in stored_events:
        with suppress(*UNREADABLE_STATE):
            record = decode(stored_event)
            if is_transaction(record):
                yield stored_event, claimed_stream(record)


def _ways(connection: Connection, stream_id: UUID, stored_event: StoredEvent) -> Iterator[str]:
    """Yield the stream that a name leads to, and the one in which that goes on."""
    yield stream_id.hex
    for last in read_streams(connection, [stream_id])[stream_id][-1:]:
        if last.topic == Transaction.Continued.TOPIC and last.id < stored_event.position:
            stored = last.id, stream_id.hex, last.originator_version, last.topic, last.state
            with suppress(*UNREADABLE_STATE):  # its own check says what is wrong with it
                yield decode_event(stored).other_id


def _differences(
    event_store: EventStore, connection: Connection, stored_event: StoredEvent
) -> Iterator[str]:
    record = decode(stored_event)
    own_id, other_id = UUID(stored_event.originator_id), UUID(record.other_id)
    streams = read_streams(connection, [own_id, other_id])
    before = [each for each in streams[own_id] if each.originator_version < stored_event.version]
    own = _transaction(own_id, event_store.whole(connection, before))
    other = _transaction(other_id, map(event_store.decode, streams[other_id]))
    if own.is_doubtful:
        own.forget()
    if own.facts_joined_with(other) != record.facts:
        yield "its facts are not those of both streams"
    stated = (record.other_version, record.other_late, record.other_contradictions)
    if stated != (other.version, other.late_count, other.contradiction_count):
        yield "the other stream adds up to something else"


def _transaction(id_: UUID, events: Iterable[RecordedEvent]) -> Transaction:
    transaction = Transaction.initial(id_)
    for recorded in events:
        recorded.event.mutate(transaction)
    return transaction
