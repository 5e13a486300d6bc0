"""What a ledger holds, folded from its events: to be compared with another ledger's."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from ledger.application import Ledger
from ledger.items import item
from ledger.storage.event_store import RecordedEvent

OF_THE_MOMENT = ("version", "first_seen_at", "last_changed_at", "details", "personal")
"""What depends on when and in how many pieces something was told, not on what was told."""

PAGE = 1000


def every_event(ledger: Ledger) -> Iterable[RecordedEvent]:
    """The whole log, in order."""
    position = 0
    while page := ledger.events.events_after(position, PAGE):
        yield from page
        position = page[-1].position


def streams(ledger: Ledger) -> dict[UUID, list[RecordedEvent]]:
    found: dict[UUID, list[RecordedEvent]] = {}
    for one in every_event(ledger):
        found.setdefault(one.event.originator_id, []).append(one)
    return found


def versions(ledger: Ledger) -> dict[UUID, list[int]]:
    return {
        id_: [one.event.originator_version for one in events]
        for id_, events in streams(ledger).items()
    }


def states(ledger: Ledger) -> dict[UUID, dict[str, Any]]:
    """How every object stands at the end."""
    return {id_: state(events) for id_, events in streams(ledger).items()}


def state(events: list[RecordedEvent]) -> dict[str, Any]:
    return {name: value for name, value in item(events).items() if name not in OF_THE_MOMENT}
