"""A plan of recurring payments on an alias, and each instalment with its outcome."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from ledger.aggregates.aggregate import LedgerAggregate, Occasion, bind_events, stream_id
from ledger.aggregates.precedence import Changes
from ledger.ipn.kinds import Kind
from ledger.ipn.notification_rules import INFERRED, INSTALMENT, SUBSCRIPTION
from ledger.ipn.snapshots import CREATED, NOT_CREATED, Fact, SubscriptionSnapshot
from ledger.ipn.statuses import REFUSED


class Subscription(LedgerAggregate):
    """One plan at one shop; its id is not unique, the pair of id and alias is.

    Shape: `instalments` holds every attempt by the uuid of its transaction, with the facts of
    `INSTALMENT_FACTS`, as that transaction stands.
    """

    TOPIC = "subscription"
    KIND = Kind.SUBSCRIPTION

    class Event(LedgerAggregate.Event):
        """`status` is what the subscription has come to with this event."""

        subscription_id: str = ""
        alias: str = ""
        status: str = CREATED

    class Opened(Event):
        TOPIC = "subscription.opened"

    class Refused(Event):
        TOPIC = "subscription.refused"
        COUNTS_FOR_ORDER = False

    class InstalmentAccepted(Event):
        TOPIC = "subscription.instalment-accepted"
        COUNTS_FOR_ORDER = False

    class InstalmentRefused(Event):
        TOPIC = "subscription.instalment-refused"
        COUNTS_FOR_ORDER = False

    class InstalmentProgressed(Event):
        TOPIC = "subscription.instalment-progressed"
        COUNTS_FOR_ORDER = False

    subscription_id: str
    alias: str
    status: str
    instalments: dict[str, dict[str, Fact]]

    @staticmethod
    def id_of(shop_id: str, mode: str, subscription_id: str, alias: str) -> UUID:
        return stream_id(Kind.SUBSCRIPTION, shop_id, mode, subscription_id, alias)

    def apply(self, event: LedgerAggregate.Event) -> None:
        """Assign what an event says."""
        assert isinstance(event, Subscription.Event)
        if not self.observations:
            self.instalments = {}
            self.subscription_id, self.alias = event.subscription_id, event.alias
        self.status = event.status
        if event.TOPIC in _OF_INSTALMENTS:
            self.instalments[str(event.facts["transaction_uuid"])] = dict(event.facts)
        super().apply(event)

    def observe(self, snapshot: SubscriptionSnapshot, occasion: Occasion) -> bool:
        """Record that it was opened or refused; return True if that added anything."""
        changes = self.changes(snapshot.facts, occasion, ordered_by=occasion.told_at)
        is_refused = snapshot.facts.get("request") == NOT_CREATED
        if is_refused:  # a plan that was opened stays as it is
            gaps = [name for name in changes.moved if name not in self.facts]
            changes = replace(changes, moved=gaps)
        if not changes.has_changes:
            return False
        self._record_event(
            self.Refused if is_refused else self.Opened,
            snapshot.subscription_id,
            snapshot.alias,
            snapshot.facts,
            changes,
            occasion,
        )
        return True

    def follow_instalment(
        self, subscription_id: str, alias: str, instalment: Mapping[str, Fact], occasion: Occasion
    ) -> bool:
        """Record how the transaction of an instalment stands now; return True if that is new.

        The transaction has already judged what came late or contradicts what was known.
        """
        known = self.instalments if self.is_known else {}
        previous = known.get(str(instalment["transaction_uuid"]))
        if previous == instalment:
            return False
        self._record_event(
            _classify(previous, instalment),
            subscription_id,
            alias,
            instalment,
            Changes(added=(), moved=(), is_late=False, is_contradiction=False),
            occasion,
        )
        return True

    def _record_event(
        self,
        event_class: type[Event],
        subscription_id: str,
        alias: str,
        facts: Mapping[str, Fact],
        changes: Changes,
        occasion: Occasion,
    ) -> None:
        is_of_instalment = event_class.TOPIC in _OF_INSTALMENTS
        is_refused = event_class is self.Refused and (not self.is_known or self.status != CREATED)
        self._record(
            event_class,
            facts,
            changes,
            occasion,
            subscription_id=subscription_id,
            alias=alias,
            status=NOT_CREATED if is_refused else CREATED,
            reference=subscription_id,
            rule=INSTALMENT if is_of_instalment else SUBSCRIPTION,
            rule_certainty=occasion.rule_certainty if occasion.rule else INFERRED,
            occurred_at=occasion.told_at,
        )


bind_events(Subscription)

_OF_INSTALMENTS = frozenset(
    {
        Subscription.InstalmentAccepted.TOPIC,
        Subscription.InstalmentRefused.TOPIC,
        Subscription.InstalmentProgressed.TOPIC,
    }
)


def _classify(
    previous: Mapping[str, Fact] | None, instalment: Mapping[str, Fact]
) -> type[Subscription.Event]:
    if instalment.get("status") in REFUSED and (
        previous is None or previous.get("status") != instalment.get("status")
    ):
        return Subscription.InstalmentRefused
    return (
        Subscription.InstalmentAccepted if previous is None else Subscription.InstalmentProgressed
    )
