"""What is odd in a signed body: it is read all the same, and marked."""

from collections.abc import Mapping
from typing import Any

import pytest

from ledger.ipn.storable import storable_name
from tests.builders import a_form, an_answer, form_body, rest_body
from tests.ipn.reading import content_of, with_text

LONG = "é" * 5_000
PARTS = '{"transactions":[{"trans_uuid":"' + "a1" * 16 + '","amount":"100"}]}'
ABANDONED = {"orderStatus": "ABANDONED"}


def an_odd_form(**changes: str | None) -> bytes:
    return form_body(a_form(**changes))


ODD: list[tuple[str, bytes, set[str], Mapping[str, Any]]] = [
    (
        "form-5000-fields",
        form_body(a_form() | {f"vads_ext_info_{number}": "x" for number in range(5_000)}),
        set(),
        {"amount_minor": 2990},
    ),
    (
        "form-currency",
        an_odd_form(vads_effective_currency="998"),
        {"vads_effective_currency"},
        {"currency": "998"},
    ),
    (
        "form-date",
        an_odd_form(vads_presentation_date="20260231250000"),
        {"vads_presentation_date"},
        {"capture_at": None},
    ),
    (
        "form-date-of-year-one",
        an_odd_form(vads_presentation_date="00010101000000"),
        {"vads_presentation_date"},
        {"capture_at": None},
    ),
    (
        "form-day",
        an_odd_form(vads_effective_creation_date="yesterday"),
        {"vads_effective_creation_date"},
        {"created_at": None},
    ),
    (
        "form-negative",
        an_odd_form(vads_effective_amount="-2990"),
        {"vads_effective_amount"},
        {"amount_minor": -2990},
    ),
    (
        "form-status",
        an_odd_form(vads_trans_status="MELTED"),
        {"vads_trans_status"},
        {"status": "MELTED"},
    ),
    (
        "form-operation",
        an_odd_form(vads_operation_type="GIFT"),
        {"vads_operation_type"},
        {"operation_type": "GIFT"},
    ),
    ("form-source", an_odd_form(vads_url_check_src="NEVER_SEEN"), set(), {"status": "AUTHORISED"}),
    (
        "form-number",
        an_odd_form(vads_sequence_number="1st"),
        {"vads_sequence_number"},
        {"sequence_number": None},
    ),
    (
        "form-long",
        an_odd_form(vads_cust_last_name=LONG, vads_order_id=LONG),
        {"vads_order_id"},
        {"order_id": storable_name(LONG)},
    ),
    (
        "form-nul",
        an_odd_form(vads_order_info="a\0b", vads_cust_name="\0"),
        {"vads_order_info", "vads_cust_name"},
        {},
    ),
    (
        "form-nul-fact",
        an_odd_form(vads_order_id="a\0b"),
        {"vads_order_id"},
        {"order_id": "a\ufffdb"},
    ),
    ("form-nul-name", an_odd_form(**{"vads_\0": "a"}), {"vads_\ufffd"}, {}),
    ("form-new-name", an_odd_form(vads_new_field_2027="a"), {"vads_new_field_2027"}, {}),
    ("form-unsigned", form_body(a_form()) + b"&note=a", {"note"}, {}),
    ("form-status-in-text", an_odd_form(vads_order_info="a+DEBIT+b"), {"vads_order_info"}, {}),
    (
        "form-split-is-no-json",
        an_odd_form(vads_payment_seq="{broken"),
        {"vads_payment_seq"},
        {"amount_minor": None},
    ),
    ("rest-currency", rest_body(an_answer(currency="ZZZ")), {"currency"}, {"currency": "ZZZ"}),
    (
        "rest-date",
        rest_body(an_answer(creationDate="2026-02-31T00:00:00Z")),
        {"creationDate"},
        {"created_at": None},
    ),
    ("rest-server-date", rest_body(an_answer(whole={"serverDate": "soon"})), {"serverDate"}, {}),
    (
        "rest-server-date-first",
        rest_body(an_answer(whole={"serverDate": "0001-01-01T00:00:00Z"})),
        {"serverDate"},
        {},
    ),
    (
        "rest-server-date-last",
        rest_body(an_answer(whole={"serverDate": "9999-12-31T23:59:59-14:00"})),
        {"serverDate"},
        {},
    ),
    (
        "rest-server-date-object",
        rest_body(an_answer(whole={"serverDate": {"a": 1}})),
        {"serverDate"},
        {},
    ),
    ("rest-server-date-none", rest_body(an_answer(whole={"serverDate": None})), set(), {}),
    ("rest-negative", rest_body(an_answer(amount=-2990)), {"amount"}, {"amount_minor": -2990}),
    ("rest-amount-as-text", rest_body(an_answer(amount="2990")), set(), {"amount_minor": 2990}),
    (
        "rest-status",
        rest_body(an_answer(detailedStatus="MELTED")),
        {"detailedStatus"},
        {"status": "MELTED"},
    ),
    (
        "rest-operation",
        rest_body(an_answer(operationType="GIFT")),
        {"operationType"},
        {"operation_type": "GIFT"},
    ),
    ("rest-source", rest_body(an_answer(), "NEVER\0SEEN"), set(), {}),
    (
        "rest-nul",
        with_text('"orderInfo":"caisse 3"', '"orderInfo":"\\u0000"'),
        {"metadata.orderInfo"},
        {},
    ),
    (
        "rest-nul-fact",
        with_text('"orderId":"CMD', '"orderId":"\\u0000CMD'),
        {"orderId"},
        {"order_id": "\ufffdCMD-2026-0001"},
    ),
    (
        "rest-surrogate",
        with_text('"orderId":"CMD', '"orderId":"\\ud800CMD'),
        {"orderId"},
        {"order_id": "\ufffdCMD-2026-0001"},
    ),
    ("rest-surrogate-name", with_text('"basket"', '"\\udfff"'), set(), {}),
    ("rest-order-number", rest_body(an_answer(order={"orderId": 42})), set(), {"order_id": "42"}),
    (
        "rest-metadata-list",
        rest_body(an_answer(metadata=["a", {"b": None}, [1.5, True]])),
        set(),
        {},
    ),
    (
        "rest-risk-control",
        rest_body(an_answer(whole={"riskControl": {"name": "CARD", "result": ["OK"]}})),
        set(),
        {},
    ),
    ("rest-shop-number", rest_body(an_answer(whole={"shopId": 12345678})), set(), {}),
    (
        "rest-long",
        rest_body(an_answer(paymentMethodToken=LONG)),
        {"paymentMethodToken"},
        {"alias": storable_name(LONG)},
    ),
    (
        "rest-long-order",
        rest_body(an_answer(order={"orderId": LONG})),
        {"orderId"},
        {"order_id": storable_name(LONG)},
    ),
    (
        "form-turned",
        an_odd_form(vads_order_id="A\u202eB"),
        {"vads_order_id"},
        {"order_id": "A\u202eB"},
    ),
    (
        "rest-details-text",
        rest_body(an_answer(transactionDetails="none")),
        set(),
        {"status": "AUTHORISED"},
    ),
    ("rest-without-amount", rest_body(an_answer(amount=None)), set(), {"amount_minor": None}),
]


