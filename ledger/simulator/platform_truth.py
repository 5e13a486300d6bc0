"""Keep what the platform itself knows of each transaction: every state, and what was delivered."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from ledger.simulator.payment_lives import CREDIT, DEBIT, Call, Payment
from ledger.simulator.signed_calls import SignedCall

_FEE_THOUSANDTHS = 12
_CHARGED_BACK_EVERY = 4
_CHARGED_BACK_AFTER = timedelta(days=20)


@dataclass(frozen=True, slots=True)
class TransactionState:
    """A transaction as it stands from one moment on, and the call that was made about it."""

    since: datetime
    payment: Payment
    call: Call


@dataclass(frozen=True, slots=True)
class TrueTransaction:
    """One transaction of the platform. Shape: `states` in the order of time, at least one.

    `delivered` is the payment as the last delivered call showed it, None when none did.
    """

    states: tuple[TransactionState, ...]
    delivered: Payment | None = None

    @property
    def last(self) -> Payment:
        """Return the transaction as it stands in the end."""
        return self.states[-1].payment

    @property
    def uuid(self) -> str:
        return self.last.uuid

    @property
    def paid_on(self) -> date:
        """Return the UTC day of the payment."""
        return self.last.created_at.date()

    def state_at(self, at: datetime) -> TransactionState:
        """Return the state of a moment after the payment."""
        begun = [state for state in self.states if state.since <= at]
        return begun[-1] if begun else self.states[0]

    def shown_by(
        self, signed_call: SignedCall, payment: Payment, *, is_lost: bool
    ) -> "TrueTransaction":
        """Return the transaction with what one more call shows of it."""
        states = self.states
        if payment != states[-1].payment:
            states += (TransactionState(signed_call.call.sent_at, payment, signed_call.call),)
        is_delivered = payment in signed_call.shown_payments and not is_lost
        return replace(self, states=states, delivered=payment if is_delivered else self.delivered)


@dataclass(frozen=True, slots=True)
class Capture:
    """A captured transaction in a remittance to the bank. Units: minor units of its currency.

    Shape: `fee_minor` and `net_minor` are None for whatever is no card, which no bank statement
    is matched with.
    """

    payment: Payment
    captured_at: datetime
    fee_minor: int | None
    net_minor: int | None


@dataclass(frozen=True, slots=True)
class Chargeback:
    """A captured payment that the buyer's bank took back."""

    payment: Payment
    taken_back_on: date


def transactions_of(
    played_calls: Iterable[tuple[SignedCall, bool]],
) -> list[TrueTransaction]:
    """Return every transaction of the lives that were played, delivered or not.

    Shape: `played_calls` holds all calls, those of a life in their order, each with True when it
    was lost; the result is ordered by payment time. An abandonment is no transaction.
    """
    by_uuid: dict[str, TrueTransaction] = {}
    for signed_call, is_lost in played_calls:
        call = signed_call.call
        for payment in call.payments:
            first_state = TransactionState(payment.created_at, payment, call)
            true_transaction = by_uuid.get(payment.uuid) or TrueTransaction((first_state,))
            by_uuid[payment.uuid] = true_transaction.shown_by(signed_call, payment, is_lost=is_lost)
    return sorted(by_uuid.values(), key=lambda each: (each.last.created_at, each.uuid))


def captures(true_transactions: Iterable[TrueTransaction]) -> list[Capture]:
    """Return every capture, in the order of time."""
    captured = []
    for true_transaction in true_transactions:
        payments = (state.payment for state in true_transaction.states)
        payment = next((each for each in payments if each.status == "CAPTURED"), None)
        if payment is not None and payment.captured_at is not None:
            captured.append(_capture(payment, payment.captured_at))
    return sorted(captured, key=lambda each: (each.captured_at, each.payment.uuid))


def _capture(payment: Payment, captured_at: datetime) -> Capture:
    if not payment.means.is_card:
        return Capture(payment, captured_at, None, None)
    is_refund = payment.operation_type == CREDIT
    fee = 0 if is_refund else (payment.amount_minor * _FEE_THOUSANDTHS + 500) // 1000
    return Capture(payment, captured_at, fee, payment.amount_minor - fee)


def chargebacks(true_transactions: Iterable[TrueTransaction]) -> list[Chargeback]:
    """Return the chargebacks: every fourth captured payment, from the first, days later."""
    debits = [each for each in captures(true_transactions) if each.payment.operation_type == DEBIT]
    return [
        Chargeback(each.payment, (each.captured_at + _CHARGED_BACK_AFTER).date())
        for each in debits[::_CHARGED_BACK_EVERY]
    ]
