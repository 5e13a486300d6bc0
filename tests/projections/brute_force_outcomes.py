"""Say in plain Python what a transaction came to, from the statuses in `brute_force.toml`."""

import tomllib
from pathlib import Path
from typing import Any

DATA = tomllib.loads((Path(__file__).parent / "brute_force.toml").read_text())
HELD, WAITING, COUNTED, REFUSED = (
    frozenset(DATA["statuses"][name]) for name in ("held", "waiting", "counted", "refused")
)
CAPTURED = frozenset({"CAPTURED"})

State = dict[str, Any]


def is_abandoned(transaction: State) -> bool:
    return bool(transaction["status"] == "ABANDONED")


def outcome(transaction: State) -> str:
    operation, status = transaction["operation_type"], transaction["status"]
    if is_abandoned(transaction):
        return "abandoned"
    if operation == "VERIFICATION":
        if status == "ACCEPTED":
            return "verified"
        return "refused" if status in REFUSED else "unknown"
    if operation not in ("DEBIT", "CREDIT"):
        return "unknown"
    return _credit_outcome(status) if operation == "CREDIT" else _debit_outcome(status)


def _debit_outcome(status: str) -> str:
    if status in HELD | CAPTURED:
        return "accepted"
    if status in WAITING:
        return "pending"
    if status in REFUSED:
        return "refused"
    ends = {"CANCELLED": "cancelled", "EXPIRED": "expired", "CAPTURE_FAILED": "failed"}
    return ends.get(status, "unknown")


def _credit_outcome(status: str) -> str:
    if status in HELD | CAPTURED:
        return "refunded"
    if status in WAITING | {"REFUND_TO_RETRY"}:
        return "refund-pending"
    if status in REFUSED:
        return "refund-refused"
    return "refund-cancelled" if status == "CANCELLED" else "unknown"
