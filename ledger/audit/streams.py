"""Holds each event against its stream, and against the delivery it came from."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from ledger.audit.fault import Found
from ledger.audit.retelling import UNREADABLE_STATE, stream_of, unknown_names, view_of
from ledger.audit.stored import UNREADABLE, StoredEvent, events_between, outcomes_of, positions
from ledger.storage.outcomes import Outcome
from ledger.vocabulary import EVENT_CLASSES

PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Streams:
    """A range of positions, from above `after` to `until`."""

    after: int
    until: int


def check_streams(connection: Connection, part: Streams) -> Found:
    """Check every event of a range."""
    found = Found()
    for after in range(part.after, part.until, PAGE):
        events = events_between(connection, after, min(after + PAGE, part.until))
        for one in events:
            _check_event(one, found)
        _check_origin(connection, events, found)
        found.checked += len(events)
    _check_versions(connection, part, found)
    return found


def _check_event(event: StoredEvent, found: Found) -> None:
    if event.topic not in EVENT_CLASSES:
        found.add(event.position, str(event.topic), "topic-unknown", "no event class has it")
        return
    try:
        view = view_of(event)
        unknown = unknown_names(event)
        claimed = stream_of(view)
    except UNREADABLE_STATE as error:
        found.add(event.position, event.topic, "state-unreadable", type(error).__name__)
        return
    if unknown:
        found.add(event.position, event.topic, "event-differs", f"unknown: {', '.join(unknown)}")
    if claimed != event.originator_id:
        told = f"stands in {event.originator_id}, tells of {claimed}"
        found.add(event.position, event.topic, "stream", told)


def _check_origin(connection: Connection, events: Sequence[StoredEvent], found: Found) -> None:
    ids = {one.notification_id for one in events if one.notification_id is not None}
    known = outcomes_of(connection, list(ids))
    for one in events:
        subject = f"notification {one.notification_id}"
        outcome, listed = known.get(one.notification_id or "", (None, []))
        if outcome is None:
            found.add(one.position, subject, "notification-missing", f"of {one.topic}")
        elif outcome != Outcome.RECORDED or not _is_listed(one.position, listed):
            found.add(one.position, subject, "not-listed", f"it is {outcome}, of {one.topic}")


def _is_listed(position: int, listed: object) -> bool:
    try:
        return position in positions(listed)
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
"""The event before each one in its stream, by the stream's own index."""


def _check_versions(connection: Connection, part: Streams, found: Found) -> None:
    for row in connection.execute(_VERSIONS, {"after": part.after, "until": part.until}):
        if row.before is None:
            told = f"version {row.version} without version {row.version - 1}"
            found.add(row.position, row.topic, "version", told)
        else:
            told = f"version {row.version} stands before version {row.version - 1}"
            found.add(row.position, row.topic, "append-order", f"{told} at {row.before}")
