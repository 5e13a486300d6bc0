"""Write the operations journal of a day: what became of transactions, whenever they were made.

Source: delivery reference, section 12.5.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

from ledger.simulator.form_v2_payment import currency_number
from ledger.simulator.journal_layout import Cells, JournalShop, journal_bytes, made_at
from ledger.simulator.payment_lives import CREDIT, Payment
from ledger.simulator.platform_truth import TrueTransaction

_COLUMNS = (
    *("MERCHANT_ID", "PAYMENT_DATE", "TRANSACTION_ID", "OPERATION_SEQUENCE", "OPERATION_NAME"),
    *("OPERATION_AMOUNT", "OPERATION_CURRENCY", "OPERATION_DATE"),
)
_HOUR = 2

AUTHORISATION = "AUTHOR"
REFUND = "CREDIT"
# the reference lists no further names
_NAME_BY_NEW_STATUS = {
    "CAPTURED": "CAPTURE",
    "CAPTURE_FAILED": "CAPTURE",
    "CANCELLED": "CANCEL",
    "EXPIRED": "EXPIRE",
    "SUSPENDED": "SUSPEND",
}
_VALIDATION = "VALIDATE"
_MODIFICATION = "MODIFY"


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that happened to a transaction, and the payment as it stood afterwards."""

    name: str
    done_at: datetime
    payment: Payment


def operations(true_transactions: Iterable[TrueTransaction]) -> list[Operation]:
    """Return everything that happened, in the order of time."""
    happened = [operation for each in true_transactions for operation in _operations(each)]
    return sorted(happened, key=lambda each: (each.done_at, each.payment.uuid))


def _operations(true_transaction: TrueTransaction) -> Iterator[Operation]:
    first = true_transaction.states[0]
    name = REFUND if first.payment.operation_type == CREDIT else AUTHORISATION
    yield Operation(name, first.since, first.payment)
    for former, after in pairwise(true_transaction.states):
        yield Operation(_name(former.payment, after.payment), after.since, after.payment)


def _name(former: Payment, after: Payment) -> str:
    if former.status == after.status:
        return _MODIFICATION
    if former.status.removesuffix("_TO_VALIDATE") == after.status:
        return _VALIDATION
    if after.status in _NAME_BY_NEW_STATUS:
        return _NAME_BY_NEW_STATUS[after.status]
    return REFUND if after.operation_type == CREDIT else AUTHORISATION


def operations_journal(shop: JournalShop, day: date, done: Sequence[Operation]) -> bytes:
    """Return the operations journal V3 of a day."""
    title = (shop.label, f"{made_at(day, _HOUR):%y%m%d_%H:%M:%S}", "TABLE_V3")
    detail_lines = [_cells(shop, operation) for operation in done]
    return journal_bytes(title, _COLUMNS, "OPERATION", detail_lines)


def _cells(shop: JournalShop, operation: Operation) -> Cells:
    payment = operation.payment
    return {
        "MERCHANT_ID": shop.merchant_id,
        "PAYMENT_DATE": f"{payment.created_at:%Y%m%d}",
        "TRANSACTION_ID": payment.trans_id,
        "OPERATION_SEQUENCE": "1",
        "OPERATION_NAME": operation.name,
        "OPERATION_AMOUNT": str(payment.amount_minor),
        "OPERATION_CURRENCY": currency_number(payment.currency),
        "OPERATION_DATE": f"{operation.done_at:%y%m%d}",
    }
