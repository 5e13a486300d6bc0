"""A refused body that holds card data is not kept: its row says what was refused, and why."""

import pytest

from ledger.application import Ledger
from ledger.queries.readable import find_delivery
from ledger.storage.database import Database
from tests.builders import (
    a_delivery,
    a_form,
    a_ledger,
    an_answer,
    form_body,
    rest_body,
)

NUMBER = "4970100000000014"


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return a_ledger(database)


def a_form_of(**fields: str) -> bytes:
    return form_body(a_form(**{f"vads_{name}": text for name, text in fields.items()}), "another")


DROPPED = {
    # name: body, kinds
    "number": (a_form_of(order_info=NUMBER), ("card-number",)),
    "number-in-groups": (a_form_of(ext_info_x="4970 1000 0000 0014"), ("card-number",)),
    "number-in-a-name": (a_form_of(**{f"ext_info_{NUMBER}": "x"}), ("card-number",)),
    "unheard-of": (form_body(a_form(note=NUMBER), "another"), ("card-number",)),
    "code": (a_form_of(cvv="321"), ("security-code",)),
    "code-in-words": (a_form_of(order_info="cvv: 123"), ("security-code",)),
    "stripe": (a_form_of(order_info=f";{NUMBER}=2512101?"), ("track-data",)),
    "stripe-as-an-order": (a_form_of(order_id=f"{NUMBER}=2512101"), ("track-data",)),
    "rest": (
        rest_body(an_answer(metadata={"deep": {"er": [int(NUMBER)]}}), key="another"),
        ("card-number",),
    ),
    "rest-order-of-the-merchant": (
        rest_body(an_answer(metadata={"orderId": NUMBER}), key="another"),
        ("card-number",),
    ),
    "rest-code": (
        rest_body(an_answer(cardDetails={"securityCode": "123"}), key="another"),
        ("security-code",),
    ),
    "broken-json": (rest_body('{"a": "' + NUMBER, key="another"), ("card-number",)),
    "no-form": (f'{{"card": "{NUMBER}"}}'.encode(), ("card-number",)),
    "no-utf-8": (b"vads_site_id=\xff&x=" + NUMBER.encode(), ("card-number",)),
}


@pytest.mark.parametrize(("body", "kinds"), DROPPED.values(), ids=DROPPED)
def test_a_body_with_card_data_is_not_kept(
    ledger: Ledger, body: bytes, kinds: tuple[str, ...]
) -> None:
    delivery = a_delivery(body)

    receipt = ledger.receive(delivery)

    assert (receipt.outcome, receipt.suspected) == ("quarantined", kinds)
    row = find_delivery(ledger, delivery.id)
    assert row is not None
    assert (row.body, row.sealed, row.reason) == (None, "nothing", receipt.reason)
    assert row.digest is None, "the number could be guessed from it"
    again = ledger.readmit(delivery.id)
    assert (again.outcome, again.reason) == ("quarantined", "card-data-removed")
    assert ledger.dry_run(delivery.id) == "card-data-removed"


KEPT = {
    "order": a_form_of(order_id=NUMBER, identifier=NUMBER, cust_id=NUMBER),
    "rest-order": rest_body(
        an_answer(whole={"orderDetails": {"orderId": NUMBER, "mode": "TEST"}}), key="another"
    ),
    "account": a_form_of(order_info="FR76 3000 6000 0112 3456 7890 189"),
    "masked": a_form_of(card_number="497010XXXXXX0014"),
    "honest": a_form_of(order_info="4970100000000015"),
    "empty": b"",
}


@pytest.mark.parametrize("body", KEPT.values(), ids=KEPT)
def test_a_body_without_it_is_kept_whole(ledger: Ledger, body: bytes) -> None:
    delivery = a_delivery(body)

    receipt = ledger.receive(delivery)

    assert receipt.outcome == "quarantined"
    row = find_delivery(ledger, delivery.id)
    assert row is not None
    assert row.body == body
    assert ledger.dry_run(delivery.id) == receipt.reason
