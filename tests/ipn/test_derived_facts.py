"""What a form does not say itself, and other fields stand in for: the reference allows no more."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from ledger.ipn.snapshots import TransactionSnapshot
from tests.builders import UUID, a_form, an_answer, form_body, rest_body
from tests.ipn.reading import content_of

AMOUNT, CURRENCY = "vads_effective_amount", "vads_effective_currency"
DERIVED = ("amount_minor", "currency")


def a_payment(**form_changes: str | None) -> TransactionSnapshot:
    (payment,) = content_of(form_body(a_form(**form_changes))).transactions
    return payment


def an_answered_payment(**answer_changes: Any) -> TransactionSnapshot:
    (payment,) = content_of(rest_body(an_answer(**answer_changes))).transactions
    return payment


def money(payment: TransactionSnapshot) -> tuple[Any, Any]:
    return payment.facts.get("amount_minor"), payment.facts.get("currency")


@pytest.mark.parametrize("missing", [None, ""], ids=["left-out", "empty"])
@pytest.mark.parametrize(
    ("names", "derived"),
    [
        ((), ()),
        ((CURRENCY,), ("currency",)),
        ((AMOUNT,), ("amount_minor",)),
        ((CURRENCY, AMOUNT), ("currency", "amount_minor")),
    ],
)
def test_a_single_payment_moves_what_was_asked_for(
    names: tuple[str, ...], derived: tuple[str, ...], missing: str | None
) -> None:
    payment = a_payment(**dict.fromkeys(names, missing))

    assert money(payment) == (2990, "EUR")
    assert payment.derived == derived
    assert payment.odd == ()


@pytest.mark.parametrize(
    "form_changes",
    [
        {"vads_payment_config": None},  # as in a replay
        {"vads_payment_config": ""},
        {"vads_payment_config": "MULTI:first=1000;count=3;period=30"},
        {"vads_payment_config": "MULTI_EXT:20260310=1990;20260410=1000"},
        {"vads_payment_config": "single"},
        {"vads_sequence_number": "0"},
        {"vads_card_brand": "MULTI"},
    ],
)
def test_the_amount_asked_for_is_that_of_a_single_payment_alone(
    form_changes: Mapping[str, str | None],
) -> None:
    assert money(a_payment(**{AMOUNT: None, CURRENCY: None}, **form_changes)) == (None, "EUR")


@pytest.mark.parametrize(
    ("form_changes", "amount_and_currency"),
    [
        ({"vads_currency": "840", "vads_change_rate": "1.1334", CURRENCY: None}, (2990, None)),
        ({"vads_currency": "840", "vads_change_rate": "1.1334", AMOUNT: None}, (None, "EUR")),
        ({"vads_currency": "840", AMOUNT: None}, (None, "EUR")),
        ({"vads_currency": None, CURRENCY: None}, (2990, None)),
        ({"vads_currency": "", CURRENCY: "", AMOUNT: ""}, (None, None)),
        ({"vads_operation_type": "VERIFICATION", CURRENCY: None, AMOUNT: None}, (None, None)),
        ({"vads_trans_status": "ABANDONED", CURRENCY: None, AMOUNT: None}, (None, None)),
        ({"vads_payment_seq": "{broken", CURRENCY: None, AMOUNT: None}, (None, None)),
    ],
    ids=[
        "converted",
        "converted-amount",
        "two-currencies",
        "no-currency",
        "nothing",
        "verification",
        "abandoned",
        "split",
    ],
)
def test_nothing_is_derived_that_may_be_otherwise(
    form_changes: Mapping[str, str | None], amount_and_currency: tuple[int | None, str | None]
) -> None:
    payment = a_payment(**form_changes)

    assert money(payment) == amount_and_currency
    assert not set(DERIVED) & set(payment.derived)


def test_a_reduced_or_partial_amount_is_in_the_currency_asked_for() -> None:
    payment = a_payment(
        vads_effective_amount="1000", vads_payment_config="MULTI:first=1000", **{CURRENCY: None}
    )

    assert money(payment) == (1000, "EUR")


def a_part(element: Mapping[str, str], **form_changes: str | None) -> TransactionSnapshot:
    sequence = json.dumps({"transactions": [{"trans_id": "123456", "amount": "2000", **element}]})
    return a_payment(vads_payment_seq=sequence, vads_card_brand="MULTI", **form_changes)


def test_a_part_was_made_when_the_form_says_and_else_on_the_day_of_the_form() -> None:
    form_time = {"vads_trans_date": "20260309235900"}

    of_day = a_part({}, vads_effective_creation_date=None, **form_time)
    of_form = a_part({}, vads_effective_creation_date="20260310091547", **form_time)

    assert of_day.facts["created_at"] == "2026-03-09T23:59:00Z"
    assert of_form.facts["created_at"] == "2026-03-10T09:15:47Z"
    assert of_day.derived == of_form.derived == ("created_at", "currency")


@pytest.mark.parametrize(
    ("element", "form_changes", "currency", "is_derived"),
    [
        ({}, {}, "EUR", False),
        ({}, {"vads_currency": None}, "EUR", False),
        ({}, {"vads_currency": None, CURRENCY: None}, None, False),
        ({"change_rate": "1.1"}, {"vads_currency": "840"}, "USD", True),
        ({}, {"vads_currency": "840"}, "USD", True),
    ],
    ids=["one", "of-capture", "none", "converted-part", "converted"],
)
def test_a_part_is_in_the_currency_of_the_form(
    element: Mapping[str, str],
    form_changes: Mapping[str, str | None],
    currency: str,
    *,
    is_derived: bool,
) -> None:
    payment = a_part(element, **form_changes)

    assert money(payment) == (2000, currency)
    assert ("amount_minor" in payment.derived) is is_derived


@pytest.mark.parametrize(
    ("answer_changes", "currency"),
    [
        ({}, "EUR"),
        ({"currency": None}, "EUR"),
        ({"currency": ""}, "EUR"),
        ({"currency": None, "transactionDetails": {}}, "EUR"),
        ({"currency": None, "transactionDetails": {"effectiveAmount": 3390}}, None),
        ({"currency": None, "order": {"orderCurrency": None}, "transactionDetails": {}}, None),
        ({"currency": None, "amount": None}, None),
        ({"currency": None, "operationType": "VERIFICATION"}, None),
    ],
)
def test_an_answer_without_its_currency_is_in_that_of_the_order(
    answer_changes: Mapping[str, Any], currency: str | None
) -> None:
    payment = an_answered_payment(uuid=UUID, **answer_changes)

    assert payment.facts.get("currency") == currency
    assert payment.derived == (("currency",) if answer_changes and currency else ())
