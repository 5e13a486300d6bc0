"""The language of the decider's tests: given these events, when this notification comes, then."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Self
from uuid import UUID as StreamId

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.aggregates.news import Recollection
from ledger.aggregates.occasion import Occasion
from ledger.aggregates.subscription import Subscription
from ledger.ipn.snapshots import (
    AliasSnapshot,
    NotificationContent,
    SubscriptionSnapshot,
    TransactionSnapshot,
)
from ledger.recording.decider import Decider, Decision, streams_of
from ledger.recording.recall import Saying, StoredRecollection, sayings_of
from ledger.storage.event_store import RecordedEvent
from tests.aggregates.given import MODE, SHOP_ID, Happening, Snapshot, assert_happened, in_form

Confirmations = Mapping[StreamId, datetime]


class InMemory:
    """A repository of aggregates that are folded from events."""

    def __init__(
        self, happenings: Iterable[Happening] = (), confirmed: Confirmations | None = None
    ) -> None:
        self.aggregates: dict[StreamId, Any] = {}
        self.events: dict[StreamId, list[LedgerAggregate.Event]] = {}
        self._sayings: dict[StreamId, list[Saying]] = {}
        self._confirmed = confirmed or {}
        for happening in happenings:
            stream_id = happening.event(1).originator_id
            known = self.aggregates.get(stream_id)
            event = happening.event(1 if known is None else known.version + 1)
            self.aggregates[stream_id] = event.mutate(known)
            self.events.setdefault(stream_id, []).append(event)
        self.stream_by_name = {stream_id: stream_id for stream_id in self.aggregates}

    def add(self, decision: Decision, content: NotificationContent) -> list[LedgerAggregate.Event]:
        """Remember what a decision adds. Shape: its events, in their order."""
        self.stream_by_name |= decision.stream_by_name
        for id_ in decision.repeated:
            sayings = sayings_of(content, {id_}, lambda name: self.stream_by_name.get(name, name))
            self._sayings.setdefault(id_, []).extend(sayings)
        new_events: list[LedgerAggregate.Event] = []
        for aggregate in decision.changed.values():
            for event in aggregate.collect_events():
                assert isinstance(event, LedgerAggregate.Event)
                self.events.setdefault(aggregate.id, []).append(event)
                new_events.append(event)
        self.aggregates.update(decision.changed)
        return new_events

    def load(self, ids: Sequence[StreamId]) -> Mapping[StreamId, LedgerAggregate]:
        return {id_: self.aggregates[id_] for id_ in ids if id_ in self.aggregates}

    def stream_named(self, name_id: StreamId) -> StreamId | None:
        return self.stream_by_name.get(name_id)

    def recall(self, id_: StreamId) -> Recollection:
        events = [RecordedEvent(0, event) for event in self.events.get(id_, [])]
        sayings = self._sayings.get(id_, [])
        return StoredRecollection((), events, opened=list, repeats=lambda: sayings)

    def confirmed_at(self, id_: StreamId) -> datetime | None:
        return self._confirmed.get(id_)

    def subscription_of(self, shop_id: str, mode: str, alias: str, order_id: str) -> str | None:
        plans = [
            plan.subscription_id
            for plan in self.aggregates.values()
            if isinstance(plan, Subscription)
            and (plan.shop_id, plan.mode, plan.alias) == (shop_id, mode, alias)
            and plan.facts.get("order_id") == order_id
        ]
        return plans[0] if len(plans) == 1 else None


class Given:
    """A ledger in which some events have happened, and a notification that is decided on."""

    decision: Decision

    def __init__(self, *happenings: Happening, confirmed: Confirmations | None = None) -> None:
        self._repository = InMemory(happenings, confirmed)

    def when(self, *snapshots: Snapshot, occasion: Occasion | None = None) -> Self:
        """Decide on a notification that brings these snapshots, in a form by default."""
        occasion = occasion or in_form()
        content = content_of(snapshots, occasion)
        deciding = Decider(content, streams_of(content), occasion, self._repository)
        self.decision = deciding.decide()
        self.events = self._repository.add(self.decision, content)
        return self

    def known(self, name_id: StreamId) -> Any:
        """Return the aggregate that the name of a transaction leads to."""
        aggregate = self._repository.aggregates[self._repository.stream_by_name[name_id]]
        is_over = aggregate.continued_in is not None
        return self._repository.aggregates[aggregate.continued_in] if is_over else aggregate

    def then(self, *happenings: Happening) -> Self:
        """Expect exactly these new events, in this order."""
        assert_happened(self.events, *happenings)
        return self

    def repeats(self, version_by_stream: Mapping[StreamId, int]) -> Self:
        """Expect that the notification repeats these events of unchanged streams."""
        repeated = {id_: version for id_, (_, version) in self.decision.repeated.items()}
        assert repeated == version_by_stream
        return self


def given(*happenings: Happening, confirmed: Confirmations | None = None) -> Given:
    return Given(*happenings, confirmed=confirmed)


def content_of(snapshots: Iterable[Snapshot], occasion: Occasion) -> NotificationContent:
    """Return the content of a notification with these snapshots."""
    return NotificationContent(
        shop_id=SHOP_ID,
        mode=MODE,
        source=occasion.source,
        rule=occasion.rule,
        rule_certainty=occasion.rule_certainty,
        told_at=occasion.told_at,
        transactions=tuple(each for each in snapshots if isinstance(each, TransactionSnapshot)),
        aliases=tuple(each for each in snapshots if isinstance(each, AliasSnapshot)),
        subscriptions=tuple(each for each in snapshots if isinstance(each, SubscriptionSnapshot)),
    )
