"""What a filter selects is added up in one bounded query, and as the items themselves would be."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.queries import transaction_sums
from ledger.queries.filter_declarations import TransactionFilter
from ledger.queries.lists import TRANSACTIONS, all_transactions, list_page
from ledger.queries.transaction_sums import Summary, summarise
from tests.builders import SHOP_ID

FILTERS: dict[str, dict[str, Any]] = {
    "all": {},
    "mode": {"mode": "test"},
    "statuses": {"status": frozenset({"REFUSED", "CAPTURED"}), "shop_id": frozenset({SHOP_ID})},
    "no shop": {"shop_id": frozenset()},
    "part of a name": {"mode": "test", "search": "cmd"},
    "days": {"mode": "test", "created_from": datetime(2020, 1, 1, tzinfo=UTC), "amount_min": 2000},
    "flags": {"contradiction": True, "operation_type": frozenset({"DEBIT"})},
}


def summary_of(ledger: Ledger, filter_: TransactionFilter, limit: int) -> Summary | None:
    with ledger.database.connect() as connection:
        page = list_page(connection, TRANSACTIONS, filter_, limit=limit)
        return summarise(connection, filter_, page)


@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS.keys())
def test_the_sums_are_those_of_all_items(story_ledger: Ledger, filters: dict[str, Any]) -> None:
    filter_ = TransactionFilter(**filters)
    items = list(all_transactions(story_ledger.database, filter_))

    summary = summary_of(story_ledger, filter_, limit=1)

    assert summary is not None
    assert summary == summary_of(story_ledger, filter_, limit=500)
    assert summary.count == len(items)
    assert dict(summary.by_value["status"]) == Counter(item["status"] or "" for item in items)
    for each in summary.currency_sums:
        same = [
            item
            for item in items
            if (item["currency"], item["operation_type"]) == (each.currency, each.operation_type)
        ]
        assert (each.count, each.amount_minor) == (
            len(same),
            sum(item["amount_minor"] or 0 for item in same),
        )
        assert each.accepted_count <= each.count


def test_what_is_accepted_is_counted_apart(story_ledger: Ledger) -> None:
    filter_ = TransactionFilter(mode="test", currency="EUR")

    summary = summary_of(story_ledger, filter_, limit=1)

    assert summary is not None
    assert {each.operation_type for each in summary.currency_sums} >= {"DEBIT", "CREDIT"}
    payments = next(each for each in summary.currency_sums if each.operation_type == "DEBIT")
    assert 0 < payments.accepted_count < payments.count
    assert 0 < payments.accepted_minor < payments.amount_minor


def test_of_too_many_there_is_no_sum(story_ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum of a part would be taken for the whole."""
    monkeypatch.setattr(transaction_sums, "READ_MAX", 20)

    assert summary_of(story_ledger, TransactionFilter(), limit=1) is None
    assert summary_of(story_ledger, TransactionFilter(search="no such name"), limit=1) is not None
    item = next(all_transactions(story_ledger.database, TransactionFilter()))
    assert summary_of(story_ledger, TransactionFilter(order_id=item["order_id"]), limit=1)
