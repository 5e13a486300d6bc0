"""The events of one object in order, each with the difference that it made."""

from bisect import insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from operator import attrgetter, itemgetter
from typing import Any

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.aggregates.event_catalogue import SENTENCES
from ledger.ipn.notification_rules import RULES
from ledger.ipn.snapshots import Fact
from ledger.queries.event_data import event_data, known_after_seconds
from ledger.queries.state import State, public_state
from ledger.storage.event_store import RecordedEvent


@dataclass(frozen=True, slots=True)
class Change:
    """One fact that an event changed. Shape: None before means that it was not known."""

    name: str
    before: Fact | None
    after: Fact | None


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One event of a history, with what it changed.

    Units: `known_after_seconds` is from when the platform says it happened to when we recorded it.
    """

    recorded: RecordedEvent
    sentence: str
    differences: tuple[Change, ...]
    known_after_seconds: float | None

    @property
    def position(self) -> int:
        return self.recorded.position

    @property
    def event(self) -> LedgerAggregate.Event:
        return self.recorded.event

    @property
    def rule_meaning(self) -> str:
        return RULES[self.event.rule].meaning

    @property
    def telling_changes(self) -> list[Change]:
        """Return the changes that say something new to a person."""
        return [change for change in self.differences if _is_telling(change, self.event)]

    @property
    def set_aside(self) -> list[Change]:
        """Return the facts that did not become the state: old, contradicting or doubtful."""
        event = self.event
        if event.moved is None or not (event.late or event.contradiction or event.doubtful):
            return []
        return [
            Change(name, None, fact)
            for name, fact in event.facts.items()
            if name in _PLAIN_FACTS and name not in (*event.moved, *(event.derived or ()))
        ]


_PLAIN_FACTS = ("status", "amount_minor", "capture_at", "request", "payment_method")


def _is_telling(change: Change, event: LedgerAggregate.Event) -> bool:
    if change.name == "reference" and getattr(event, "uuid", None):
        return False
    return not (change.name.endswith("transaction_uuid") and change.before is None)


def timeline(events: Sequence[RecordedEvent]) -> list[TimelineEntry]:
    """Return the events of a stream, each with the difference that it made."""
    entries = []
    aggregate: LedgerAggregate | None = None
    before: dict[str, Fact] = {}
    for recorded in events:
        event = recorded.event
        aggregate = event.mutate(aggregate)
        assert aggregate is not None
        after = known_facts(public_state(aggregate))
        changes = tuple(
            Change(name, before.get(name), fact)
            for name, fact in after.items()
            if before.get(name) != fact
        )
        sentence = SENTENCES[type(event)]
        entries.append(TimelineEntry(recorded, sentence, changes, known_after_seconds(event)))
        before = after
    return entries


def history_page(
    streams: Iterable[Sequence[RecordedEvent]], *, after: int, limit: int
) -> tuple[list[TimelineEntry], str | None]:
    """Return the next events of one object, or of several together, in the order of positions.

    Shape: those behind the position `after`, at most `limit`; and where the next page begins, None
    on the last one. Only the streams of these events are held.
    """
    nearest: list[tuple[int, Sequence[RecordedEvent]]] = []
    for events in streams:
        for recorded in events:
            if recorded.position > after:
                if len(nearest) > limit and recorded.position > nearest[-1][0]:
                    break
                insort(nearest, (recorded.position, events), key=itemgetter(0))
                del nearest[limit + 1 :]
    page = dict(nearest[:limit])
    held = {id(events): events for events in page.values()}.values()
    entries = [entry for events in held for entry in timeline(_until(events, max(page)))]
    shown = sorted((entry for entry in entries if entry.position in page), key=_position)
    return shown, str(shown[-1].position) if len(nearest) > limit else None


_position = attrgetter("position")


def _until(events: Sequence[RecordedEvent], position: int) -> list[RecordedEvent]:
    return [recorded for recorded in events if recorded.position <= position]


def opened_entries(
    entries: Sequence[TimelineEntry],
    opened: Callable[[Sequence[RecordedEvent]], list[RecordedEvent]],
) -> list[TimelineEntry]:
    """Return entries of a history with what is sealed in their events."""
    events = opened([entry.recorded for entry in entries])
    return [
        replace(entry, recorded=recorded) for entry, recorded in zip(entries, events, strict=True)
    ]


def names_in(streams: Iterable[Sequence[RecordedEvent]]) -> set[str]:
    """Return every name under which an object was reported: a transaction may have two."""
    return {recorded.event.reference for events in streams for recorded in events}


def history_data(entry: TimelineEntry) -> dict[str, Any]:
    """Return one event for a machine, with what it changed."""
    changes = [asdict(change) for change in entry.differences]
    return event_data(entry.recorded) | {"changes": changes}


def known_facts(state: State) -> dict[str, Fact]:
    """Return the known facts of a state, those of each attempt of an instalment under its name."""
    flat: dict[str, Fact] = {}
    for name, fact in state.items():
        if isinstance(fact, list):
            for attempt in fact:
                uuid = str(attempt["transaction_uuid"])  # a number can be tried more than once
                prefix = f"instalment {attempt.get('number') or ''} {uuid[:8]}".replace("  ", " ")
                flat |= {f"{prefix} {key}": cell for key, cell in known_facts(attempt).items()}
        elif fact is not None:
            flat[name] = fact
    return flat
