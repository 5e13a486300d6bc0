"""What came of a payment or an order in few figures: paid, captured, refunded, net, known since.

It claims nothing that nobody tells: no rule notifies the capture of an ordinary card payment, nor
a chargeback. It follows from the events alone, so that one position has one summary.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from ledger.aggregates.basis import ASKED
from ledger.instants import read_instant
from ledger.ipn.money import counted_minor
from ledger.ipn.statuses import REFUSED
from ledger.projections.money_outcomes import (
    ABANDONED,
    ACCEPTED,
    CAPTURED,
    COUNTED,
    PENDING,
    outcome_name,
)
from ledger.queries.state import State
from ledger.storage.outcomes import Sealed

DOUBTFUL = "doubtful"
"""The outcome of what doubtful forms alone have reported."""


class Capture(StrEnum):
    """What was notified of the capture of what is paid."""

    NOTIFIED = "notified"
    IN_PART = "in-part"
    NOT_NOTIFIED = "not-notified"  # which does not say that there was none


class Proof(StrEnum):
    """What proves all that is summed up."""

    SIGNATURE = "signature"  # verified when each notification arrived
    QUERIED = "queried"  # some of it was only answered to our own questions
    DOUBTFUL = "doubtful"  # signed, but it may be no call of the platform


def transaction_summary(transaction: State, refunds: Sequence[State] | None) -> State:
    """Return the summary of one transaction and of all its refunds; None when nobody knows them.

    Shape: what the platform has stated of the payment itself counts as refunded, too. What was
    refunded, and what is left, is None when there is neither.
    """
    currency = transaction["currency"]
    same = [each for each in refunds or () if each["currency"] == currency]
    part = _part(currency, [transaction, *same]) | _what_decides(transaction)
    stated_minor = counted_minor(transaction["refunded_minor"])
    if transaction["operation_type"] == "DEBIT" and not transaction["doubtful"]:
        if refunds is None and stated_minor is None:
            part["refunded_minor"] = part["net_minor"] = None
        else:
            part["refunded_minor"] = max(part["refunded_minor"], stated_minor or 0)
            part["net_minor"] = part["paid_minor"] - part["refunded_minor"]
    return _summary(transaction, [transaction], [part])


def order_summary(whole: State, transactions: Sequence[State]) -> State:
    """Return the summary of an order of these transactions, with a part for each currency."""
    currencies = sorted({each["currency"] or "" for each in transactions})
    by_currency = {
        currency: [each for each in transactions if (each["currency"] or "") == currency]
        for currency in currencies
    }
    paying = [c for c, each in by_currency.items() if not all(map(_is_abandoned, each))]
    parts = [_part(currency or None, by_currency[currency]) for currency in paying or currencies]
    return _summary(whole, transactions, parts)


def _summary(whole: State, transactions: Sequence[State], currency_parts: Sequence[State]) -> State:
    if all(each["doubtful"] for each in transactions):
        proof = Proof.DOUBTFUL
    elif any(each["basis"] == ASKED for each in transactions if not each["doubtful"]):
        proof = Proof.QUERIED
    else:
        proof = Proof.SIGNATURE
    return {
        "parts": list(currency_parts),
        "first_seen_at": whole["first_seen_at"],
        "last_changed_at": whole["last_changed_at"],
        "proof": proof.value,
        "is_erased": whole.get("sealed") == Sealed.ERASED,
    }


def _part(currency: str | None, transactions: Sequence[State]) -> State:
    counted = [each for each in transactions if not each["doubtful"]]
    payments = _counting("DEBIT", counted)
    refunds = _counting("CREDIT", counted)
    paid_minor, refunded_minor = _total(payments), _total(refunds)
    captured = [each for each in payments if each["status"] in CAPTURED]
    return {
        "currency": currency,
        **_what_decides(min(counted or transactions, key=_decides_first)),
        "paid_minor": paid_minor,
        "payments": len(payments),
        "paid_at": _newest("created_at", payments),
        "capture": _capture(paid_minor, _total(captured)),
        "captured_minor": _total(captured),
        "captured_at": _newest("captured_at", captured),
        "capture_at": _newest("capture_at", (p for p in payments if p["status"] not in CAPTURED)),
        "refunded_minor": refunded_minor,
        "refunds": len(refunds),
        "refunded_at": _newest("created_at", refunds),
        "net_minor": paid_minor - refunded_minor,
        "doubtful": len(transactions) - len(counted),
    }


def _what_decides(transaction: State) -> State:
    """Return what the transaction says that decides what came of all."""
    outcome = outcome_name(transaction["operation_type"], transaction["status"])
    is_refused = transaction["status"] in REFUSED
    return {
        "outcome": DOUBTFUL if transaction["doubtful"] else outcome,
        "operation_type": transaction["operation_type"],
        "status": transaction["status"],
        "reason": transaction["authorisation_result"] if is_refused else None,
        "amount_minor": transaction["amount_minor"],
        "created_at": transaction["created_at"],
    }


def _decides_first(transaction: State) -> tuple[int, float]:
    """Rank what was paid before what may be paid, then the newest, then what was abandoned."""
    outcome = outcome_name(transaction["operation_type"], transaction["status"])
    rank = {ACCEPTED: 1, PENDING: 2, ABANDONED: 4}.get(outcome, 3)
    at = read_instant(transaction["created_at"] or transaction["first_seen_at"])
    return 0 if transaction["status"] in COUNTED and rank == 1 else rank, -at.timestamp()


def _is_abandoned(transaction: State) -> bool:
    return outcome_name(transaction["operation_type"], transaction["status"]) == ABANDONED


def _counting(operation: str, transactions: Sequence[State]) -> list[State]:
    return [
        each
        for each in transactions
        if each["operation_type"] == operation and each["status"] in COUNTED
    ]


def _capture(paid_minor: int, captured_minor: int) -> str | None:
    if not paid_minor:
        return None
    if not captured_minor:
        return Capture.NOT_NOTIFIED.value
    return (Capture.NOTIFIED if captured_minor == paid_minor else Capture.IN_PART).value


def _total(transactions: Iterable[State]) -> int:
    return sum(counted_minor(each["amount_minor"]) or 0 for each in transactions)


def _newest(name: str, transactions: Iterable[State]) -> str | None:
    return max((each[name] for each in transactions if each[name]), key=read_instant, default=None)
