"""What every event says: which notification it came from, what that reported, and what moved."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Self

from eventsourcing.domain import AggregateEvent

from ledger.aggregates.basis import ASKED, TOLD
from ledger.aggregates.precedence import Place
from ledger.ipn.snapshots import Fact, Pairs


class LedgerEvent(AggregateEvent):
    """What one notification reported. Its `timestamp` is when we recorded it."""

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
    doubtful: list[str] | None = None
    details: Pairs | None = None
    personal: Pairs | None = None
    suspected: list[str] | None = None
    derived: list[str] | None = None
    answered: bool = False  # to our own question, and told by no call
    unconfirmed: list[str] | None = None

    TOPIC: ClassVar[str]
    FACTS: ClassVar[Mapping[str, str]]  # all that it can hold, with what they mean
    is_closed: ClassVar[bool] = False
    COUNTS_FOR_ORDER: ClassVar[bool] = True  # else any other notification goes before it
    aggregate_class: ClassVar[Any]  # that of the streams it stands in

    @classmethod
    def called(cls, topic: str, *, counts_for_order: bool = True) -> type[Self]:
        """Declare an event by its stored name; the name of its class follows from it."""
        name = topic.rpartition(".")[2].title().replace("-", "")
        qualname = cls.__qualname__.replace("Event", name)
        members = {"TOPIC": topic, "COUNTS_FOR_ORDER": counts_for_order}
        members |= {"__module__": cls.__module__, "__qualname__": qualname}
        return type(name, (cls,), members)

    @property
    def ordered_by(self) -> datetime | None:
        """Return the platform's time that orders events of this thing, when it gives one."""
        return self.told_at

    @property
    def basis(self) -> str:
        """Return what it rests on: told by the platform's call, or asked by our question."""
        return ASKED if self.answered else TOLD

    @property
    def place(self) -> Place:
        """Return its stream, and its version there."""
        return self.originator_id, self.originator_version

    def mutate(self, aggregate: Any) -> Any:
        """Apply the event; the first one of a stream creates its aggregate.

        One of another stream that is about the same thing leaves the version as it is.
        """
        aggregate = aggregate or self.aggregate_class.initial(self.originator_id)
        if aggregate.id == self.originator_id:
            return super().mutate(aggregate)
        self.apply(aggregate)
        return aggregate

    def apply(self, aggregate: Any) -> None:
        aggregate.apply(self)
