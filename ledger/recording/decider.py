"""What one notification adds to what the ledger knows: load, compare, collect new events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.aggregates.alias import Alias
from ledger.aggregates.news import Recollection
from ledger.aggregates.occasion import Occasion
from ledger.aggregates.precedence import Place
from ledger.aggregates.subscription import Subscription
from ledger.aggregates.transaction import Transaction
from ledger.ipn.references import names_of
from ledger.ipn.snapshots import (
    Fact,
    NotificationContent,
    Pairs,
    TransactionSnapshot,
    is_instalment,
)

_Known = TypeVar("_Known", bound=LedgerAggregate)


class Repository(Protocol):
    """What a decision may ask about the past, all within one database transaction."""

    def load(self, ids: Sequence[UUID]) -> Mapping[UUID, LedgerAggregate]:
        """Return the aggregates that are known among these streams."""

    def stream_named(self, name_id: UUID) -> UUID | None:
        """Return the stream of a transaction by the id of one of its names."""

    def recall(self, id_: UUID) -> Recollection:
        """Return what was said of a stream: by its events, and by calls that repeated them."""

    def confirmed_at(self, id_: UUID) -> datetime | None:
        """Return when the platform last repeated what it had reported of a stream."""

    def subscription_of(self, shop_id: str, mode: str, alias: str, order_id: str) -> str | None:
        """Return the subscription of an alias and an order; None unless exactly one fits."""


@dataclass
class Decision:
    """The outcome for one notification.

    Shape: `changed` holds aggregates with new events by their ids, in the order in which they were
    decided; `repeated` the place of the event that the snapshot of each unchanged stream repeats;
    `order_by_subscription` the order that an instalment names; `stream_by_name` the names that
    nobody has used before.
    """

    changed: dict[UUID, LedgerAggregate] = field(default_factory=dict)
    repeated: dict[UUID, Place] = field(default_factory=dict)
    stream_by_name: dict[UUID, UUID] = field(default_factory=dict)
    order_by_subscription: dict[UUID, Fact] = field(default_factory=dict)


class Decider:
    """Decides on one notification. Later snapshots see what earlier ones added.

    Shape: `stream_ids` are those that the notification names, as `streams_of` returns them.
    """

    def __init__(
        self,
        content: NotificationContent,
        stream_ids: Sequence[UUID],
        occasion: Occasion,
        repository: Repository,
    ) -> None:
        self._content = content
        self._stream_ids = stream_ids
        self._occasion = occasion
        self._repository = repository
        self._known: dict[UUID, LedgerAggregate] = {}
        self._decision = Decision()

    def decide(self) -> Decision:
        """Compare every snapshot of the notification with what is known."""
        content, occasion = self._content, self._occasion
        recall = self._repository.recall
        self._known |= self._repository.load(self._stream_ids)
        transactions = [self._observe(payment) for payment in content.transactions]
        for request in content.aliases:
            alias = self._get(Alias, Alias.id_of(content.shop_id, content.mode, request.alias))
            has_changed = alias.observe(request, occasion, recall)
            self._collect(alias, request.facts, has_changed=has_changed)
        for plan in content.subscriptions:
            subscription = self._subscription(plan.subscription_id, plan.alias)
            has_changed = subscription.observe(plan, occasion, recall)
            self._collect(subscription, plan.facts, has_changed=has_changed)
        for transaction in transactions:
            if not transaction.is_beyond_doubt(occasion):
                self._follow_instalment(transaction)
        for id_ in self._decision.changed:
            self._decision.repeated.pop(id_, None)
        return self._decision

    def confirm(self, id_: UUID, details: Pairs) -> Decision:
        """Take an operator's word for what doubtful notifications reported of a transaction."""
        self._known |= self._repository.load([id_])
        transaction = self._get(Transaction, id_)
        transaction.confirm(self._occasion, details)
        self._collect(transaction, transaction.facts, has_changed=True)
        self._follow_instalment(transaction)
        return self._decision

    def _observe(self, payment: TransactionSnapshot) -> Transaction:
        """Compare one payment with what is known of it, under whichever of its names."""
        names = names_of(payment)
        if self._occasion.doubts:  # what may be forged joins nothing and takes no name of another
            names = names[:1]
        name_ids = [Transaction.id_of(self._content.shop_id, self._content.mode, n) for n in names]
        transaction = self._joined(payment, [self._named(name_id) for name_id in name_ids])
        if transaction is None:
            transaction = self._get(Transaction, name_ids[0])
        for name_id in name_ids:
            if self._stream_named(name_id) is None:
                self._decision.stream_by_name[name_id] = transaction.id
        is_dated = self._content.told_at is not None
        confirmed_at = self._repository.confirmed_at(transaction.id) if is_dated else None
        has_changed = transaction.observe(
            payment, self._occasion, confirmed_at=confirmed_at, recall=self._repository.recall
        )
        self._collect(transaction, payment.facts, has_changed=has_changed)
        return transaction

    def _joined(
        self, payment: TransactionSnapshot, named: Sequence[Transaction | None]
    ) -> Transaction | None:
        """Return the transaction that these names lead to; two of one payment become one.

        The second name is the one that a payment has without its uuid. Whoever has another uuid is
        another payment all the same.
        """
        own, other = named[0], named[-1]
        if other is None or other is own or other.uuid not in (None, payment.uuid):
            return own
        if own is None:
            return other
        own.join(other, payment, self._occasion)
        for joined in (other, own):
            self._collect(joined, {}, has_changed=True)
        return own

    def _named(self, name_id: UUID) -> Transaction | None:
        """Return the transaction of a name, wherever it goes on; None for a new name."""
        stream_id = self._stream_named(name_id)
        while stream_id is not None:
            if stream_id not in self._known:
                self._known |= self._repository.load([stream_id])
            transaction = self._get(Transaction, stream_id)
            stream_id = transaction.continued_in
            if stream_id is None:
                return transaction
        return None

    def _stream_named(self, name_id: UUID) -> UUID | None:
        own = self._decision.stream_by_name.get(name_id)
        return own or self._repository.stream_named(name_id)

    def _follow_instalment(self, transaction: Transaction) -> None:
        """Record in the subscription how the transaction of an instalment stands now."""
        facts = transaction.facts
        if not is_instalment(facts) or transaction.uuid is None:
            return
        alias = str(facts.get("alias", ""))
        subscription_id = facts.get("subscription_id") or self._lost_reference(facts)
        if subscription_id is None:
            return
        subscription = self._subscription(str(subscription_id), alias)
        if "order_id" in facts:
            self._decision.order_by_subscription[subscription.id] = facts["order_id"]
        instalment = instalment_facts(transaction.uuid, facts)
        has_changed = subscription.follow_instalment(
            str(subscription_id), alias, instalment, self._occasion
        )
        self._collect(subscription, instalment, has_changed=has_changed)

    def _lost_reference(self, facts: Mapping[str, Fact]) -> str | None:
        """Find the subscription that a replay has lost. Source: form-v2 reference, section 6.5."""
        if "alias" not in facts or "order_id" not in facts:
            return None
        return self._repository.subscription_of(
            self._content.shop_id, self._content.mode, str(facts["alias"]), str(facts["order_id"])
        )

    def _subscription(self, subscription_id: str, alias: str) -> Subscription:
        content = self._content
        id_ = Subscription.id_of(content.shop_id, content.mode, subscription_id, alias)
        if id_ not in self._known:
            self._known |= self._repository.load([id_])
        return self._get(Subscription, id_)

    def _get(self, aggregate_class: type[_Known], id_: UUID) -> _Known:
        known = self._known.get(id_)
        if known is None:
            known = self._known[id_] = aggregate_class.initial(id_)
        assert isinstance(known, aggregate_class)
        return known

    def _collect(
        self, aggregate: LedgerAggregate, facts: Mapping[str, Fact], *, has_changed: bool
    ) -> None:
        if has_changed:
            self._decision.changed[aggregate.id] = aggregate
        elif aggregate.is_known:
            self._decision.repeated.setdefault(aggregate.id, aggregate.place_confirmed_by(facts))


