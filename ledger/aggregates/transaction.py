"""The life of one payment, refund or verification, as far as its notifications report it."""

from collections.abc import Mapping
from datetime import datetime

from ledger.aggregates.aggregate import LedgerAggregate, Occasion
from ledger.aggregates.precedence import Changes, instant_of
from ledger.aggregates.situation import Situation
from ledger.ipn import notification_rules as rules
from ledger.ipn.kinds import Kind
from ledger.ipn.snapshots import Pairs, TransactionSnapshot
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

    uuid: str | None

    def observe(
        self,
        snapshot: TransactionSnapshot,
        occasion: Occasion,
        *,
        confirmed_at: datetime | None = None,
    ) -> bool:
        """Record what a snapshot adds to what is known; return True if it added anything."""
        self.begin_anew(occasion)
        changes = self.changes(
            snapshot.facts, occasion, ordered_by=occasion.told_at, confirmed_at=confirmed_at
        )
        if not changes.has_changes and self.is_known:
            return False
        situation = Situation(self.facts, snapshot.facts, changes, occasion, self.is_known)
        rule, certainty = situation.rule()
        event_class = classify(situation, rule)
        self._record(
            event_class,
            snapshot.facts,
            changes,
            occasion,
            uuid=snapshot.uuid,
            reference=snapshot.reference,
            rule=rule,
            rule_certainty=certainty,
            occurred_at=_occurred_at(situation, event_class),
            odd=list(snapshot.odd) or None,
            suspected=list(snapshot.suspected) or None,
            details=snapshot.details or None,
            personal=snapshot.personal or None,
        )
        return True

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
    if not situation.status or situation.status == situation.status_before:
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
    if rule == rules.BACK_OFFICE and situation.is_made_by_operator:
        return _made_by_operator(situation)
    if situation.was_made_now:  # so that nothing was done with it yet, whatever a hint says
        return _first_payment(situation, rules.END_OF_PAYMENT)
    if rule == rules.BACK_OFFICE:  # made before we listened
        return _BY_STATUS.get(situation.status, _T.StatusReported)
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


def _made_by_operator(situation: Situation) -> type[Transaction.Event]:
    if not situation.is_by_telephone:
        return _T.PaymentDuplicated
    return _T.ManualPaymentRefused if situation.is_refused else _T.ManualPaymentAccepted


def _occurred_at(situation: Situation, event_class: type[LedgerAggregate.Event]) -> datetime | None:
    """Return when it happened according to the platform; None when it does not say."""
    dated_by = ""
    if event_class is _T.Captured:
        dated_by = "captured_at"
    elif not situation.is_known and event_class in _CREATIONS:
        dated_by = "created_at"
    if dated_by in situation.facts:
        return instant_of(situation.facts, dated_by)
    is_redelivery = situation.occasion.source in rules.REDELIVERIES
    return None if is_redelivery else situation.occasion.told_at
