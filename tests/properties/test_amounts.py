"""Amounts beyond what the platform moves: shown everywhere as they came, counted nowhere."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.ipn.money import counted_minor
from ledger.queries.filter_conditions import Filter
from ledger.queries.filter_declarations import OrderFilter, TotalFilter, TransactionFilter
from ledger.queries.lists import ORDERS, TOTALS, TRANSACTIONS, Listing
from ledger.queries.orders import order, order_history
from tests.builders import SHOP_ID, a_form_call, receive
from tests.properties.conftest import examples
from tests.properties.test_laws import ledgers
from tests.queries.filling import follow, read_to_the_end

ORDER_ID = "CMD-1"
amounts = st.integers(12, 18).flatmap(lambda digits: st.integers(10 ** (digits - 1), 10**digits))
payments = st.tuples(st.sampled_from(["DEBIT", "CREDIT"]), amounts | st.integers(0, 10**12))


def rows_of(ledger: Ledger, listing: Listing, filter_: Filter) -> list[dict[str, Any]]:
    return read_to_the_end(ledger, listing, filter_)


def sums(balance: Mapping[str, Any]) -> dict[str, int]:
    return {name: balance[name] for name in balance if name.endswith("_minor")}


@examples(8)
@given(drawn=st.lists(payments, min_size=1, max_size=8))
def test_item_list_order_and_totals_agree_on_what_counts(
    sqlite_template: Path, drawn: list[tuple[str, int]]
) -> None:
    sent = {f"{number:032x}": payment for number, payment in enumerate(drawn)}
    with ledgers(sqlite_template) as make:
        ledger = make()
        for uuid, (operation, amount_minor) in sent.items():
            body = a_form_call(
                "CAPTURED",
                trans_uuid=uuid,
                order_id=ORDER_ID,
                operation_type=operation,
                effective_amount=str(amount_minor),
            )
            assert receive(ledger, body).outcome == "recorded"
        follow(ledger)

        history = order_history(ledger, SHOP_ID, "TEST", ORDER_ID)
        item = order(history, shop_id=SHOP_ID, mode="TEST", order_id=ORDER_ID)
        (balance,) = item["balances"]
        listed = rows_of(ledger, TRANSACTIONS, TransactionFilter())
        (listed_order,) = rows_of(ledger, ORDERS, OrderFilter())
        totals = rows_of(ledger, TOTALS, TotalFilter())

    counted = {
        operation: sum(counted_minor(minor) or 0 for each, minor in drawn if each == operation)
        for operation in ("DEBIT", "CREDIT")
    }
    shown = {uuid: minor for uuid, (_, minor) in sent.items()}
    assert {row["uuid"]: row["amount_minor"] for row in item["transactions"]} == shown
    assert {row["uuid"]: row["amount_minor"] for row in listed} == shown
    assert sums(balance) == sums(listed_order)
    assert balance["captured_minor"] == counted["DEBIT"]
    assert balance["refunded_minor"] == counted["CREDIT"]
    assert balance["balance_minor"] == counted["DEBIT"] - counted["CREDIT"]
    assert sum(row["amount_minor"] for row in totals) == sum(counted.values())
    assert sum(row["count"] for row in totals) == len(drawn)