@pytest.mark.parametrize(
    ("body", "odd", "facts"), [pytest.param(*row[1:], id=row[0]) for row in ODD]
)
def test_what_is_signed_and_odd_is_read_and_marked(
    body: bytes, odd: set[str], facts: Mapping[str, Any]
) -> None:
    snapshot = content_of(body).transactions[0]

    assert set(snapshot.odd) == odd
    assert {name: snapshot.facts.get(name) for name in facts} == facts


@pytest.mark.parametrize(
    "body",
    [
        an_odd_form(vads_presentation_date=LONG),
        rest_body(an_answer(shopId=LONG)),
        an_odd_form(vads_order_id=LONG),
        an_odd_form(vads_order_id=LONG, vads_payment_seq=PARTS),
        rest_body(an_answer(creationDate=LONG)),
        rest_body(an_answer(order={"orderId": LONG})),
        rest_body(an_answer(whole={"transactions": [], **ABANDONED}, order={"orderId": LONG})),
    ],
    ids=[
        "form",
        "other-shop",
        "order-of-form",
        "order-of-part",
        "rest",
        "order-of-rest",
        "abandoned",
    ],
)
def test_an_odd_value_stays_verbatim_among_the_details(body: bytes) -> None:
    snapshot = content_of(body).transactions[0]

    assert LONG in [value for _, value in snapshot.details]
    assert len(snapshot.odd) == 1


@pytest.mark.parametrize(
    "body",
    [
        an_odd_form(vads_identifier=LONG, vads_subscription=LONG, vads_recurrence_status="CREATED"),
        rest_body(
            an_answer(
                paymentMethodToken=LONG,
                transactionDetails={"subscriptionDetails": {"subscriptionId": LONG}},
            )
        ),
    ],
    ids=["form", "rest"],
)
def test_an_alias_and_a_subscription_keep_their_own_odd_values(body: bytes) -> None:
    content = content_of(body)

    for snapshot in (*content.aliases, *content.subscriptions):
        assert snapshot.odd
        assert [value for _, value in snapshot.details] == [LONG] * len(snapshot.odd)
    assert len(content.aliases) == len(content.subscriptions) == 1
