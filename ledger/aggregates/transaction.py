"""The life of one payment, refund or verification, as far as its notifications report it."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from ledger.aggregates.aggregate import LedgerAggregate, Occasion
from ledger.aggregates.news import Recall, no_recall
from ledger.aggregates.precedence import (
    Changes,
    Observation,
    contradicts,
    facts_with,
    instant_of,
    status_of,
)
from ledger.aggregates.situation import Situation
from ledger.ipn import notification_rules as rules
from ledger.ipn.kinds import Kind
from ledger.ipn.snapshots import Fact, Pairs, TransactionSnapshot
from ledger.ipn.statuses import RANKS


class Transaction(LedgerAggregate):
    """One payment at one shop. Units: amounts in minor units of the currency beside them."""

    TOPIC = KIND = Kind.TRANSACTION
    ASSIGNED = ("uuid",)

    class Event(LedgerAggregate.Event):
        """`uuid` is None when the platform gave none; `reference` then identifies it."""

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
        if not has_facts and not self.has_news(named_texts, changes, occasion, recall):
            return False
        situation = Situation(self.facts, snapshot.facts, changes, occasion, self.is_known)
        rule, certainty = situation.rule()
        event_class = classify(situation, rule) if has_facts else self.DetailsReported
        self._record(
            event_class,
            snapshot.facts,
            changes,
            occasion,
            uuid=snapshot.uuid,
            reference=snapshot.reference,
            rule=rule,
            rule_certainty=certainty,
            occurred_at=_occurred_at(situation, event_class, snapshot.derived),
            odd=list(snapshot.odd) or None,
            suspected=list(snapshot.suspected) or None,
            derived=list(snapshot.derived) or None,
            details=snapshot.details or None,
            personal=snapshot.personal or None,
        )
        return True

    def join(self, other: "Transaction", snapshot: TransactionSnapshot, occasion: Occasion) -> None:
        """Record that another stream, begun without the uuid, is about this payment too.

        The other one ends with this. What it has reported counts as if it had come here.
        """
        self.begin_anew(occasion)
        facts = self.facts_joined_with(other)
        is_contradiction = contradicts(status_of(self.facts), status_of(other.facts))
        attributes = {"rule": occasion.rule or rules.END_OF_PAYMENT}
        attributes |= {"rule_certainty": occasion.rule_certainty}
        other._record(
            self.Continued,
            {},
            Changes((), (), is_late=False, is_contradiction=False),
            occasion,
            reference=other.reference,
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
            details=[["joined", other.reference]],
            other_id=other.id.hex,
            other_reference=other.reference,
            other_version=other.version,
            other_late=other.late_count,
            other_contradictions=other.contradiction_count,
            other_first_seen_at=other.first_seen_at,
            **attributes,
        )
        self.observations += _beyond_doubt(other)

    def facts_joined_with(self, other: "Transaction") -> dict[str, Fact]:
        """Return what both streams of a payment report together."""
        return facts_with(self.facts, self.observations, _beyond_doubt(other))

    def confirm(self, occasion: Occasion, details: Pairs) -> None:
        """Record that an operator vouches for what only doubtful notifications reported.

        Shape: `details` say who and why.
        """
        facts = dict(self.facts)
        self.begin_anew(occasion)
        self._record(
            self.ConfirmedByOperator,
            facts,
            Changes(added=tuple(facts), moved=tuple(facts), is_late=False, is_contradiction=False),
            occasion,
            uuid=self.uuid,
            reference=self.reference,
            rule=occasion.rule,
            rule_certainty=occasion.rule_certainty,
            details=details,
        )


def _beyond_doubt(transaction: Transaction) -> list[Observation]:
    return [] if transaction.is_doubtful else transaction.observations


_T = Transaction
_BY_STATUS: Mapping[str, type[Transaction.Event]] = {
    "CAPTURED": _T.Captured,
    "CAPTURE_FAILED": _T.CaptureFailed,
    "SUSPENDED": _T.CaptureSuspended,
    "EXPIRED": _T.Expired,
    "CANCELLED": _T.Cancelled,
    "ABANDONED": _T.PaymentAbandoned,
}
_CREATIONS = frozenset(
    {_T.PaymentAccepted, _T.PaymentRefused, _T.VerificationAccepted, _T.VerificationRefused}
    | {_T.ManualPaymentAccepted, _T.ManualPaymentRefused}
    | {_T.RefundIssued, _T.RefundRefused, _T.PaymentDuplicated}
)


def classify(situation: Situation, rule: str) -> type[Transaction.Event]:
    """Return the event class that says in domain words what happened."""
    if not situation.status or situation.has_same_status:
        return _with_same_status(situation)
    if situation.status not in RANKS:
        return _T.StatusReported
    if situation.status_before:
        return _with_changed_status(situation)
    return _with_first_status(situation, rule)


def _with_same_status(situation: Situation) -> type[Transaction.Event]:
    if not situation.is_known:
        return _T.StatusReported
    if situation.replaces("amount_minor"):
        return _T.AmountChanged
    if situation.replaces("capture_at"):
        return _T.CaptureRescheduled
    return _T.DetailsReported


def _with_changed_status(situation: Situation) -> type[Transaction.Event]:
    if situation.is_refused:
        if situation.operation == "CREDIT":
            return _T.RefundRefused
        return _T.AuthorisationRefused if situation.has_waited else _T.RefusedByAcquirer
    if situation.is_validation:
        return _T.Validated
    if situation.is_granted:
        return _T.AuthorisationGranted if situation.has_waited else _T.AcceptedByAcquirer
    return _BY_STATUS.get(situation.status, _T.StatusReported)


def _with_first_status(situation: Situation, rule: str) -> type[Transaction.Event]:
    if situation.status in ("ABANDONED", "CANCELLED"):
        return _BY_STATUS[situation.status]
    if situation.operation == "CREDIT":
        return _T.RefundRefused if situation.is_refused else _T.RefundIssued
    if situation.operation == "VERIFICATION":
        return _T.VerificationRefused if situation.is_refused else _T.VerificationAccepted
    if situation.operation not in ("DEBIT", ""):
        return _T.StatusReported
    if rule == rules.BACK_OFFICE:
        return _by_operator(situation)
    if rule == rules.ACQUIRER_STATUS:
        by_status = _BY_STATUS.get(situation.status, _T.AcceptedByAcquirer)
        return _T.RefusedByAcquirer if situation.is_refused else by_status
    return _first_payment(situation, rule)


def _first_payment(situation: Situation, rule: str) -> type[Transaction.Event]:
    if rule == rules.DEFERRED_AUTHORISATION:
        if situation.is_refused:
            return _T.AuthorisationRefused
        if situation.is_granted:
            return _T.AuthorisationGranted
    if situation.is_refused:
        return _T.PaymentRefused
    if situation.status in ("EXPIRED", "CAPTURE_FAILED", "SUSPENDED"):
        return _BY_STATUS[situation.status]
    return _T.PaymentAccepted


def _by_operator(situation: Situation) -> type[Transaction.Event]:
    """Classify the first operation on a transaction: a new one, or one made before we listened."""
    if situation.is_made_by_operator:
        if not situation.is_by_telephone:
            return _T.PaymentDuplicated
        return _T.ManualPaymentRefused if situation.is_refused else _T.ManualPaymentAccepted
    if situation.was_made_now:  # so that nothing was done with it yet, whatever a hint says
        return _first_payment(situation, rules.END_OF_PAYMENT)
    return _BY_STATUS.get(situation.status, _T.StatusReported)


def _occurred_at(
    situation: Situation, event_class: type[LedgerAggregate.Event], derived: Collection[str]
) -> datetime | None:
    """Return when it happened according to the platform; None when it does not say."""
    dated_by = ""
    if event_class is _T.Captured:
        dated_by = "captured_at"
    elif not situation.is_known and event_class in _CREATIONS:
        dated_by = "created_at"
    if dated_by in situation.facts and dated_by not in derived:
        return instant_of(situation.facts, dated_by)
    is_redelivery = situation.occasion.source in rules.REDELIVERIES
    return None if is_redelivery else situation.occasion.told_at
