"""A history as a page tells it: event by event, as known then, each with its evidence."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import Any

from ledger.evidence import Evidence, evidence_of
from ledger.formats.snapshot import Fact
from ledger.items import Item, instant, item
from ledger.storage.event_store import RecordedEvent, known_by
from ledger.timeline import TimelineEntry, history_data, timeline
from ledger.vocabulary import SENTENCES
from web.context import ledger
from web.security import shown

LATE_FROM = timedelta(minutes=1)
"""What we know sooner than this was known in time: calls take a moment."""
ENTRIES_MAX = 500
"""Events on one page, the newest ones; a page must stay readable."""
PROVEN_AT_ONCE = 25
"""Events whose deliveries are read and verified in one go while a page is on its way."""


_MAIN = frozenset(
    {"status", "amount_minor", "capture_at", "captured_at", "payment_method", "schedule"}
)
"""What a person looks for first in what an object began with."""


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that an event changed. Shape: `name` is that of the fact alone; `is_main` says
    whether a person looks for it first."""

    name: str
    before: Fact | None
    after: Fact | None
    is_main: bool


@dataclass(frozen=True, slots=True)
class Step:
    """An instant at which something became known."""

    at: datetime
    sentence: str

    @property
    def asked(self) -> str:
        """The instant as an address names it."""
        return instant(self.at)


@dataclass(frozen=True, slots=True)
class Line:
    """One event as a reader sees it.

    Shape: `told` is the event as its role may see it, `of` the object that it is about.
    """

    entry: TimelineEntry
    told: dict[str, Any]
    of: Item
    evidence: Evidence | None

    @property
    def currency(self) -> str | None:
        """Of the amounts that changed."""
        return self.told["data"]["facts"].get("currency") or self.of.get("currency")

    @property
    def changes(self) -> list[Told]:
        """What it changed; what was not known before is long, and mostly repeated elsewhere."""
        found = []
        for one in self.entry.telling_changes:
            name = one.name.rpartition(" ")[2]  # of an instalment, its own name stands before it
            is_main = one.before is not None or name in _MAIN
            found.append(Told(name, one.before, one.after, is_main))
        return found

    @property
    def status(self) -> str | None:
        """What its object came to with it; None when that stayed as it was."""
        return next((str(one.after) for one in self.changes if one.name == "status"), None)

    @property
    def instalment(self) -> dict[str, Fact | None] | None:
        """The instalment that it is about; its number is not always told."""
        facts = self.entry.event.facts
        is_of_one = ".instalment-" in self.entry.event.TOPIC and "transaction_uuid" in facts
        return {"number": None} | facts if is_of_one else None

    @property
    def late_seconds(self) -> float | None:
        """How much later we knew than it happened; None when that was in time."""
        late = self.entry.late_seconds
        return None if late is None or late < LATE_FROM.total_seconds() else late

    @property
    def has_waited(self) -> bool:
        """Whether it had come long before it could be recorded: from the quarantine."""
        event = self.entry.event
        return event.timestamp - event.received_at >= LATE_FROM


class Story:
    """Everything told of one object, or of several together, as known at an instant or now.

    Shape: `read` gives their streams when something of them is first looked at.
    """

    def __init__(
        self,
        read: Callable[[], Sequence[Sequence[RecordedEvent]]],
        *,
        at: datetime | None = None,
    ) -> None:
        self.at = at
        self._read = read

    @cached_property
    def whole(self) -> list[list[RecordedEvent]]:
        """Every event of each stream, whatever the instant."""
        return [list(events) for events in self._read()]

    @cached_property
    def streams(self) -> list[list[RecordedEvent]]:
        """What was known of each; those that were not known then are left out."""
        return [known for one in self.whole if (known := known_by(one, self.at))]

    @cached_property
    def items(self) -> list[Item]:
        return [item(events) for events in self.streams]

    @property
    def count(self) -> int:
        """How many events were known."""
        return sum(len(one) for one in self.streams)

    @property
    def later(self) -> int:
        """How many events became known only after that instant."""
        return sum(len(one) for one in self.whole) - self.count

    @property
    def untold(self) -> int:
        """How many of the oldest events a page leaves out."""
        return max(0, self.count - ENTRIES_MAX)

    @property
    def position(self) -> int:
        """Of the newest event that was known."""
        return max(one[-1].position for one in self.streams)

    @property
    def first_at(self) -> datetime:
        """When the first of all events became known, whatever the instant."""
        return min(one[0].event.timestamp for one in self.whole)

    @cached_property
    def steps(self) -> list[Step]:
        """Every instant at which something became known, whatever the instant, oldest first."""
        events = sorted(
            (one.event for events in self.whole for one in events),
            key=lambda event: event.timestamp,
        )
        found = {one.timestamp: SENTENCES[type(one)] for one in events[-ENTRIES_MAX:]}
        return [Step(at, sentence) for at, sentence in found.items()]

    @property
    def step(self) -> int:
        """The place among `steps` of what is shown."""
        if self.at is None:
            return len(self.steps) - 1
        return max(0, sum(one.at <= self.at for one in self.steps) - 1)

    def lines(self) -> Iterator[Line]:
        """What was told, in the order in which we heard of it; verified again as it is read."""
        told = [
            (entry, of)
            for events, of in zip(self.streams, self.items, strict=True)
            for entry in timeline(events)
        ]
        told.sort(key=lambda pair: pair[0].position)
        pairs = iter(told[-ENTRIES_MAX:])
        while some := list(islice(pairs, PROVEN_AT_ONCE)):
            events = [RecordedEvent(entry.position, entry.event) for entry, _ in some]
            proven = evidence_of(ledger(), events)
            for entry, of in some:
                yield Line(entry, shown(history_data(entry)), of, proven.get(entry.position))
