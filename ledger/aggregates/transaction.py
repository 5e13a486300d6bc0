"""The life of one payment, refund or verification, as far as its notifications report it."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.aggregates.classification import (
    CONFIRMED_BY_CALL,
    DETAILS_REPORTED,
    classify,
    occurred_at,
)
from ledger.aggregates.news import Recall, no_recall
from ledger.aggregates.occasion import Occasion
from ledger.aggregates.precedence import (
    Changes,
    Observation,
    contradicts,
    facts_with,
    status_of,
)
from ledger.aggregates.situation import Situation
from ledger.ipn import notification_rules as rules
from ledger.ipn.kinds import Kind
from ledger.ipn.snapshots import TRANSACTION_FACTS, Fact, Pairs, TransactionSnapshot


class Transaction(LedgerAggregate):
    """One payment at one shop. Units: amounts in minor units of the currency beside them."""

    TOPIC = KIND = Kind.TRANSACTION
    ASSIGNED = ("uuid",)

    class Event(LedgerAggregate.Event):
        """`uuid` is None when the platform gave none; `reference` then identifies it."""

        FACTS = TRANSACTION_FACTS

        uuid: str | None = None

    PaymentAccepted = Event.called("transaction.payment-accepted")
    PaymentRefused = Event.called("transaction.payment-refused")
    PaymentAbandoned = Event.called("transaction.payment-abandoned")
    VerificationAccepted = Event.called("transaction.verification-accepted")
    VerificationRefused = Event.called("transaction.verification-refused")
    AuthorisationGranted = Event.called("transaction.authorisation-granted")
    AuthorisationRefused = Event.called("transaction.authorisation-refused")
    AcceptedByAcquirer = Event.called("transaction.accepted-by-acquirer")
    RefusedByAcquirer = Event.called("transaction.refused-by-acquirer")
    Captured = Event.called("transaction.captured")
    CaptureFailed = Event.called("transaction.capture-failed")
    CaptureSuspended = Event.called("transaction.capture-suspended")
    Expired = Event.called("transaction.expired")
    Cancelled = Event.called("transaction.cancelled")
    Validated = Event.called("transaction.validated")
    AmountChanged = Event.called("transaction.amount-changed")
    CaptureRescheduled = Event.called("transaction.capture-rescheduled")
    RefundIssued = Event.called("transaction.refund-issued")
    RefundRefused = Event.called("transaction.refund-refused")
    PaymentDuplicated = Event.called("transaction.payment-duplicated")
    ManualPaymentAccepted = Event.called("transaction.manual-payment-accepted")
    ManualPaymentRefused = Event.called("transaction.manual-payment-refused")
    DetailsReported = Event.called("transaction.details-reported")
    StatusReported = Event.called("transaction.status-reported")
    ConfirmedByOperator = Event.called("transaction.confirmed-by-operator")
    ConfirmedByCall = Event.called("transaction.confirmed-by-call")

    class Joined(Event):
        """The payment has a second stream, begun without its uuid; from here on they are one.

        Shape: `facts` are those that both have reported together. The other stream: its id as 32
        hex digits, its reference, and what its events add up to.
        """

        TOPIC = "transaction.joined"
        other_id: str = ""
        other_reference: str = ""
        other_version: int = 0
        other_late: int = 0
        other_contradictions: int = 0
        other_first_seen_at: datetime | None = None

    class Continued(Event):
        """The last event of a stream that was begun without a uuid: it goes on in another one."""

        TOPIC = "transaction.continued"
        other_id: str = ""
        other_reference: str = ""

    uuid: str | None
    continued_in: UUID | None = None
    late_count: int = 0
    contradiction_count: int = 0
    first_seen_at: datetime | None = None

    def forget(self) -> None:
        super().forget()
        self.uuid = None

    def apply(self, event: LedgerAggregate.Event) -> None:
        if self.first_seen_at is None:
            self.shop_id, self.mode, self.reference = event.shop_id, event.mode, event.reference
            self.first_seen_at = event.timestamp
        self.late_count += event.late
        self.contradiction_count += event.contradiction
        if isinstance(event, Transaction.Continued):
            if self.id == event.originator_id:
                self.continued_in = UUID(event.other_id)
        elif isinstance(event, Transaction.Joined):
            if self.is_doubtful:
                self.forget()
            self.uuid, self.facts = event.uuid, dict(event.facts)
        else:
            super().apply(event)

    def assign(self, event: LedgerAggregate.Event) -> None:
        known_uuid = self.uuid
        super().assign(event)
        self.uuid = self.uuid or known_uuid

    def observe(
        self,
        snapshot: TransactionSnapshot,
        occasion: Occasion,
        *,
        confirmed_at: datetime | None = None,
        recall: Recall = no_recall,
    ) -> bool:
        """Record what a snapshot says otherwise than before; return True if it did."""
        self.begin_anew(occasion)
        changes = self.changes(
            snapshot.facts,
            occasion,
            ordered_by=occasion.told_at,
            confirmed_at=confirmed_at,
            derived=snapshot.derived,
        )
        has_no_uuid_yet = self.uuid is None and not self.is_beyond_doubt(occasion)
        is_named = has_no_uuid_yet and snapshot.uuid is not None
        has_facts = changes.has_changes or is_named or not self.is_known
        named_texts = [*snapshot.details, *snapshot.personal]
        if has_facts:
            self._report(snapshot, changes, occasion)
        elif self.has_news(named_texts, changes, occasion, recall):
            self._report(snapshot, changes, occasion, happened=DETAILS_REPORTED)
        elif self.is_confirmed_by(snapshot.facts, occasion):
            self._report(snapshot, changes, occasion, happened=CONFIRMED_BY_CALL)
        else:
            return False
        return True

    def _report(
        self,
        snapshot: TransactionSnapshot,
        changes: Changes,
        occasion: Occasion,
        *,
        happened: str | None = None,
    ) -> None:
        """Record a snapshot. Shape: what happened follows from its facts, unless it is given."""
        situation = Situation(self.facts, snapshot.facts, changes, occasion, self.is_known)
        rule, certainty = situation.rule()
        happened = happened or classify(situation, rule)
        self._record(
            _EVENTS[happened],
            snapshot.facts,
            changes,
            occasion,
            uuid=snapshot.uuid,
            reference=snapshot.reference,
            rule=rule,
            rule_certainty=certainty,
            occurred_at=occurred_at(situation, happened, snapshot.derived),
            odd=list(snapshot.odd) or None,
            suspected=list(snapshot.suspected) or None,
            derived=list(snapshot.derived) or None,
            details=snapshot.details or None,
            personal=snapshot.personal or None,
        )

    def join(self, twin: "Transaction", snapshot: TransactionSnapshot, occasion: Occasion) -> None:
        """Record that another stream, begun without the uuid, is about this payment too.

        The other one ends with this. What it has reported counts as if it had come here.
        """
        self.begin_anew(occasion)
        facts = self.facts_joined_with(twin)
        is_contradiction = contradicts(status_of(self.facts), status_of(twin.facts))
        attributes = {"rule": occasion.rule or rules.END_OF_PAYMENT}
        attributes |= {"rule_certainty": occasion.rule_certainty}
        twin._record(
            self.Continued,
            {},
            Changes((), (), is_late=False, is_contradiction=False),
            occasion,
            reference=twin.reference,
            details=[["uuid", snapshot.reference]],
            other_id=self.id.hex,
            other_reference=snapshot.reference,
            **attributes,
        )
        self._record(
            self.Joined,
            facts,
            Changes((), tuple(facts), is_late=False, is_contradiction=is_contradiction),
            occasion,
            uuid=snapshot.uuid,
            reference=snapshot.reference,
            details=[["joined", twin.reference]],
            other_id=twin.id.hex,
            other_reference=twin.reference,
            other_version=twin.version,
            other_late=twin.late_count,
            other_contradictions=twin.contradiction_count,
            other_first_seen_at=twin.first_seen_at,
            unconfirmed=self._unconfirmed_with(twin, facts),
            **attributes,
        )
        self.observations += _beyond_doubt(twin)

    def facts_joined_with(self, twin: "Transaction") -> dict[str, Fact]:
        """Return what both streams of a payment report together."""
        return facts_with(self.facts, self.observations, _beyond_doubt(twin))

    def _unconfirmed_with(self, twin: "Transaction", facts: Mapping[str, Fact]) -> list[str] | None:
        """Return what of two streams together only answers to our own questions have reported."""
        confirmed = [{*each.facts} - each.unconfirmed for each in (self, twin)]
        return sorted({*facts}.difference(*confirmed)) or None

    def confirm(self, occasion: Occasion, details: Pairs) -> None:
        """Record that an operator vouches for what only doubtful notifications reported.

        Shape: `details` say who and why.
        """
        facts, uuid = dict(self.facts), self.uuid
        self.begin_anew(occasion)
        self._record(
            self.ConfirmedByOperator,
            facts,
            Changes(added=tuple(facts), moved=tuple(facts), is_late=False, is_contradiction=False),
            occasion,
            uuid=uuid,
            reference=self.reference,
            rule=occasion.rule,
            rule_certainty=occasion.rule_certainty,
            details=details,
        )


def _beyond_doubt(transaction: Transaction) -> list[Observation]:
    return [] if transaction.is_doubtful else transaction.observations


_EVENTS: Mapping[str, type[Transaction.Event]] = {
    event.TOPIC.partition(".")[2]: event
    for event in vars(Transaction).values()
    if isinstance(event, type) and issubclass(event, Transaction.Event) and "TOPIC" in vars(event)
}
"""Every event by its stored name, without the kind before it."""
