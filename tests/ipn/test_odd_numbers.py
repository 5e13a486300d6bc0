"""Odd numbers: beyond what the platform moves, with idle zeros, of another shop."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.builders import SHOP_ID, an_answer, rest_body
from tests.ipn.reading import content_of, with_text
from tests.ipn.test_odd_values import PARTS, an_odd_form

AMOUNT = '"amount":2990,"currency":"EUR","paymentMethodType"'
ODD: list[tuple[str, bytes, set[str], Mapping[str, Any]]] = [
    (
        "rest-more",
        rest_body(an_answer(amount=10**12)),
        {"amount"},
        {"amount_minor": 10**12},
    ),
    (
        "form-most",
        an_odd_form(vads_effective_amount="999999999999"),
        set(),
        {"amount_minor": 999_999_999_999},
    ),
    (
        "form-more",
        an_odd_form(vads_effective_amount="1000000000000"),
        {"vads_effective_amount"},
        {"amount_minor": 1_000_000_000_000},
    ),
    ("rest-zeros", rest_body(an_answer(amount=4990.0)), {"amount"}, {"amount_minor": 4990}),
    (
        "rest-many-zeros",
        with_text(AMOUNT, AMOUNT.replace("2990", "-4990.00")),
        {"amount"},
        {"amount_minor": -4990},
    ),
    (
        "rest-zeros-of-order",
        rest_body(an_answer(order={"orderTotalAmount": 4990.0})),
        {"orderTotalAmount"},
        {"requested_amount_minor": 4990},
    ),
    (
        "rest-zeros-of-number",
        rest_body(an_answer(transactionDetails={"sequenceNumber": 2.0})),
        {"transactionDetails.sequenceNumber"},
        {"sequence_number": 2},
    ),
    (
        "rest-zeros-of-refund",
        rest_body(
            an_answer(operationType="CREDIT", transactionDetails={"effectiveAmount": 4990.0})
        ),
        {"transactionDetails.effectiveAmount"},
        {"requested_amount_minor": 4990},
    ),
    (
        "form-zeros-of-part",
        an_odd_form(vads_payment_seq=PARTS.replace('"100"', "100.0")),
        {"amount"},
        {"amount_minor": 100},
    ),
    ("rest-zeros-in-text", rest_body(an_answer(metadata={"a": 1.0})), set(), {}),
    ("rest-other-shop", rest_body(an_answer(shopId="87654321")), {"shopId"}, {}),
    ("rest-other-shop-number", rest_body(an_answer(shopId=87654321)), {"shopId"}, {}),
    ("rest-same-shop-number", rest_body(an_answer(shopId=int(SHOP_ID))), set(), {}),
    ("rest-no-shop", rest_body(an_answer(shopId=None)), set(), {}),
    ("rest-empty-shop", rest_body(an_answer(shopId="")), set(), {}),
]


@pytest.mark.parametrize(
    ("body", "odd", "facts"), [pytest.param(*row[1:], id=row[0]) for row in ODD]
)
def test_an_odd_number_is_read_and_marked(
    body: bytes, odd: set[str], facts: Mapping[str, Any]
) -> None:
    snapshot = content_of(body).transactions[0]

    assert set(snapshot.odd) == odd
    assert {name: snapshot.facts.get(name) for name in facts} == facts


def test_an_odd_number_stays_verbatim_among_the_details() -> None:
    answer = an_answer(amount=4990.0, shopId="87654321", order={"orderTotalAmount": 4990.0})

    (payment,) = content_of(rest_body(answer)).transactions

    odd = {"amount": "4990.0", "shopId": "87654321", "orderDetails.orderTotalAmount": "4990.0"}
    assert odd.items() <= dict(payment.details).items()
