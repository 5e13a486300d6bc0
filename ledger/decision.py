"""What a notification adds to what the ledger knows: loads, compares, and collects new events."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from ledger.aggregates.alias import Alias
from ledger.aggregates.observed import Observed, Occasion
from ledger.aggregates.subscription import Subscription
from ledger.aggregates.transaction import Transaction
from ledger.formats.snapshot import Fact, Told

_Known = TypeVar("_Known", bound=Observed)


class Memory(Protocol):
    """What a decision may ask about the past; everything within one database transaction."""

    def load(self, ids: Iterable[UUID]) -> Mapping[UUID, Observed]:
        """The aggregates that are known among these streams."""

    def confirmed_at(self, ids: Iterable[UUID]) -> Mapping[UUID, datetime]:
        """When the platform last repeated what it had told of these streams."""

    def subscription_of(self, shop_id: str, mode: str, alias: str, order_id: str) -> str | None:
        """The one subscription of an alias and an order, when there is exactly one."""


@dataclass
class Decision:
    """The outcome for one notification.

    Shape: `changed` holds aggregates with new events, in the order in which they were decided;
    `repeated` the version of each unchanged stream's event that its snapshot repeats;
    `order_by_subscription` the order that an instalment names.
    """

    changed: list[Observed] = field(default_factory=list)
    repeated: dict[UUID, int] = field(default_factory=dict)
    order_by_subscription: dict[UUID, Fact] = field(default_factory=dict)


class Deciding:
    """Decides on one notification. Later snapshots see what earlier ones added.

    Shape: `streams` are those that it names, as `streams_of` tells them.
    """

    def __init__(
        self, told: Told, streams: Sequence[UUID], occasion: Occasion, memory: Memory
    ) -> None:
        self._told = told
        self._streams = streams
        self._occasion = occasion
        self._memory = memory
        self._known: dict[UUID, Observed] = {}
        self._decision = Decision()

    def decide(self) -> Decision:
        """Compare every snapshot of the notification with what is known."""
        told = self._told
        ids = self._streams
        transactions = list(zip(ids, told.transactions, strict=False))
        aliases = list(zip(ids[len(transactions) :], told.aliases, strict=False))
        self._known.update(self._memory.load(ids))
        confirmed = self._memory.confirmed_at(ids) if told.told_at else {}
        for id_, snapshot in transactions:
            transaction = self._get(Transaction, id_)
            is_news = transaction.observe(snapshot, self._occasion, confirmed_at=confirmed.get(id_))
            self._note(transaction, snapshot.facts, is_news=is_news)
        for id_, alias_snapshot in aliases:
            alias = self._get(Alias, id_)
            is_news = alias.observe(alias_snapshot, self._occasion)
            self._note(alias, alias_snapshot.facts, is_news=is_news)
        self._decide_subscriptions()
        for id_, _ in transactions:
            self._follow_instalment(self._get(Transaction, id_))
        for changed in self._decision.changed:
            self._decision.repeated.pop(changed.id, None)
        return self._decision

    def _decide_subscriptions(self) -> None:
        for snapshot in self._told.subscriptions:
            subscription = self._subscription(snapshot.subscription_id, snapshot.alias)
            is_news = subscription.observe(snapshot, self._occasion)
            self._note(subscription, snapshot.facts, is_news=is_news)

    def _follow_instalment(self, transaction: Transaction) -> None:
        """Tell the subscription how the transaction of an instalment stands now."""
        facts = transaction.facts
        if not transaction.is_instalment or transaction.uuid is None:
            return
        alias = str(facts.get("alias", ""))
        subscription_id = facts.get("subscription_id") or self._lost_reference(facts)
        if subscription_id is None:
            return
        subscription = self._subscription(str(subscription_id), alias)
        if "order_id" in facts:
            self._decision.order_by_subscription[subscription.id] = facts["order_id"]
        instalment = instalment_facts(transaction.uuid, facts)
        is_news = subscription.follow_instalment(
            str(subscription_id), alias, instalment, self._occasion
        )
        self._note(subscription, instalment, is_news=is_news)

    def _lost_reference(self, facts: Mapping[str, Fact]) -> str | None:
        """Replays can lose the subscription. Source: form-v2 reference, section 6.5."""
        if "alias" not in facts or "order_id" not in facts:
            return None
        return self._memory.subscription_of(
            self._told.shop_id, self._told.mode, str(facts["alias"]), str(facts["order_id"])
        )

    def _subscription(self, subscription_id: str, alias: str) -> Subscription:
        told = self._told
        id_ = Subscription.id_of(told.shop_id, told.mode, subscription_id, alias)
        if id_ not in self._known:
            self._known.update(self._memory.load([id_]))
        return self._get(Subscription, id_)

    def _get(self, aggregate_class: type[_Known], id_: UUID) -> _Known:
        known = self._known.get(id_)
        if known is None:
            known = self._known[id_] = aggregate_class.unheard_of(id_)
        assert isinstance(known, aggregate_class)
        return known

    def _note(self, aggregate: Observed, facts: Mapping[str, Fact], *, is_news: bool) -> None:
        if is_news:
            if not any(one is aggregate for one in self._decision.changed):
                self._decision.changed.append(aggregate)
        elif aggregate.is_known:
            self._decision.repeated.setdefault(aggregate.id, aggregate.told_in(facts))


def streams_of(told: Told) -> list[UUID]:
    """The streams a notification names itself. Shape: transactions, aliases, subscriptions."""
    shop_id, mode = told.shop_id, told.mode
    named = [(one.subscription_id, one.alias) for one in told.subscriptions]
    named += [
        (str(one.facts["subscription_id"]), str(one.facts.get("alias", "")))
        for one in told.transactions
        if "subscription_id" in one.facts
    ]
    return [
        *(Transaction.id_of(shop_id, mode, one.reference) for one in told.transactions),
        *(Alias.id_of(shop_id, mode, one.alias) for one in told.aliases),
        *(Subscription.id_of(shop_id, mode, *names) for names in dict.fromkeys(named)),
    ]


def instalment_facts(uuid: str, facts: Mapping[str, Fact]) -> dict[str, Fact]:
    """What the subscription is told of an instalment whose transaction stands like this."""
    told: dict[str, Fact] = {"transaction_uuid": uuid}
    if "instalment_number" in facts:
        told["number"] = facts["instalment_number"]
    for name in ("status", "amount_minor", "currency", "created_at"):
        if name in facts:
            told[name] = facts[name]
    return told
