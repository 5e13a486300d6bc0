"""Fold what a ledger holds from its events, to be compared with another ledger's."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from ledger.application import Ledger
from ledger.queries.readable import readable_events
from ledger.queries.state import current_state
from ledger.storage.event_store import RecordedEvent

NOT_STATE = (
    *("version", "first_seen_at", "last_changed_at", "late_news"),
    *("details", "personal"),
)
"""What depends on when and in how many notifications something was learned, not on what."""

PAGE_SIZE = 1000


def every_event(ledger: Ledger) -> Iterable[RecordedEvent]:
    """Yield the whole event log, in order."""
    position = 0
    while page := readable_events(ledger, ledger.events.events_after(position, PAGE_SIZE)):
        yield from page
        position = page[-1].position


def streams(ledger: Ledger) -> dict[UUID, list[RecordedEvent]]:
    """Return the events of every stream."""
    events_by_stream: dict[UUID, list[RecordedEvent]] = {}
    for recorded in every_event(ledger):
        events_by_stream.setdefault(recorded.event.originator_id, []).append(recorded)
    return events_by_stream


def versions(ledger: Ledger) -> dict[UUID, list[int]]:
    """Return the version numbers of every stream's events."""
    return {
        id_: [recorded.event.originator_version for recorded in events]
        for id_, events in streams(ledger).items()
    }


def states(ledger: Ledger) -> dict[UUID, dict[str, Any]]:
    """Return every object as it stands at the end."""
    return {id_: state(events) for id_, events in streams(ledger).items()}


def state(events: list[RecordedEvent]) -> dict[str, Any]:
    """Return one object as it stands after these events, without what depends on arrival."""
    return {name: value for name, value in current_state(events).items() if name not in NOT_STATE}
