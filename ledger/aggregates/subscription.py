"""A plan of recurring payments on an alias, and each instalment with its outcome."""

from collections.abc import Mapping
from dataclasses import replace

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.aggregates.news import Recall, no_recall
from ledger.aggregates.occasion import Occasion
from ledger.aggregates.precedence import Changes
from ledger.ipn import notification_rules as rules
from ledger.ipn.kinds import Kind
from ledger.ipn.snapshots import (
    CREATED,
    INSTALMENT_FACTS,
    NOT_CREATED,
    SUBSCRIPTION_FACTS,
    Fact,
    SubscriptionSnapshot,
)
from ledger.ipn.statuses import REFUSED


class Subscription(LedgerAggregate):
    """One plan at one shop; its id is not unique, the pair of id and alias is.

    Shape: `instalments` holds every attempt by the uuid of its transaction, with the facts of
    `INSTALMENT_FACTS`, as that transaction stands.
    """

    TOPIC = KIND = Kind.SUBSCRIPTION
    ASSIGNED = ("subscription_id", "alias", "status")

    class Event(LedgerAggregate.Event):
        """`status` is what the subscription has come to with this event."""

        FACTS = INSTALMENT_FACTS

        subscription_id: str = ""
        alias: str = ""
        status: str = CREATED

    Opened = Event.called("subscription.opened")
    Refused = Event.called("subscription.refused", counts_for_order=False)
    InstalmentAccepted = Event.called("subscription.instalment-accepted", counts_for_order=False)
    InstalmentRefused = Event.called("subscription.instalment-refused", counts_for_order=False)
    InstalmentProgressed = Event.called(
        "subscription.instalment-progressed", counts_for_order=False
    )
    DetailsReported = Event.called("subscription.details-reported", counts_for_order=False)
    ConfirmedByCall = Event.called("subscription.confirmed-by-call", counts_for_order=False)
    Opened.FACTS = Refused.FACTS = SUBSCRIPTION_FACTS
    DetailsReported.FACTS = ConfirmedByCall.FACTS = SUBSCRIPTION_FACTS

    subscription_id: str
    alias: str
    status: str
    instalments: dict[str, dict[str, Fact]]

    def forget(self) -> None:
        super().forget()
        self.instalments = {}

    def assign(self, event: LedgerAggregate.Event) -> None:
        if event.rule == rules.INSTALMENT and event.doubtful is None:
            self.instalments[str(event.facts["transaction_uuid"])] = dict(event.facts)
        super().assign(event)

    def observe(
        self, snapshot: SubscriptionSnapshot, occasion: Occasion, recall: Recall = no_recall
    ) -> bool:
        """Record that it was opened or refused; return True if that added anything."""
        self.begin_anew(occasion)
        changes = self.changes(snapshot.facts, occasion, ordered_by=occasion.told_at)
        event_class, status = self.Opened, CREATED
        if snapshot.facts.get("request") == NOT_CREATED:  # a plan that was opened stays as it is
            gaps = [name for name in changes.moved if name not in self.facts]
            changes = replace(changes, moved=gaps)
            event_class, status = self.Refused, self.status if self.is_known else NOT_CREATED
        if changes.has_changes:
            self._report(event_class, snapshot, changes, occasion, status)
            return True
        named_texts = [*snapshot.details, *snapshot.personal]
        if not self.is_known:
            return False
        if self.has_news(named_texts, changes, occasion, recall):
            self._report(self.DetailsReported, snapshot, changes, occasion, self.status)
        elif self.is_confirmed_by(snapshot.facts, occasion):
            self._report(self.ConfirmedByCall, snapshot, changes, occasion, self.status)
        else:
            return False
        return True

    def follow_instalment(
        self, subscription_id: str, alias: str, instalment: Mapping[str, Fact], occasion: Occasion
    ) -> bool:
        """Record how the transaction of an instalment stands now; return True if that is new.

        The transaction has already judged what came late or contradicts what was known.
        """
        self.begin_anew(occasion)
        known = self.instalments if self.is_known else {}
        previous = known.get(str(instalment["transaction_uuid"]))
        if previous == instalment:
            return False
        status = instalment.get("status")
        event_class = self.InstalmentProgressed if previous else self.InstalmentAccepted
        if status in REFUSED and (not previous or previous.get("status") != status):
            event_class = self.InstalmentRefused
        snapshot = SubscriptionSnapshot(subscription_id, alias, instalment)
        self._report(event_class, snapshot, _NO_CHANGES, occasion, rule=rules.INSTALMENT)
        return True

    def _report(
        self,
        event_class: type[LedgerAggregate.Event],
        snapshot: SubscriptionSnapshot,
        changes: Changes,
        occasion: Occasion,
        status: str = CREATED,
        rule: str = rules.SUBSCRIPTION,
    ) -> None:
        self._record(
            event_class,
            snapshot.facts,
            changes,
            occasion,
            reference=snapshot.subscription_id,
            subscription_id=snapshot.subscription_id,
            alias=snapshot.alias,
            status=self.status if self.is_beyond_doubt(occasion) else status,
            rule=rule,
            rule_certainty=occasion.rule_certainty if occasion.rule else rules.INFERRED,
            occurred_at=occasion.told_at,
            odd=list(snapshot.odd) or None,
            details=snapshot.details or None,
            personal=snapshot.personal or None,
            suspected=list(snapshot.suspected) or None,
        )


_NO_CHANGES = Changes(added=(), moved=(), is_late=False, is_contradiction=False)
