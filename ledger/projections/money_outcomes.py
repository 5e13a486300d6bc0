"""Say what a transaction's status means for money and counting: one table for Python and SQL."""

from typing import Any

from sqlalchemy import ColumnElement, and_, case

ACCEPTED = "accepted"
PENDING = "pending"
REFUSED = "refused"
CANCELLED = "cancelled"
EXPIRED = "expired"
FAILED = "failed"
ABANDONED = "abandoned"
VERIFIED = "verified"
REFUNDED = "refunded"
REFUND_PENDING = "refund-pending"
REFUND_REFUSED = "refund-refused"
REFUND_CANCELLED = "refund-cancelled"
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
_NO = ("REFUSED", "ERROR", "NOT_CREATED")

_OUTCOMES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("DEBIT", (*HELD, *CAPTURED), ACCEPTED),
    ("DEBIT", WAITING, PENDING),
    ("DEBIT", _NO, REFUSED),
    ("DEBIT", ("CANCELLED",), CANCELLED),
    ("DEBIT", ("EXPIRED",), EXPIRED),
    ("DEBIT", ("CAPTURE_FAILED",), FAILED),
    ("CREDIT", (*HELD, *CAPTURED), REFUNDED),
    ("CREDIT", (*WAITING, "REFUND_TO_RETRY"), REFUND_PENDING),
    ("CREDIT", _NO, REFUND_REFUSED),
    ("CREDIT", ("CANCELLED",), REFUND_CANCELLED),
    ("VERIFICATION", ("ACCEPTED",), VERIFIED),
    ("VERIFICATION", _NO, REFUSED),
)


OUTCOMES = frozenset({meaning for _, _, meaning in _OUTCOMES} | {ABANDONED, UNKNOWN})


AMOUNT_MINOR_MAX = 10**12 - 1
"""The platform's amounts have at most 12 digits. Source: form-v2 reference, `vads_amount`."""


def countable(amount: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return an amount for sums, 0 for one that the platform cannot move: sums would overflow."""
    return case((amount.between(-AMOUNT_MINOR_MAX, AMOUNT_MINOR_MAX), amount), else_=0)


def outcome(operation: str | None, status: str | None) -> str:
    """Return the outcome of a transaction; UNKNOWN for statuses nobody has seen."""
    if status == "ABANDONED":
        return ABANDONED
    for known, statuses, meaning in _OUTCOMES:
        if operation == known and status in statuses:
            return meaning
    return UNKNOWN


def outcome_of(
    operation_column: ColumnElement[Any], status_column: ColumnElement[Any]
) -> ColumnElement[str]:
    """Return the outcome as an SQL expression, from the same table."""
    rows = [
        (and_(operation_column == known, status_column.in_(statuses)), meaning)
        for known, statuses, meaning in _OUTCOMES
    ]
    return case((status_column == "ABANDONED", ABANDONED), *rows, else_=UNKNOWN)
