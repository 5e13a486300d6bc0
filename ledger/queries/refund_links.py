"""Links each refund to the payment it gives back: told by the platform, or inferred."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from ledger.instants import read_instant
from ledger.ipn.money import counted_minor
from ledger.ipn.notification_rules import INFERRED, TOLD
from ledger.projections.money_outcomes import COUNTED
from ledger.queries.state import State

REFUNDABLE = ("AUTHORISED", "SUSPENDED", "CAPTURED")
"""A refund follows a capture, and the ordinary capture of a card payment is never notified.

Source: form-v2 reference, sections 3.4 and 5.2.
"""


def link_refunds(transactions: Sequence[State]) -> None:
    """Set `original` of every refund: the payment it gives back, and how certain that is.

    Shape: a payment that the platform names is told; else the only payment that was made before
    the refund and still holds its amount is inferred, and None says that there is none or that
    there are several. The order of the transactions makes no difference.
    """
    payments = [other for other in transactions if other["operation_type"] == "DEBIT"]
    left_minor = {payment["reference"]: _amount_minor(payment) or 0 for payment in payments}
    refunds = [other for other in transactions if other["operation_type"] == "CREDIT"]
    for refund in sorted(refunds, key=_told_first_then_as_made):
        original = refund["original"] = _original(refund, payments, left_minor)
        is_counted = refund["status"] in COUNTED and not refund["doubtful"]
        if original and is_counted and original["uuid"] in left_minor:
            left_minor[original["uuid"]] -= _amount_minor(refund) or 0


def original_of(transaction: State) -> tuple[str | None, str | None]:
    """Return the uuid of what a transaction gives back or repeats, and how certain that is."""
    if transaction["parent_uuid"]:
        return transaction["parent_uuid"], TOLD
    original = transaction.get("original")
    return (original["uuid"], original["certainty"]) if original else (None, None)


def _told_first_then_as_made(refund: State) -> tuple[bool, datetime, str]:
    return not refund["parent_uuid"], _made_at(refund), refund["reference"]


def _original(
    refund: State, payments: Sequence[State], left_minor: Mapping[str, int]
) -> dict[str, str] | None:
    if refund["parent_uuid"]:
        return {"uuid": refund["parent_uuid"], "certainty": TOLD}
    amount_minor = _amount_minor(refund)
    if amount_minor is None or not refund["currency"]:
        return None
    possible = [
        payment["uuid"]
        for payment in payments
        if payment["status"] in REFUNDABLE
        and not payment["doubtful"]
        and payment["currency"] == refund["currency"]
        and left_minor[payment["reference"]] >= amount_minor
        and not _is_made_after(payment, refund)
    ]
    if len(possible) != 1 or possible[0] is None:  # what has no uuid cannot be named
        return None
    return {"uuid": possible[0], "certainty": INFERRED}


def _amount_minor(transaction: State) -> int | None:
    """Return an amount that counts; None for one that is unknown or that nobody can move."""
    amount_minor = counted_minor(transaction["amount_minor"])
    return None if amount_minor is None or amount_minor < 0 else amount_minor


def _is_made_after(payment: State, refund: State) -> bool:
    """Return True if a payment cannot be what a refund gives back: it did not exist yet.

    The parts of a split payment have no time of their own, but that of the form behind them.
    """
    at = payment["created_at"] or payment["trans_date"] or payment["first_seen_at"]
    return read_instant(at) > _made_at(refund)


def _made_at(transaction: State) -> datetime:
    return read_instant(transaction["created_at"] or transaction["first_seen_at"])
