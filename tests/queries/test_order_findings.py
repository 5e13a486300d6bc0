"""What does not add up in an order is said; of an order that was told whole, nothing is."""

from typing import Any

import pytest

from ledger.application import Ledger
from ledger.ipn.modes import Mode
from ledger.queries.lists import ORDERS
from ledger.queries.orders import order, order_history
from ledger.storage.database import Database
from tests.builders import OTHER_SHOP_ID, SHOP_ID, a_ledger, a_shop, receive, shops
from tests.queries.filling import fill_with_stories, follow, read_to_the_end
from tests.reconciliation.comparing import a_payment, money


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return a_ledger(database, shops(a_shop(), a_shop(OTHER_SHOP_ID)))


def findings_of(ledger: Ledger, order_id: str = "CMD-1") -> list[dict[str, Any]]:
    history = order_history(ledger, SHOP_ID, Mode.TEST, order_id)
    return list(order(history, shop_id=SHOP_ID, mode="test", order_id=order_id)["findings"])


def test_refunds_above_what_was_ever_held_are_said(ledger: Ledger) -> None:
    receive(ledger, a_payment("410001", "091504", order_id="CMD-1"))
    refund = {"operation_type": "CREDIT", "trans_status": "CAPTURED", **money(3000)}
    receive(ledger, a_payment("900004", "150000", order_id="CMD-1", **refund))
    follow(ledger)

    (finding,) = findings_of(ledger)

    assert finding["rule"] == "refunds-above-payments"
    assert (finding["currency"], finding["amount_minor"]) == ("EUR", 10)


def test_an_attempt_that_was_never_told_is_named(ledger: Ledger) -> None:
    for number, sequence in (("410001", "1"), ("510001", "3")):
        more = {"trans_id": "410001", "sequence_number": sequence, "order_id": "CMD-1"}
        receive(ledger, a_payment(number, "091504", **more))
    follow(ledger)

    (finding,) = findings_of(ledger)

    assert (finding["rule"], finding["sequence_number"]) == ("attempt-missing", 2)


def test_of_orders_that_were_told_whole_nothing_is_said(ledger: Ledger) -> None:
    fill_with_stories(ledger)
    follow(ledger)
    filter_ = ORDERS.filter_class.of({"mode": "test", "shop_id": [SHOP_ID]})

    orders = {item["order_id"] for item in read_to_the_end(ledger, ORDERS, filter_)}

    assert len(orders) > 20
    assert [name for name in orders if findings_of(ledger, name)] == []
