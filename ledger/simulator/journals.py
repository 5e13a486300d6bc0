"""Make the platform's files about the lives that were played: journals of each day, and the truth.

What a journal lists follows from the lives alone, whether or not any call of them was delivered.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar

from ledger.simulator.journal_layout import JournalShop
from ledger.simulator.operations_journal import operations, operations_journal
from ledger.simulator.payment_journals import (
    customised_transactions_journal,
    merchant_journal,
    merchant_journal_name,
    transactions_journal,
)
from ledger.simulator.platform_truth import (
    TrueTransaction,
    captures,
    chargebacks,
    transactions_of,
)
from ledger.simulator.settlement_journals import bank_journal, unpaid_journal
from ledger.simulator.signed_calls import SignedCall

CUSTOMISED_FOLDER = "customised"
"""Where the journals with columns of the merchant's choice are: their names are the same."""
TRUTH_FILE = "truth.json"
NOT_IN_TEST = ("JAM", "JRI")
"""Journals that the platform makes in PRODUCTION only."""

Truth = dict[str, Any]
Dated = TypeVar("Dated")


@dataclass(frozen=True, slots=True)
class Journals:
    """What the platform says of one run. Shape: `files` from the path below the folder to its
    bytes; `truth` as `truth.json` has it, one member for each transaction, capture, chargeback.
    """

    files: dict[str, bytes]
    truth: Truth

    def write(self, folder: Path) -> None:
        """Write every file and the truth, over whatever has the same name."""
        truth_text = json.dumps(self.truth, ensure_ascii=False, indent=1)
        for name, content in {**self.files, TRUTH_FILE: f"{truth_text}\n".encode()}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def journals(shop: JournalShop, played_calls: Iterable[tuple[SignedCall, bool]]) -> Journals:
    """Return the platform's files about these lives; the same lives, the same bytes.

    Shape: `played_calls` holds every call of the lives, each with True when it was lost, as
    `calls_with_losses` yields them.
    """
    true_transactions = transactions_of(played_calls)
    files = {
        **_payment_files(shop, true_transactions),
        **_operation_files(shop, true_transactions),
        **_settlement_files(shop, true_transactions),
    }
    return Journals(files, _truth(shop, true_transactions))


def _payment_files(
    shop: JournalShop, true_transactions: Sequence[TrueTransaction]
) -> dict[str, bytes]:
    files = {}
    by_day = _by_day(true_transactions, lambda each: each.paid_on)
    for day, of_day in by_day.items():
        name = shop.file_name("JT", day)
        files[name] = transactions_journal(shop, day, of_day)
        customised_name = f"{CUSTOMISED_FOLDER}/{name}"
        files[customised_name] = customised_transactions_journal(shop, day, of_day)
    if not shop.is_test and by_day:
        for day in _every_day(min(by_day), max(by_day)):  # it is made of no payment, too
            content = merchant_journal(shop, day, by_day.get(day, []))
            files[merchant_journal_name(shop, day)] = content
    return files


def _operation_files(
    shop: JournalShop, true_transactions: Sequence[TrueTransaction]
) -> dict[str, bytes]:
    by_day = _by_day(operations(true_transactions), lambda each: each.done_at.date())
    return {
        shop.file_name("JO", day): operations_journal(shop, day, done)
        for day, done in by_day.items()
    }


def _settlement_files(
    shop: JournalShop, true_transactions: Sequence[TrueTransaction]
) -> dict[str, bytes]:
    by_uuid = {true_transaction.uuid: true_transaction for true_transaction in true_transactions}
    captured = _by_day(captures(true_transactions), lambda each: each.captured_at.date())
    files = {
        shop.file_name("JRB", day): bank_journal(shop, day, of_day, by_uuid)
        for day, of_day in captured.items()
    }
    if not shop.is_test:
        unpaid = _by_day(chargebacks(true_transactions), lambda each: each.taken_back_on)
        for day, taken_back in unpaid.items():
            name = shop.file_name("JRI", day, suffix="_V1")
            files[name] = unpaid_journal(shop, day, taken_back)
    return files


def _by_day(dated: Iterable[Dated], day_of: Callable[[Dated], date]) -> dict[date, list[Dated]]:
    by_day: defaultdict[date, list[Dated]] = defaultdict(list)
    for each in dated:
        by_day[day_of(each)].append(each)
    return dict(sorted(by_day.items()))


def _every_day(first_day: date, last_day: date) -> list[date]:
    return [first_day + timedelta(days=number) for number in range((last_day - first_day).days + 1)]


def _truth(shop: JournalShop, true_transactions: Sequence[TrueTransaction]) -> Truth:
    return {
        "shop_id": shop.shop_id,
        "mode": shop.mode,
        "transactions": [_transaction_truth(each) for each in true_transactions],
        "captures": [
            {
                "uuid": each.payment.uuid,
                "day": f"{each.captured_at.date()}",
                "remittance_number": str(each.payment.remittance_number),
                "direction": each.payment.operation_type,
                "currency": each.payment.currency,
                "gross_minor": each.payment.amount_minor,
                "fee_minor": each.fee_minor,
                "net_minor": each.net_minor,
            }
            for each in captures(true_transactions)
        ],
        "chargebacks": [
            {
                "uuid": each.payment.uuid,
                "day": f"{each.taken_back_on}",
                "amount_minor": each.payment.amount_minor,
                "currency": each.payment.currency,
            }
            for each in ([] if shop.is_test else chargebacks(true_transactions))
        ],
    }


def _transaction_truth(true_transaction: TrueTransaction) -> Truth:
    last, delivered = true_transaction.last, true_transaction.delivered
    return {
        "uuid": last.uuid,
        "trans_id": last.trans_id,
        "order_id": last.order_id,
        "contract": last.means.contract,
        "day": f"{true_transaction.paid_on}",
        "paid_at": f"{last.created_at:%Y-%m-%dT%H:%M:%SZ}",
        "direction": last.operation_type,
        "sequence_number": last.sequence_number,
        "status": last.status,
        "amount_minor": last.amount_minor,
        "currency": last.currency,
        "is_delivered": delivered is not None,
        "delivered_status": delivered.status if delivered else None,
        "delivered_amount_minor": delivered.amount_minor if delivered else None,
        "states": [
            {
                "since": f"{state.since:%Y-%m-%dT%H:%M:%SZ}",
                "status": state.payment.status,
                "amount_minor": state.payment.amount_minor,
            }
            for state in true_transaction.states
        ],
    }
