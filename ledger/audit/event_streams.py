"""Checks each event against its stream, and against the delivery it came from."""

from collections.abc import Sequence
from functools import partial

from sqlalchemy import Connection, text

from ledger.aggregates.event_catalogue import EVENT_CLASSES
from ledger.audit.fault import CheckResult
from ledger.audit.joined_streams import check_joins, check_names
from ledger.audit.rederivation import (
    UNREADABLE_STATE,
    claimed_stream,
    decode,
    is_transaction,
    unknown_fields,
)
from ledger.audit.stored_rows import (
    UNREADABLE,
    StoredEvent,
    events_between,
    outcome_and_positions,
    read_positions,
)
from ledger.ipn.snapshots import undeclared
from ledger.storage.database import Database
from ledger.storage.event_store import EventStore
from ledger.storage.outcomes import Outcome

PAGE = 1_000


def check_streams(database: Database, after: int, until: int) -> CheckResult:
    """Check every event above position `after`, up to and with `until`."""
    result = CheckResult()
    event_store = EventStore(database)
    with database.connect() as connection:
        for begin in range(after, until, PAGE):
            events = events_between(connection, begin, min(begin + PAGE, until))
            for stored_event in events:
                _check_event(stored_event, result)
            _check_origins(connection, events, result)
            check_names(connection, events, result)
            check_joins(event_store, connection, events, result)
            result.checked += len(events)
        _check_versions(connection, after, until, result)
    return result


def _check_event(stored_event: StoredEvent, result: CheckResult) -> None:
    add = partial(result.add, stored_event.position, str(stored_event.topic))
    if stored_event.topic not in EVENT_CLASSES:
        add("topic-unknown", "no event class has it")
        return
    try:
        record = decode(stored_event)
        unknown = unknown_fields(stored_event)
        claimed = claimed_stream(record).hex
        is_named = is_transaction(record)  # by any of its names
    except UNREADABLE_STATE as error:
        add("state-unreadable", type(error).__name__)
        return
    if unknown:
        add("event-differs", f"unknown: {', '.join(unknown)}")
    if facts := undeclared(record.facts, EVENT_CLASSES[stored_event.topic].FACTS):
        add("fact-unknown", ", ".join(facts))
    if claimed != stored_event.originator_id and not is_named:
        add("stream", f"stands in {stored_event.originator_id}, belongs to {claimed}")


def _check_origins(
    connection: Connection, stored_events: Sequence[StoredEvent], result: CheckResult
) -> None:
    origins = outcome_and_positions(connection, list({event.origin_id for event in stored_events}))
    for event in stored_events:
        add = partial(result.add, event.position, f"origin {event.origin_id}")
        outcome, listed = origins.get(event.origin_id, (None, []))
        if outcome is None:
            add("notification-missing", f"of {event.topic}")
        elif outcome != Outcome.RECORDED or not _is_listed(event.position, listed):
            add("not-listed", f"it is {outcome}, of {event.topic}")


def _is_listed(position: int, listed: object) -> bool:
    try:
        return position in read_positions(listed)
    except UNREADABLE:
        return False  # the delivery's own check says what is wrong with it


_VERSIONS = text(
    "SELECT e.position, e.topic, e.originator_version AS version, p.position AS before"
    " FROM events e LEFT JOIN events p ON p.originator_id = e.originator_id"
    " AND p.originator_version = e.originator_version - 1"
    " WHERE e.position > :after AND e.position <= :until AND (e.originator_version < 1 OR"
    " (e.originator_version > 1 AND (p.position IS NULL OR p.position >= e.position)))"
    " ORDER BY e.position"
)
"""Finds events whose predecessor in the stream is missing or stands later."""


def _check_versions(connection: Connection, after: int, until: int, result: CheckResult) -> None:
    for row in connection.execute(_VERSIONS, {"after": after, "until": until}):
        add = partial(result.add, row.position, row.topic)
        if row.before is None:
            add("version", f"version {row.version} without version {row.version - 1}")
        else:
            detail = f"version {row.version} stands before version {row.version - 1}"
            add("append-order", f"{detail} at {row.before}")
