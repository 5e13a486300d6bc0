"""What every aggregate shares: it is known only through the notifications about it.

A snapshot is compared with everything recorded before; what it adds becomes one event. The event
holds all facts of the snapshot and the names of those that moved the state, so that applying it
only assigns.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Self, cast
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.domain import BaseAggregate

from ledger.aggregates.event import LedgerEvent
from ledger.aggregates.news import Recall, Recalled, Report, brings_news
from ledger.aggregates.occasion import Occasion
from ledger.aggregates.precedence import (
    Changes,
    Observation,
    Place,
    Precedence,
    confirmation,
    confirmed_by,
    contradicts,
    facts_that_move,
    has_reported,
    is_older_than_any,
    newest_reporting,
    status_of,
)
from ledger.ipn import notification_rules as rules
from ledger.ipn.kinds import Kind
from ledger.ipn.snapshots import Fact, Pairs, undeclared


def stream_id(kind: str, shop_id: str, mode: str, *names: str) -> UUID:
    """Return the id of a stream about a thing of a kind, as `LedgerAggregate.id_of` does."""
    escaped = (name.replace("\\", "\\\\").replace("\n", "\\n") for name in names)
    return uuid5(NAMESPACE_URL, "\n".join(("ipn-ledger", kind, shop_id, mode, *escaped)))


class LedgerAggregate(BaseAggregate[UUID]):
    """Something of one shop and mode that notifications are about.

    Shape: `facts` is the current state by the names of `ledger/ipn/snapshots.py`. `is_doubtful`
    says that all of it comes from doubtful notifications. The first one that is not doubtful begins
    anew, and from then on doubtful ones are recorded beside the state and change nothing of it.
    `unconfirmed` are the names of the facts that only answers to our own questions have reported.
    """

    KIND: ClassVar[Kind]
    ASSIGNED: ClassVar[tuple[str, ...]]  # attributes of its events that become its own

    class Event(LedgerEvent):
        """What one notification reported of such a thing."""

        aggregate_class: ClassVar[type["LedgerAggregate"]]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.Event.aggregate_class = cls  # the first event of a stream creates its aggregate

    @classmethod
    def id_of(cls, shop_id: str, mode: str, *names: str) -> UUID:
        """Return the id of a stream, made from what it is about: the same for every writer.

        Mode is part of every identity, so TEST and PRODUCTION never meet; a name that holds the
        separator is escaped, so that no two lists of names meet either.
        """
        return stream_id(cls.KIND, shop_id, mode, *names)

    @classmethod
    def initial(cls, id_: UUID) -> Self:
        """Return the aggregate before its first event, at version 0."""
        aggregate = cls.__new__(cls)
        beginning = datetime.min.replace(tzinfo=UTC)
        aggregate.__base_init__(originator_id=id_, originator_version=0, timestamp=beginning)
        aggregate.forget()
        return aggregate

    def forget(self) -> None:
        """Forget what was reported."""
        self.is_doubtful = False
        self.facts = {}
        self.observations = []
        self.unconfirmed = frozenset()

    is_doubtful: bool
    facts: dict[str, Fact]
    unconfirmed: frozenset[str]
    observations: list[Observation]
    shop_id: str
    mode: str
    reference: str

    @property
    def is_known(self) -> bool:
        return bool(self.observations)

    @property
    def next_place(self) -> Place:
        """Return the place of its next event."""
        return self.id, self.version + 1

    def apply(self, event: "LedgerAggregate.Event") -> None:
        """Assign what an event says. Never refuses, never compares, never reads a clock."""
        if not self.observations:
            self.is_doubtful = event.doubtful is not None
        elif self.is_doubtful and event.doubtful is None:
            self.forget()
        elif event.doubtful is not None and not self.is_doubtful:
            return  # it stands in the history, and changes nothing
        self.assign(event)

    def assign(self, event: "LedgerAggregate.Event") -> None:
        """Assign what an event says that counts."""
        if not self.observations:
            self.shop_id, self.mode, self.reference = event.shop_id, event.mode, event.reference
        for attribute in self.ASSIGNED:
            setattr(self, attribute, getattr(event, attribute))
        for name in event.facts if event.moved is None else event.moved:
            self.facts[name] = event.facts[name]
        self.unconfirmed = frozenset(event.unconfirmed or ())
        precedence = Precedence(
            status_of(event.facts),
            event.ordered_by,
            event.received_at,
            is_fresh=event.source != rules.RETRY,
        )
        counts_for_order = event.COUNTS_FOR_ORDER and not event.contradiction
        self.observations.append(
            Observation(
                event.place,
                event.TOPIC,
                precedence,
                event.facts,
                counts_for_order,
                event.derived or (),
            )
        )

    def changes(
        self,
        facts: Mapping[str, Fact],
        occasion: Occasion,
        *,
        ordered_by: datetime | None,
        confirmed_at: datetime | None = None,
        derived: Collection[str] = (),
    ) -> Changes:
        """Compare the facts of a snapshot with everything known.

        `ordered_by` is the platform's time that orders snapshots of this thing, when it gives one;
        `confirmed_at` the latest such time at which a repeat confirmed the current state. Facts
        that are `derived` say nothing where something is known.
        """
        precedence = Precedence(
            status_of(facts),
            ordered_by,
            self._arrival(occasion),
            is_fresh=occasion.source != rules.RETRY,
        )
        earlier = [known for known in self.observations if known.counts_for_order]
        if confirmed_at is not None and earlier:
            earlier.append(confirmation(self.facts, self.observations, confirmed_at))
        silent = self.facts.keys() & derived
        added = [
            name
            for name, fact in facts.items()
            if name not in silent and not has_reported(self.observations, name, fact)
        ]
        if self.is_beyond_doubt(occasion):
            return Changes(added, moved=(), is_late=False, is_contradiction=False)
        return Changes(
            added=added,
            moved=facts_that_move(self.facts, facts, precedence, earlier, derived),
            is_late=is_older_than_any(precedence, earlier),
            is_contradiction=contradicts(status_of(self.facts), precedence.status),
        )

    def has_news(
        self, named_texts: Pairs, changes: Changes, occasion: Occasion, recall: Recall
    ) -> bool:
        """Return True if a snapshot says something beside the facts otherwise than before."""
        pending = cast(list[Report], self.pending_events)[::-1]
        recollection = Recalled(recall(self.id), pending, counts_doubtful=bool(occasion.doubts))
        is_late = changes.is_late or self.is_beyond_doubt(occasion)
        return brings_news(named_texts, recollection, is_late=is_late)

    def is_confirmed_by(self, facts: Mapping[str, Fact], occasion: Occasion) -> bool:
        """Return True if a signed call repeats what only an answer to our question has said."""
        is_call = not occasion.is_asked and not occasion.doubts
        return is_call and bool(confirmed_by(facts, self.facts, self.unconfirmed))

    def _unconfirmed_after(
        self, facts: Mapping[str, Fact], changes: Changes, occasion: Occasion
    ) -> list[str] | None:
        """Return the names of the facts that no signed call has told, once this is recorded."""
        unconfirmed = self.unconfirmed
        if occasion.is_asked:
            unconfirmed = unconfirmed.union(changes.moved)
        elif not self.is_beyond_doubt(occasion):
            unconfirmed -= {*changes.moved, *confirmed_by(facts, self.facts, unconfirmed)}
        return sorted(unconfirmed) or None

    def begin_anew(self, occasion: Occasion) -> None:
        """Forget what only doubtful notifications reported, if this one is not doubtful."""
        if self.is_doubtful and not occasion.doubts:
            self.forget()

    def is_beyond_doubt(self, occasion: Occasion) -> bool:
        """Return True if a doubtful notification is about what others have established."""
        return bool(occasion.doubts) and self.is_known and not self.is_doubtful

    def _arrival(self, occasion: Occasion) -> datetime:
        """Return when a notification arrived: never before those that are recorded already.

        Our clock may step back; the order of arrival does not.
        """
        if occasion.is_readmitted:
            return occasion.received_at
        known = (observation.precedence.received_at for observation in self.observations)
        return max([occasion.received_at, *known])

    def place_confirmed_by(self, facts: Mapping[str, Fact]) -> Place:
        """Return the place of the newest event that reported most of these facts."""
        return newest_reporting(self.observations, facts).place

    def _record(
        self,
        event_class: type["LedgerAggregate.Event"],
        facts: Mapping[str, Fact],
        changes: Changes,
        occasion: Occasion,
        **attributes: Any,
    ) -> None:
        """Trigger the event that a notification reported these facts, all of them declared."""
        assert not undeclared(facts, event_class.FACTS), undeclared(facts, event_class.FACTS)
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
            moved=None if len(changes.moved) == len(facts) else list(changes.moved),
            late=changes.is_late,
            contradiction=changes.is_contradiction,
            doubtful=list(occasion.doubts) or None,
            answered=occasion.is_asked,
            **{"unconfirmed": self._unconfirmed_after(facts, changes, occasion)} | attributes,
        )
