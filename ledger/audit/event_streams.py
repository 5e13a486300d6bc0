"""Checks each event against its stream, and against the delivery it came from."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from ledger.aggregates.event_catalogue import EVENT_CLASSES
from ledger.audit.fault import CheckResult
from ledger.audit.rederivation import UNREADABLE_STATE, claimed_stream, decode, unknown_fields
from ledger.audit.stored_rows import (
    UNREADABLE,
    StoredEvent,
    events_between,
    outcome_and_positions,
    read_positions,
)
from ledger.storage.outcomes import Outcome

PAGE = 1_000


@dataclass(frozen=True, slots=True)
class PositionRange:
    """The events above position `after`, up to and with `until`."""

    after: int
    until: int


def check_streams(connection: Connection, scope: PositionRange) -> CheckResult:
    """Check every event of a range."""
    result = CheckResult()
    for after in range(scope.after, scope.until, PAGE):
        events = events_between(connection, after, min(after + PAGE, scope.until))
        for event in events:
            _check_event(event, result)
        _check_origins(connection, events, result)
        result.checked += len(events)
    _check_versions(connection, scope, result)
    return result


def _check_event(event: StoredEvent, result: CheckResult) -> None:
    if event.topic not in EVENT_CLASSES:
        result.add(event.position, str(event.topic), "topic-unknown", "no event class has it")
        return
    try:
        record = decode(event)
        unknown = unknown_fields(event)
        claimed = claimed_stream(record)
    except UNREADABLE_STATE as error:
        result.add(event.position, event.topic, "state-unreadable", type(error).__name__)
        return
    if unknown:
        result.add(event.position, event.topic, "event-differs", f"unknown: {', '.join(unknown)}")
    if claimed != event.originator_id:
        detail = f"stands in {event.originator_id}, tells of {claimed}"
        result.add(event.position, event.topic, "stream", detail)


def _check_origins(
    connection: Connection, events: Sequence[StoredEvent], result: CheckResult
) -> None:
    ids = {event.notification_id for event in events if event.notification_id is not None}
    deliveries = outcome_and_positions(connection, list(ids))
    for event in events:
        subject = f"notification {event.notification_id}"
        outcome, listed = deliveries.get(event.notification_id or "", (None, []))
        if outcome is None:
            result.add(event.position, subject, "notification-missing", f"of {event.topic}")
        elif outcome != Outcome.RECORDED or not _is_listed(event.position, listed):
            detail = f"it is {outcome}, of {event.topic}"
            result.add(event.position, subject, "not-listed", detail)


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


def _check_versions(connection: Connection, scope: PositionRange, result: CheckResult) -> None:
    for row in connection.execute(_VERSIONS, {"after": scope.after, "until": scope.until}):
        if row.before is None:
            detail = f"version {row.version} without version {row.version - 1}"
            result.add(row.position, row.topic, "version", detail)
        else:
            detail = f"version {row.version} stands before version {row.version - 1}"
            result.add(row.position, row.topic, "append-order", f"{detail} at {row.before}")
