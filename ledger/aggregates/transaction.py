"""The life of one payment, refund or verification, as far as its notifications tell it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from ledger.aggregates.observed import News, Observed, Occasion, bind_events, stream_id
from ledger.formats.snapshot import Fact, TransactionSnapshot, is_instalment
from ledger.instants import read_platform_instant
from ledger.rules import (
    ACQUIRER_STATUS,
    ALIAS,
    BACK_OFFICE,
    CANCELLATION,
    DEFERRED_AUTHORISATION,
    END_OF_PAYMENT,
    INFERRED,
    INSTALMENT,
    REDELIVERIES,
    SUBSCRIPTION,
)
from ledger.statuses import RANKS, REFUSED


class Transaction(Observed):
    """One payment at one shop. Units: amounts in minor units of the currency beside them."""

    TOPIC = "transaction"
    KIND = "transaction"

    class Event(Observed.Event):
        """`uuid` is None when the platform gave none; `reference` then identifies it."""

        uuid: str | None = None

    class PaymentAccepted(Event):
        TOPIC = "transaction.payment-accepted"

    class PaymentRefused(Event):
        TOPIC = "transaction.payment-refused"

    class PaymentAbandoned(Event):
        TOPIC = "transaction.payment-abandoned"

    class VerificationAccepted(Event):
        TOPIC = "transaction.verification-accepted"

    class VerificationRefused(Event):
        TOPIC = "transaction.verification-refused"

    class AuthorisationGranted(Event):
        TOPIC = "transaction.authorisation-granted"

    class AuthorisationRefused(Event):
        TOPIC = "transaction.authorisation-refused"

    class AcceptedByAcquirer(Event):
        TOPIC = "transaction.accepted-by-acquirer"

    class RefusedByAcquirer(Event):
        TOPIC = "transaction.refused-by-acquirer"

    class Captured(Event):
        TOPIC = "transaction.captured"

    class CaptureFailed(Event):
        TOPIC = "transaction.capture-failed"

    class CaptureSuspended(Event):
        TOPIC = "transaction.capture-suspended"

    class Expired(Event):
        TOPIC = "transaction.expired"

    class Cancelled(Event):
        TOPIC = "transaction.cancelled"

    class Validated(Event):
        TOPIC = "transaction.validated"

    class AmountChanged(Event):
        TOPIC = "transaction.amount-changed"

    class CaptureRescheduled(Event):
        TOPIC = "transaction.capture-rescheduled"

    class RefundIssued(Event):
        TOPIC = "transaction.refund-issued"

    class RefundRefused(Event):
        TOPIC = "transaction.refund-refused"

    class PaymentDuplicated(Event):
        TOPIC = "transaction.payment-duplicated"

    class ManualPaymentAccepted(Event):
        TOPIC = "transaction.manual-payment-accepted"

    class ManualPaymentRefused(Event):
        TOPIC = "transaction.manual-payment-refused"

    class DetailsReported(Event):
        TOPIC = "transaction.details-reported"

    class StatusReported(Event):
        TOPIC = "transaction.status-reported"

    uuid: str | None

    @staticmethod
    def id_of(shop_id: str, mode: str, reference: str) -> UUID:
        """Identify by uuid, or by the reference that stands in for it."""
        return stream_id("transaction", shop_id, mode, reference)

    @property
    def is_instalment(self) -> bool:
        return is_instalment(self.facts)

    def take(self, event: Observed.Event) -> None:
        """Assign what an event says."""
        super().take(event)
        assert isinstance(event, Transaction.Event)
        self.uuid = event.uuid

    def observe(
        self,
        snapshot: TransactionSnapshot,
        occasion: Occasion,
        *,
        confirmed_at: datetime | None = None,
    ) -> bool:
        """Record what a snapshot adds to what is known; say whether it added anything."""
        news = self.news(
            snapshot.facts, occasion, ordered_by=occasion.told_at, confirmed_at=confirmed_at
        )
        if not news and self.is_known:
            return False
        moment = _Moment(self, snapshot.facts, occasion, news)
        rule, certainty = moment.rule()
        event_class = moment.meaning(rule)
        self.tell(
            event_class,
            snapshot.facts,
            news,
            occasion,
            uuid=snapshot.uuid,
            reference=snapshot.reference,
            rule=rule,
            rule_certainty=certainty,
            occurred_at=moment.occurred_at(event_class),
            odd=list(snapshot.odd) or None,
            details=snapshot.details or None,
            personal=snapshot.personal or None,
        )
        return True


bind_events(Transaction)

_WAITING = frozenset({"WAITING_AUTHORISATION", "WAITING_AUTHORISATION_TO_VALIDATE"})
_GRANTED = frozenset({"AUTHORISED", "AUTHORISED_TO_VALIDATE"})
_TO_VALIDATE = frozenset({"AUTHORISED_TO_VALIDATE", "WAITING_AUTHORISATION_TO_VALIDATE"})
_PLATFORM_MADE = "900000"  # short numbers from here on are given by the platform

_BY_STATUS: Mapping[str, type[Transaction.Event]] = {
    "CAPTURED": Transaction.Captured,
    "CAPTURE_FAILED": Transaction.CaptureFailed,
    "SUSPENDED": Transaction.CaptureSuspended,
    "EXPIRED": Transaction.Expired,
    "CANCELLED": Transaction.Cancelled,
    "ABANDONED": Transaction.PaymentAbandoned,
}


@dataclass(frozen=True)
class _Moment:
    """One snapshot in the life of one transaction: which rule told it, and what it means."""

    transaction: Transaction
    facts: Mapping[str, Fact]
    occasion: Occasion
    news: News

    @property
    def status(self) -> str:
        return str(self.facts.get("status", ""))

    @property
    def before(self) -> str:
        """The status known before; empty when this is the first we hear, or old news."""
        if self.news.is_late and not self.news.is_contradiction:
            return ""
        return str(self.transaction.facts.get("status", ""))

    @property
    def operation(self) -> str:
        known = self.transaction.facts.get("operation_type", "")
        return str(self.facts.get("operation_type", known))

    @property
    def is_refused(self) -> bool:
        return self.status in REFUSED

    # -- which rule ---------------------------------------------------------------------------

    def rule(self) -> tuple[str, str]:
        """The rule the notification was sent under, and how sure that is."""
        rule, certainty = self.occasion.rule, self.occasion.rule_certainty
        if rule is None:
            rule, certainty = self._inferred_rule(), INFERRED
        if rule == END_OF_PAYMENT and self.operation == "VERIFICATION":
            rule = SUBSCRIPTION if "subscription_id" in self.facts else ALIAS
        return rule, certainty

    def _inferred_rule(self) -> str:
        """Redeliveries have lost their source: read the rule from the content."""
        if self.status == "ABANDONED":
            return CANCELLATION
        if is_instalment(self.facts):
            return INSTALMENT
        if self.operation == "CREDIT":
            return BACK_OFFICE
        if not self.before:
            return END_OF_PAYMENT
        if self.before != self.status:
            return self._rule_of_change()
        return BACK_OFFICE if self._terms_moved else END_OF_PAYMENT

    def _rule_of_change(self) -> str:
        if self.status == "CANCELLED" or self._is_validation:
            return BACK_OFFICE
        if self.before in _WAITING and (self.status in _GRANTED or self.is_refused):
            return DEFERRED_AUTHORISATION
        return ACQUIRER_STATUS

    @property
    def _terms_moved(self) -> bool:
        return "amount_minor" in self.news.moved or "capture_at" in self.news.moved

    @property
    def _is_validation(self) -> bool:
        return (self.before, self.status) in {
            ("AUTHORISED_TO_VALIDATE", "AUTHORISED"),
            ("WAITING_AUTHORISATION_TO_VALIDATE", "WAITING_AUTHORISATION"),
            ("WAITING_AUTHORISATION_TO_VALIDATE", "AUTHORISED"),
        }

    # -- what it means ------------------------------------------------------------------------

    def meaning(self, rule: str) -> type[Transaction.Event]:
        """The event class that says in domain words what happened."""
        if not self.status or self.status == self.before:
            return self._meaning_of_same_status()
        if self.status not in RANKS:
            return Transaction.StatusReported
        if self.before:
            return self._meaning_of_change()
        return self._meaning_of_first(rule)

    def _meaning_of_same_status(self) -> type[Transaction.Event]:
        if not self.transaction.is_known:
            return Transaction.StatusReported
        if "amount_minor" in self.news.moved and "amount_minor" in self.transaction.facts:
            return Transaction.AmountChanged
        if "capture_at" in self.news.moved and "capture_at" in self.transaction.facts:
            return Transaction.CaptureRescheduled
        return Transaction.DetailsReported

    def _meaning_of_change(self) -> type[Transaction.Event]:
        if self.is_refused:
            if self.operation == "CREDIT":
                return Transaction.RefundRefused
            waited = self.before in _WAITING
            return Transaction.AuthorisationRefused if waited else Transaction.RefusedByAcquirer
        if self._is_validation:
            return Transaction.Validated
        if self.status in _GRANTED:
            waited = self.before in _WAITING
            return Transaction.AuthorisationGranted if waited else Transaction.AcceptedByAcquirer
        return _BY_STATUS.get(self.status, Transaction.StatusReported)

    def _meaning_of_first(self, rule: str) -> type[Transaction.Event]:
        if self.status == "ABANDONED":
            return Transaction.PaymentAbandoned
        first = {
            "CREDIT": (Transaction.RefundRefused, Transaction.RefundIssued),
            "VERIFICATION": (Transaction.VerificationRefused, Transaction.VerificationAccepted),
        }.get(self.operation)
        if first is not None and self.status != "CANCELLED":
            return first[0] if self.is_refused else first[1]
        if self.status == "CANCELLED":
            return Transaction.Cancelled
        if self.operation not in ("DEBIT", ""):
            return Transaction.StatusReported
        return self._meaning_of_first_debit(rule)

    def _meaning_of_first_debit(self, rule: str) -> type[Transaction.Event]:
        if rule == BACK_OFFICE:
            return self._meaning_of_operation()
        if rule == DEFERRED_AUTHORISATION and (self.is_refused or self.status in _GRANTED):
            granted = Transaction.AuthorisationGranted
            return Transaction.AuthorisationRefused if self.is_refused else granted
        if rule == ACQUIRER_STATUS:
            if self.is_refused:
                return Transaction.RefusedByAcquirer
            return _BY_STATUS.get(self.status, Transaction.AcceptedByAcquirer)
        if self.is_refused:
            return Transaction.PaymentRefused
        if self.status in ("EXPIRED", "CAPTURE_FAILED", "SUSPENDED"):
            return _BY_STATUS[self.status]
        return Transaction.PaymentAccepted

    def _meaning_of_operation(self) -> type[Transaction.Event]:
        """An operator's work on a transaction never heard of: new, or made before we listened."""
        if self.facts.get("payment_source") == "MOTO":
            refused = Transaction.ManualPaymentRefused
            return refused if self.is_refused else Transaction.ManualPaymentAccepted
        if self._was_made_now:
            return Transaction.PaymentDuplicated
        return _BY_STATUS.get(self.status, Transaction.StatusReported)

    @property
    def _was_made_now(self) -> bool:
        """Whether the operation made the transaction. Source: form-v2 reference, section 6.8."""
        made_at, told_at = self._instant("created_at"), self.occasion.told_at
        if made_at and told_at:
            return abs(told_at - made_at) < timedelta(minutes=1)
        return str(self.facts.get("trans_id", "")) >= _PLATFORM_MADE

    # -- when ---------------------------------------------------------------------------------

    def occurred_at(self, event_class: type[Transaction.Event]) -> datetime | None:
        """When it happened according to the platform; None when it does not tell."""
        if event_class is Transaction.Captured and "captured_at" in self.facts:
            return self._instant("captured_at")
        is_creation = not self.transaction.is_known and event_class in _CREATIONS
        if is_creation and "created_at" in self.facts:
            return self._instant("created_at")
        is_redelivery = self.occasion.source in REDELIVERIES
        return None if is_redelivery else self.occasion.told_at

    def _instant(self, name: str) -> datetime | None:
        told = self.facts.get(name)
        return None if told is None else read_platform_instant(str(told))


_CREATIONS = frozenset(
    {
        Transaction.PaymentAccepted,
        Transaction.PaymentRefused,
        Transaction.VerificationAccepted,
        Transaction.VerificationRefused,
        Transaction.RefundIssued,
        Transaction.RefundRefused,
        Transaction.PaymentDuplicated,
        Transaction.ManualPaymentAccepted,
        Transaction.ManualPaymentRefused,
    }
)