def streams_of(content: NotificationContent) -> list[UUID]:
    """Return the streams that a notification names, those of a transaction by all its names."""
    shop_id, mode = content.shop_id, content.mode
    subscriptions = [
        (snapshot.subscription_id, snapshot.alias) for snapshot in content.subscriptions
    ]
    subscriptions += [
        (str(snapshot.facts["subscription_id"]), str(snapshot.facts.get("alias", "")))
        for snapshot in content.transactions
        if "subscription_id" in snapshot.facts
    ]
    return [
        *transactions_of(content),
        *(Alias.id_of(shop_id, mode, snapshot.alias) for snapshot in content.aliases),
        *(Subscription.id_of(shop_id, mode, *names) for names in dict.fromkeys(subscriptions)),
    ]


def transactions_of(content: NotificationContent) -> list[UUID]:
    """Return the ids of all names of the transactions that a notification is about."""
    return [
        Transaction.id_of(content.shop_id, content.mode, name)
        for payment in content.transactions
        for name in names_of(payment)
    ]


def instalment_facts(uuid: str, facts: Mapping[str, Fact]) -> dict[str, Fact]:
    """Return the facts of an instalment whose transaction stands like this."""
    named = {name: facts[fact] for name, fact in _INSTALMENT.items() if fact in facts}
    return {"transaction_uuid": uuid} | named


_INSTALMENT = {"number": "instalment_number"} | {
    name: name for name in ("status", "amount_minor", "currency", "created_at")
}
"""Fact of an instalment -> fact of its transaction."""
