"""Links each refund to the payment it gives back: told by the platform, or inferred."""

from collections.abc import Sequence

from ledger.ipn.money import counted_minor
from ledger.ipn.notification_rules import INFERRED, TOLD
from ledger.projections.money_outcomes import CAPTURED, COUNTED
from ledger.queries.state import State


def link_refunds(transactions: Sequence[State]) -> None:
    """Set `original` of every refund: the payment it gives back, and how certain that is.

    Shape: a payment that the platform names is told; else the only captured payment that still
    holds the amount is inferred, and None says that there is none or that there are several.
    """
    payments = [
        transaction
        for transaction in transactions
        if transaction["operation_type"] == "DEBIT"
        and transaction["uuid"]
        and transaction["status"] in CAPTURED
    ]
    refundable_minor = {
        payment["uuid"]: counted_minor(payment["amount_minor"]) or 0 for payment in payments
    }
    refunds = [other for other in transactions if other["operation_type"] == "CREDIT"]
    for refund in sorted(refunds, key=lambda refund: not refund["parent_uuid"]):  # told ones first
        original = refund["original"] = _original(refund, payments, refundable_minor)
        is_counted = refund["status"] in COUNTED
        if original and is_counted and original["uuid"] in refundable_minor:
            refundable_minor[original["uuid"]] -= counted_minor(refund["amount_minor"]) or 0


def original_of(transaction: State) -> tuple[str | None, str | None]:
    """Return the uuid of what a transaction gives back or repeats, and how certain that is."""
    if transaction["parent_uuid"]:
        return transaction["parent_uuid"], TOLD
    original = transaction.get("original")
    return (original["uuid"], original["certainty"]) if original else (None, None)


def _original(
    refund: State, captured: Sequence[State], refundable_minor: dict[str, int]
) -> dict[str, str] | None:
    if refund["parent_uuid"]:
        return {"uuid": refund["parent_uuid"], "certainty": TOLD}
    if counted_minor(refund["amount_minor"]) is None:
        return None
    possible = [
        payment["uuid"]
        for payment in captured
        if payment["currency"] == refund["currency"]
        and refundable_minor[payment["uuid"]] >= refund["amount_minor"]
    ]
    return {"uuid": possible[0], "certainty": INFERRED} if len(possible) == 1 else None
