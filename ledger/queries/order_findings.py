"""Says what in an order does not add up: here from what was told alone, elsewhere by files."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from ledger.queries.state import State

OrderFinding = Mapping[str, Any]
"""What does not add up. Shape: `rule`, and what is known of `FIGURES`, else None."""

FIGURES = (
    *("currency", "amount_minor", "trans_id", "sequence_number"),
    *("status", "reference", "file_id", "file_name", "line"),
)


class OrderRule(StrEnum):
    """What an order is checked for."""

    REFUNDS_ABOVE_PAYMENTS = "refunds-above-payments"  # more was given back than was ever held
    ATTEMPT_MISSING = "attempt-missing"  # a later attempt or part is known, an earlier one not
    LISTED_NEVER_TOLD = "listed-never-told"  # a file lists it, and no transaction here matches
    LISTED_OTHERWISE = "listed-otherwise"  # a file lists another status, amount or currency


def order_findings(transactions: Sequence[State], balances: Sequence[State]) -> list[OrderFinding]:
    """Return what does not add up in an order; nothing when all does.

    Shape: `balances` are those of the order. A refund follows a capture, of which there may be no
    call, so that payments that are authorised count too. Attempts of one short number count from 1.
    Units: `amount_minor` is what was given back too much, in minor units of `currency`.
    """
    return [*_refunds(balances), *_attempts(transactions)]


def _refunds(balances: Sequence[State]) -> Iterator[OrderFinding]:
    for balance in balances:
        excess = balance["refunded_minor"] - balance["authorised_minor"]
        if excess > 0:
            yield order_finding(
                OrderRule.REFUNDS_ABOVE_PAYMENTS, currency=balance["currency"], amount_minor=excess
            )


def _attempts(transactions: Sequence[State]) -> Iterator[OrderFinding]:
    numbers_by_name: dict[str, set[int]] = defaultdict(set)
    for transaction in transactions:
        number = transaction["sequence_number"]
        if transaction["trans_id"] and isinstance(number, int) and not transaction["doubtful"]:
            numbers_by_name[transaction["trans_id"]].add(number)
    for name, numbers in sorted(numbers_by_name.items()):
        last = min(max(numbers), _NUMBER_MAX)
        for missing in sorted(set(range(1, last)) - numbers):
            yield order_finding(OrderRule.ATTEMPT_MISSING, trans_id=name, sequence_number=missing)


_NUMBER_MAX = 99
"""No order has more attempts, and a number of any size would make as many findings."""


def order_finding(order_rule: OrderRule, **figures: Any) -> dict[str, Any]:
    """Return what does not add up. Shape: `figures` by the names in `FIGURES`."""
    return {"rule": order_rule.value} | dict.fromkeys(FIGURES) | figures
