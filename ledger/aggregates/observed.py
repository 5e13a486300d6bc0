"""What every aggregate shares: it is known only through what notifications told of it.

A snapshot is compared with everything told before; what it adds becomes one event. The event
holds the facts told and the names of those that moved the state, so that applying it only assigns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Self
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.domain import AggregateEvent, BaseAggregate

from ledger.formats.snapshot import Fact, Pairs
from ledger.statuses import Standing, contradicts


@dataclass(frozen=True, slots=True)
class Occasion:
    """The notification on which something is told, and our clocks.

    Shape: `told_at` is the platform's time of the message, None in forms. `is_readmitted` says
    that it waited in quarantine, so that its arrival counts, not the moment of its verification.
    """

    notification_id: str
    shop_id: str
    mode: str
    received_at: datetime
    recorded_at: datetime
    told_at: datetime | None
    source: str | None
    rule: str | None
    rule_certainty: str
    is_readmitted: bool = False


@dataclass(frozen=True, slots=True)
class Telling:
    """What one recorded event told, for comparison with later snapshots.

    Shape: `is_aside` says that it never holds the state against other news.
    """

    version: int
    topic: str
    standing: Standing
    facts: Mapping[str, Fact]
    is_aside: bool


@dataclass(frozen=True, slots=True)
class News:
    """What a snapshot adds. `moved` names the facts that change the state; both empty: nothing."""

    added: Sequence[str]
    moved: Sequence[str]
    is_late: bool
    is_contradiction: bool

    def __bool__(self) -> bool:
        return bool(self.added or self.moved)


class Observed(BaseAggregate[UUID]):
    """Something of one shop and mode that notifications tell about.

    Shape: `facts` is the current state by the names of `ledger/formats/snapshot.py`.
    """

    KIND: ClassVar[str]

    class Event(AggregateEvent):
        """One thing a notification told. Its `timestamp` is when we recorded it."""

        notification_id: str
        received_at: datetime
        shop_id: str
        mode: str
        reference: str
        rule: str
        rule_certainty: str
        facts: dict[str, Fact]
        moved: list[str] | None = None  # None: all of them, as the first event always does
        source: str | None = None
        told_at: datetime | None = None
        occurred_at: datetime | None = None
        late: bool = False
        contradiction: bool = False
        odd: list[str] | None = None
        details: Pairs | None = None
        personal: Pairs | None = None

        TOPIC: ClassVar[str]
        IS_ASIDE: ClassVar[bool] = False  # whether any other news comes before what it told
        aggregate_class: ClassVar[type["Observed"]]

        @property
        def ordered_by(self) -> datetime | None:
            """The platform's time that orders what is told of this thing, when it gives one."""
            return self.told_at

        def mutate(self, aggregate: Any) -> Any:
            """Apply the event; the first one of a stream brings its aggregate into being."""
            return super().mutate(aggregate or self.aggregate_class.unheard_of(self.originator_id))

        def apply(self, aggregate: Any) -> None:
            aggregate.take(self)

    @classmethod
    def unheard_of(cls, id_: UUID) -> Self:
        """The aggregate before anything was told about it: version 0."""
        aggregate = cls.__new__(cls)
        beginning = datetime.min.replace(tzinfo=UTC)
        aggregate.__base_init__(originator_id=id_, originator_version=0, timestamp=beginning)
        aggregate.facts = {}
        aggregate.tellings = []
        return aggregate

    facts: dict[str, Fact]
    tellings: list[Telling]
    shop_id: str
    mode: str
    reference: str
    first_seen_at: datetime

    @property
    def is_known(self) -> bool:
        return self.version > 0

    def take(self, event: "Observed.Event") -> None:
        """Assign what an event says. Never refuses, never compares, never reads a clock."""
        if not self.tellings:
            self.shop_id, self.mode, self.reference = event.shop_id, event.mode, event.reference
            self.first_seen_at = event.timestamp
        for name in event.facts if event.moved is None else event.moved:
            self.facts[name] = event.facts[name]
        self.tellings.append(_telling(event))

    def news(
        self,
        facts: Mapping[str, Fact],
        occasion: Occasion,
        *,
        ordered_by: datetime | None,
        confirmed_at: datetime | None = None,
    ) -> News:
        """Compare told facts with everything known.

        `ordered_by` is the platform's time that orders snapshots of this thing, when it gives one;
        `confirmed_at` the latest such time at which a repeat confirmed the current state.
        """
        standing = self._standing(facts, occasion, ordered_by)
        earlier = [one for one in self.tellings if not one.is_aside]
        if confirmed_at is not None and earlier:
            earlier.append(self._confirmation(confirmed_at))
        status = _text(facts.get("status"))
        is_contradiction = contradicts(_text(self.facts.get("status")), status)
        moved = [
            name
            for name in facts
            if name not in self.facts
            or (not is_contradiction and self._moves(name, facts[name], standing, earlier))
        ]
        told_before = {(name, one.facts[name]) for one in self.tellings for name in one.facts}
        added = [name for name in facts if (name, facts[name]) not in told_before]
        return News(
            added=added,
            moved=moved,
            is_late=any(standing.is_before(one.standing) for one in earlier),
            is_contradiction=is_contradiction,
        )

    def _standing(
        self, facts: Mapping[str, Fact], occasion: Occasion, ordered_by: datetime | None
    ) -> Standing:
        received_at = occasion.received_at
        if not occasion.is_readmitted:  # our clock may step back; news in order of arrival does not
            received_at = max([received_at, *(one.standing.received_at for one in self.tellings)])
        return Standing(_text(facts.get("status")), ordered_by, received_at)

    def _confirmation(self, confirmed_at: datetime) -> Telling:
        last = self.tellings[-1]
        standing = Standing(
            _text(self.facts.get("status")), confirmed_at, self.tellings[0].standing.received_at
        )
        return Telling(last.version, last.topic, standing, self.facts, is_aside=False)

    def _moves(
        self, name: str, value: Fact, standing: Standing, earlier: Sequence[Telling]
    ) -> bool:
        if self.facts[name] == value:
            return False
        return not any(name in one.facts and standing.is_before(one.standing) for one in earlier)

    def told_in(self, facts: Mapping[str, Fact]) -> int:
        """The version of the newest event that told most of these facts: what a repeat repeats."""
        best = max(
            self.tellings,
            key=lambda one: (
                sum(one.facts.get(name) == value for name, value in facts.items()),
                one.version,
            ),
        )
        return best.version

    def tell(
        self,
        event_class: type["Observed.Event"],
        facts: Mapping[str, Fact],
        news: News,
        occasion: Occasion,
        **more: Any,
    ) -> None:
        """Record that a notification told these facts."""
        self.trigger_event(
            event_class,
            timestamp=occasion.recorded_at,
            notification_id=occasion.notification_id,
            received_at=occasion.received_at,
            shop_id=occasion.shop_id,
            mode=occasion.mode,
            source=occasion.source,
            told_at=occasion.told_at,
            facts=dict(facts),
            moved=None if len(news.moved) == len(facts) else list(news.moved),
            late=news.is_late,
            contradiction=news.is_contradiction,
            **more,
        )


def _telling(event: Observed.Event) -> Telling:
    standing = Standing(_text(event.facts.get("status")), event.ordered_by, event.received_at)
    is_aside = event.contradiction or event.IS_ASIDE
    return Telling(event.originator_version, event.TOPIC, standing, event.facts, is_aside)


def _text(fact: Fact | None) -> str | None:
    return None if fact is None else str(fact)


def stream_id(kind: str, shop_id: str, mode: str, *names: str) -> UUID:
    """Identify a stream by what it is about, so that whoever hears of it first finds the same.

    Mode is part of every identity, so TEST and PRODUCTION never meet; a name that holds the
    separator is escaped, so that no two lists of names meet either.
    """
    escaped = (name.replace("\\", "\\\\").replace("\n", "\\n") for name in names)
    return uuid5(NAMESPACE_URL, "\n".join(("ipn-ledger", kind, shop_id, mode, *escaped)))


def bind_events(aggregate_class: type[Observed]) -> None:
    """Tell each event class of an aggregate which aggregate its first event brings into being."""
    for one in vars(aggregate_class).values():
        if isinstance(one, type) and issubclass(one, Observed.Event):
            one.aggregate_class = aggregate_class
