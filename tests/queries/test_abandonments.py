"""An abandoned page is no payment: it is in no balance, in no currency, but its order is listed."""

from typing import Any

import pytest

from ledger.application import Ledger
from ledger.queries.filter_declarations import OrderFilter
from ledger.queries.lists import ORDERS, list_page
from ledger.queries.orders import order, order_history
from ledger.storage.database import Database
from tests.builders import SHOP_ID, a_form, a_form_call, a_ledger, form_body, receive
from tests.queries.filling import follow

SUMS = ("authorised_minor", "captured_minor", "refunded_minor", "open_minor", "balance_minor")
UNTOLD = (
    *("operation_type", "sequence_number", "effective_amount", "effective_currency"),
    *("effective_creation_date", "presentation_date", "auth_number", "auth_result"),
)


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return a_ledger(database)


def an_abandonment(order_id: str, **changes: str | None) -> bytes:
    fields: dict[str, str | None] = dict.fromkeys(UNTOLD) | {
        "trans_uuid": "",
        "trans_id": "zz9zzz",
        "trans_status": "ABANDONED",
        "result": "17",
        "order_id": order_id,
    }
    return form_body(a_form(**{f"vads_{name}": text for name, text in (fields | changes).items()}))


def item(ledger: Ledger, order_id: str) -> dict[str, Any]:
    history = order_history(ledger, SHOP_ID, "TEST", order_id)
    return order(history, shop_id=SHOP_ID, mode="TEST", order_id=order_id)


def listed(ledger: Ledger, order_id: str) -> list[dict[str, Any]]:
    follow(ledger)
    with ledger.database.connect() as connection:
        return list_page(connection, ORDERS, OrderFilter(order_id=order_id)).items


@pytest.mark.parametrize("currency", ["978", "840", None])
@pytest.mark.parametrize("is_first", [True, False])
def test_beside_a_payment_an_abandonment_adds_no_line(
    ledger: Ledger, *, is_first: bool, currency: str | None
) -> None:
    calls = [a_form_call(order_id="o"), an_abandonment("o", currency=currency)]
    for body in calls[::-1] if is_first else calls:
        receive(ledger, body)
        follow(ledger)

    (line,) = listed(ledger, "o")
    state = item(ledger, "o")

    assert (line["currency"], line["transactions"], line["balance_minor"]) == ("EUR", 1, 2990)
    assert state["balances"] == [{name: line[name] for name in state["balances"][0]}]
    assert {payment["status"] for payment in state["transactions"]} == {"AUTHORISED", "ABANDONED"}


def test_an_order_of_abandonments_alone_is_listed_once_and_counts_nothing(ledger: Ledger) -> None:
    receive(ledger, an_abandonment("o", currency="978", trans_id="zz9zz1"))
    receive(ledger, an_abandonment("o", currency="840", trans_id="zz9zz2"))

    (line,) = listed(ledger, "o")

    assert (line["currency"], line["transactions"], line["doubtful"]) == (None, 0, 0)
    assert {line[name] for name in SUMS} == {0}
    assert item(ledger, "o")["balances"] == []
    assert len(item(ledger, "o")["transactions"]) == 2


def test_a_payment_after_an_abandonment_takes_its_line(ledger: Ledger) -> None:
    receive(ledger, an_abandonment("o"))
    before = listed(ledger, "o")
    receive(ledger, a_form_call(order_id="o"))

    after = listed(ledger, "o")

    assert [line["currency"] for line in before] == [None]
    assert [(line["currency"], line["transactions"]) for line in after] == [("EUR", 1)]


def test_payments_in_two_currencies_keep_their_lines(ledger: Ledger) -> None:
    receive(ledger, a_form_call(order_id="o", trans_uuid="b1" * 16))
    dollars = {"currency": "840", "effective_currency": "840"}
    receive(ledger, a_form_call(order_id="o", trans_uuid="b2" * 16, **dollars))
    receive(ledger, an_abandonment("o"))

    lines = listed(ledger, "o")

    assert sorted(line["currency"] for line in lines) == ["EUR", "USD"]
    assert [balance["currency"] for balance in item(ledger, "o")["balances"]] == ["EUR", "USD"]
