"""Parts of a split payment in lists, totals and their order: on the day of their form."""

import json
from datetime import UTC, datetime

from ledger.application import Ledger
from ledger.queries.filter_declarations import TotalFilter, TransactionFilter
from ledger.queries.lists import TOTALS, TRANSACTIONS
from tests.builders import a_form_call, receive
from tests.queries.filling import follow, read_to_the_end

PARTS = [
    {
        "trans_id": "123456",
        "trans_uuid": uuid * 16,
        "trans_status": "CAPTURED",
        "operation_type": "DEBIT",
        "amount": amount,
        "sequence_number": number,
    }
    for number, (uuid, amount) in enumerate([("b1", "1000"), ("b2", "1990")], 1)
]


def test_parts_are_listed_and_counted_on_the_day_of_their_form(ledger: Ledger) -> None:
    split = a_form_call(
        trans_uuid=None,
        trans_date="20260309235900",
        effective_creation_date=None,
        card_brand="MULTI",
        sequence_number="0",
        payment_seq=json.dumps({"transactions": PARTS}),
    )
    midnight = datetime(2026, 3, 10, tzinfo=UTC)
    receive(ledger, split)
    follow(ledger)

    before = read_to_the_end(ledger, TRANSACTIONS, TransactionFilter(created_until=midnight))
    later = read_to_the_end(ledger, TRANSACTIONS, TransactionFilter(created_from=midnight))
    totals = read_to_the_end(ledger, TOTALS, TotalFilter())

    assert {row["created_at"] for row in before} == {"2026-03-09T23:59:00Z"}
    assert sorted(row["amount_minor"] for row in before) == [1000, 1990]
    assert later == []
    assert {(row["day"], row["currency"]) for row in totals} == {("2026-03-09", "EUR")}
    assert sum(row["amount_minor"] for row in totals) == 2990
