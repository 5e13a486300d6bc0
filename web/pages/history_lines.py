"""The lines of a history: event by event, as known at an instant, each with its evidence."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from heapq import nlargest
from operator import attrgetter
from typing import Any
from uuid import UUID

from ledger.aggregates.event_catalogue import SENTENCES
from ledger.ipn.snapshots import Fact
from ledger.ipn.statuses import REFUSED
from ledger.projections.money_outcomes import WAITING
from ledger.queries.evidence import Evidence, evidence_of
from ledger.queries.history import Change, TimelineEntry, history_data, timeline
from ledger.queries.state import State, current_state
from ledger.storage.event_store import RecordedEvent, known_by
from web.authentication import redact_for_reader
from web.context import ledger
from web.pages.languages import N_

LATE_FROM = timedelta(minutes=1)
"""An event that is recorded sooner than this after it happened is in time: calls take a moment."""
LINES_MAX = 200
"""Events on one page, the newest ones before a position; a page must stay readable."""

_MAIN = frozenset(
    {"status", "amount_minor", "capture_at", "captured_at", "payment_method", "schedule"}
)
"""The facts that a person looks for first in the event that an object began with."""

_NOT_YET = {
    "Payment accepted": N_("Payment registered, authorisation to come"),
    "Instalment accepted": N_("Instalment registered, authorisation to come"),
}


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One event as a reader sees it.

    Shape: `event_data` is the event as the reader's role may see it, `state` that of its object.
    """

    entry: TimelineEntry
    event_data: dict[str, Any]
    state: State
    evidence: Evidence | None

    @property
    def currency(self) -> str | None:
        """Return the currency of the amounts that changed."""
        return self.event_data["data"]["facts"].get("currency") or self.state.get("currency")

    @property
    def changes(self) -> list[Change]:
        """Return what the event changed; an instalment's own name before a fact is left out."""
        return list(map(_redacted, self.entry.telling_changes))

    @property
    def set_aside(self) -> list[Change]:
        """Return what the event reported without changing anything."""
        return list(map(_redacted, self.entry.set_aside))

    def is_main(self, change: Change) -> bool:
        """Return True if a person looks for this change first."""
        is_why = change.name == "authorisation_result" and self.status in REFUSED
        return change.before is not None or change.name in _MAIN or is_why

    @property
    def status(self) -> str | None:
        """Return the status that its object reached; None when that stayed as it was."""
        return next((str(change.after) for change in self.changes if change.name == "status"), None)

    @property
    def sentence(self) -> str:
        """Return what happened in a sentence."""
        return sentence_of(self.entry.sentence, self.entry.event.facts)

    @property
    def instalment(self) -> dict[str, Fact | None] | None:
        """Return the instalment that it is about; its number is not always known."""
        facts = self.entry.event.facts
        is_of_one = ".instalment-" in self.entry.event.TOPIC and "transaction_uuid" in facts
        return {"number": None} | facts if is_of_one else None

    @property
    def known_after_seconds(self) -> float | None:
        """Return how much later it was recorded than it happened; None when that was in time."""
        after = self.entry.known_after_seconds
        return None if after is None or after < LATE_FROM.total_seconds() else after

    @property
    def has_waited(self) -> bool:
        """Return True if it arrived long before it was recorded: it was in quarantine."""
        event = self.entry.event
        return event.timestamp - event.received_at >= LATE_FROM


def sentence_of(sentence: str, facts: Mapping[str, Fact | None]) -> str:
    """Return the sentence for an event with these facts: nothing is accepted while its
    authorisation waits."""
    return _NOT_YET.get(sentence, sentence) if facts.get("status") in WAITING else sentence


def _redacted(change: Change) -> Change:
    name = change.name.rpartition(" ")[2]
    seen = redact_for_reader({"before": change.before, "after": change.after})
    return replace(change, name=name, **seen)


@dataclass(frozen=True)
class KnownHistory:
    """The events of one object, or of several together, as known at an instant or now.

    Shape: `all_streams` has every event of each object, whatever the instant. A page shows the
    newest events before the position `before`; None is the end. `only` says which stream is meant
    when two of them were not joined yet.
    """

    all_streams: Sequence[Sequence[RecordedEvent]]
    at: datetime | None = None
    before: int | None = None
    only: UUID | None = None

    @cached_property
    def streams(self) -> list[list[RecordedEvent]]:
        """Return what was known of each stream; those of which nothing was known are left out."""
        histories = (known_by(events, self.at) for events in self.all_streams)
        return [
            events
            for history in histories
            for id_, events in history.items()
            if events and (len(history) == 1 or self.only in (None, id_))
        ]

    @cached_property
    def states(self) -> list[State]:
        """Return the state of each object, in the order of `streams`."""
        return [current_state(events) for events in self.streams]

    @property
    def count(self) -> int:
        """Return how many events were known."""
        return sum(len(events) for events in self.streams)

    @property
    def later_count(self) -> int:
        """Return how many events became known only after that instant."""
        return sum(len(events) for events in self.all_streams) - self.count

    @property
    def left_out_count(self) -> int:
        """Return how many of the oldest events a page leaves out."""
        return sum(position < self.first_shown for position in self._positions())

    @property
    def position(self) -> int:
        """Return the position of the newest event that was known."""
        return max(events[-1].position for events in self.streams)

    @property
    def first_at(self) -> datetime:
        """Return when the first of all events became known, whatever the instant."""
        return min(events[0].event.timestamp for events in self.all_streams)

    @cached_property
    def steps(self) -> list[tuple[datetime, str]]:
        """Return every instant at which something became known, oldest first, with a sentence."""
        events = [recorded.event for stream in self.all_streams for recorded in stream]
        events.sort(key=attrgetter("timestamp"))
        sentences = {event.timestamp: SENTENCES[type(event)] for event in events[-LINES_MAX:]}
        return list(sentences.items())

    @property
    def step(self) -> int:
        """Return the place among `steps` of what is shown."""
        if self.at is None:
            return len(self.steps) - 1
        return max(0, sum(at <= self.at for at, _ in self.steps) - 1)

    @cached_property
    def first_shown(self) -> int:
        """Return the position of the oldest event on the page."""
        return min(nlargest(LINES_MAX, filter(self._is_before, self._positions())), default=0)

    def _positions(self) -> Iterator[int]:
        return (recorded.position for events in self.streams for recorded in events)

    def _is_before(self, position: int) -> bool:
        return self.before is None or position < self.before

    def lines(self) -> list[HistoryLine]:
        """Return the events in the order in which they were recorded, each verified again."""
        entries = [
            (entry, redact_for_reader(state))
            for events, state in zip(self.streams, self.states, strict=True)
            if events[-1].position >= self.first_shown  # else none of its events is shown
            for entry in timeline(events)
            if entry.position >= self.first_shown and self._is_before(entry.position)
        ]
        newest = sorted(entries, key=lambda pair: pair[0].position)
        recorded = [entry.recorded for entry, _ in newest]
        evidence = evidence_of(ledger(), recorded)
        return [
            HistoryLine(
                entry, redact_for_reader(history_data(entry)), state, evidence.get(entry.position)
            )
            for entry, state in newest
        ]
