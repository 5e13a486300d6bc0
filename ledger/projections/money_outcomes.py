"""Say what a transaction's status means for money and counting, also in SQL."""

from typing import Any

from sqlalchemy import ColumnElement, and_, case

from ledger.ipn.money import AMOUNT_MINOR_MAX

ACCEPTED = "accepted"
REFUSED = "refused"
PENDING = "pending"
REFUNDED = "refunded"
UNKNOWN = "unknown"

HELD = (
    "AUTHORISED",
    "AUTHORISED_TO_VALIDATE",
    "PARTIALLY_AUTHORISED",
    "SUSPENDED",
    "CAPTURE_PENDING",
)
"""Authorised, not yet captured, not released."""
CAPTURED = ("CAPTURED",)
WAITING = (
    "INITIAL",
    "PENDING",
    "PRE_AUTHORISED",
    "WAITING_FOR_PAYMENT",
    "UNDER_VERIFICATION",
    "WAITING_AUTHORISATION",
    "WAITING_AUTHORISATION_TO_VALIDATE",
)
"""Not authorised yet, not refused."""
COUNTED = ("AUTHORISED", "CAPTURED", "SUSPENDED", "CAPTURE_PENDING", "PARTIALLY_AUTHORISED")
"""Counts as money. Source: form-v2 reference, section 8, point 3."""
ABANDONED_STATUS = "ABANDONED"
"""Nobody paid: the page was left before there was a payment. It is in no balance of its order."""
ABANDONED = "abandoned"
NOT_MADE = ("REFUSED", "ERROR", "NOT_CREATED")
"""Refused, or never made."""

_OUTCOMES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("DEBIT", (*HELD, *CAPTURED), ACCEPTED),
    ("DEBIT", WAITING, PENDING),
    ("DEBIT", NOT_MADE, REFUSED),
    ("DEBIT", ("CANCELLED",), "cancelled"),
    ("DEBIT", ("EXPIRED",), "expired"),
    ("DEBIT", ("CAPTURE_FAILED",), "failed"),
    ("CREDIT", (*HELD, *CAPTURED), REFUNDED),
    ("CREDIT", (*WAITING, "REFUND_TO_RETRY"), "refund-pending"),
    ("CREDIT", NOT_MADE, "refund-refused"),
    ("CREDIT", ("CANCELLED",), "refund-cancelled"),
    ("VERIFICATION", ("ACCEPTED",), "verified"),
    ("VERIFICATION", NOT_MADE, REFUSED),
)
OUTCOMES = frozenset({meaning for _, _, meaning in _OUTCOMES} | {ABANDONED, UNKNOWN})


def operations_and_statuses(outcome: str) -> dict[str, list[str]]:
    """Return what transactions of an outcome have. Shape: filters of the list of transactions."""
    pairs = [pair for *pair, meaning in _OUTCOMES if meaning == outcome]
    return {
        "operation_type": [str(operation) for operation, _ in pairs],
        "status": sorted({status for _, statuses in pairs for status in statuses}),
    }


def countable(amount: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return an amount for sums as `counted_minor` does: beyond that, sums would overflow."""
    return case((amount.between(-AMOUNT_MINOR_MAX, AMOUNT_MINOR_MAX), amount), else_=0)


def outcome_name(operation: str | None, status: str | None) -> str:
    """Return what a transaction came to; UNKNOWN for statuses nobody has seen."""
    if status == ABANDONED_STATUS:
        return ABANDONED
    return next(
        (
            meaning
            for of_operation, statuses, meaning in _OUTCOMES
            if operation == of_operation and status in statuses
        ),
        UNKNOWN,
    )


def outcome_of(
    operation_column: ColumnElement[Any], status_column: ColumnElement[Any]
) -> ColumnElement[str]:
    """Return the same as `outcome_name` for a row."""
    meanings = [
        (and_(operation_column == operation, status_column.in_(statuses)), meaning)
        for operation, statuses, meaning in _OUTCOMES
    ]
    return case((status_column == ABANDONED_STATUS, ABANDONED), *meanings, else_=UNKNOWN)
