"""What an operator did to a payment, and what is needed to say that one made it."""

from dataclasses import replace
from typing import Any

import pytest

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.aggregates.transaction import Transaction
from tests.aggregates.given import a_payment, given, happened, in_form, in_rest
from tests.aggregates.test_transaction import (
    BACK_OFFICE,
    BY_TELEPHONE,
    MADE_BY_PLATFORM,
)

T = Transaction


def lowered(amount_minor: int) -> Any:
    return a_payment(amount_minor=amount_minor)


def test_an_operator_may_lower_an_amount_twice_and_a_retry_repeats_the_last() -> None:
    scenario = given(happened(T.PaymentAccepted, lowered(3000)))

    for amount_minor in (2000, 1000):
        scenario.when(lowered(amount_minor), in_form(BACK_OFFICE)).then(
            happened(
                T.AmountChanged, lowered(amount_minor), moved=["amount_minor"], rule="back-office"
            )
        )

    scenario.when(lowered(1000), in_form("RETRY")).then().leaves(amount_minor=1000)


@pytest.mark.parametrize(
    ("fact", "value", "event_class"),
    [
        ("amount_minor", 1000, T.AmountChanged),
        ("capture_at", "2026-03-12T00:00:00Z", T.CaptureRescheduled),
    ],
)
def test_new_terms_in_a_redelivery_come_from_the_back_office(
    fact: str, value: str | int, event_class: type[LedgerAggregate.Event]
) -> None:
    first = a_payment(capture_at="2026-03-11T00:00:00Z")
    changed = replace(first, facts={**first.facts, fact: value})

    given(happened(T.PaymentAccepted, first)).when(changed, in_form("RETRY")).then(
        happened(event_class, changed, moved=[fact], rule="back-office")
    )


@pytest.mark.parametrize("fact", ["amount_minor", "capture_at"])
def test_terms_that_were_never_reported_are_no_change_of_them(fact: str) -> None:
    complete = a_payment(capture_at="2026-03-11T00:00:00Z")
    facts = {name: value for name, value in complete.facts.items() if name != fact}

    given(happened(T.PaymentAccepted, facts)).when(complete).then(
        happened(T.DetailsReported, complete, moved=[fact])
    )


NUMBERS: list[tuple[str | None, bool]] = [
    ("900000", True),
    ("999999", True),
    ("899999", False),
    ("000001", False),
    ("a1b2c3", False),
    ("zzzzzz", False),
    ("9a0000", False),
    ("90000", False),
    ("9000000", False),
    ("９０００００", False),
    (" 90000", False),
    ("900000\n", False),
    ("", False),
    (None, False),
]


@pytest.mark.parametrize(("number", "is_of_platform"), NUMBERS)
def test_only_six_digits_from_900000_on_are_the_platforms(
    number: str | None, is_of_platform: bool
) -> None:
    """The merchant's own numbers may be of letters too, which sort behind digits."""
    duplicate, manual = a_payment(trans_id=number), a_payment(trans_id=number, **BY_TELEPHONE)

    given().when(duplicate, in_form(BACK_OFFICE)).then(
        happened(T.PaymentDuplicated if is_of_platform else T.StatusReported, duplicate)
    )
    given().when(manual, in_form(BACK_OFFICE)).then(
        happened(T.ManualPaymentAccepted if is_of_platform else T.StatusReported, manual)
    )


def test_an_operation_on_an_instalment_repeats_no_payment() -> None:
    instalment = a_payment(instalment_number=2, **MADE_BY_PLATFORM)

    given().when(instalment, in_form(BACK_OFFICE)).then(happened(T.StatusReported, instalment))


REPEATS = {"parent_uuid": "c3" * 16}
HINTED: list[tuple[float, str, dict[str, Any], type[LedgerAggregate.Event]]] = [
    # minutes after its creation, status, other facts, event
    (0.5, "AUTHORISED", REPEATS, T.PaymentDuplicated),
    (0.5, "AUTHORISED", BY_TELEPHONE, T.ManualPaymentAccepted),
    (0.5, "REFUSED", BY_TELEPHONE, T.ManualPaymentRefused),
    (0.5, "AUTHORISED", {}, T.PaymentAccepted),
    (0.5, "AUTHORISED_TO_VALIDATE", {}, T.PaymentAccepted),
    (0.5, "REFUSED", {}, T.PaymentRefused),
    (30, "AUTHORISED", {}, T.StatusReported),
    (30, "AUTHORISED", REPEATS, T.StatusReported),
    (30, "AUTHORISED", BY_TELEPHONE, T.StatusReported),
    (30, "CAPTURED", {}, T.Captured),
]


@pytest.mark.parametrize(("at", "status", "facts", "event_class"), HINTED)
def test_a_hint_at_an_operator_needs_what_is_signed_beside_it(
    at: float, status: str, facts: dict[str, Any], event_class: type[LedgerAggregate.Event]
) -> None:
    """In REST the platform numbers every payment, and anybody can write `kr-src`."""
    made = {"created_at": "2026-03-10T09:00:00Z"} | MADE_BY_PLATFORM
    snapshot = a_payment(status, **(made | facts))

    given().when(snapshot, in_rest(at, BACK_OFFICE)).then(happened(event_class, snapshot))


@pytest.mark.parametrize("source", ["BATCH", "BATCH_AUTO", "MERCH_BO", "REC", "NEVER_SEEN", None])
@pytest.mark.parametrize(
    ("status", "event_class"), [("AUTHORISED", T.PaymentAccepted), ("REFUSED", T.PaymentRefused)]
)
def test_a_payment_that_was_just_made_was_accepted_or_refused_whatever_a_hint_says(
    source: str | None, status: str, event_class: type[LedgerAggregate.Event]
) -> None:
    snapshot = a_payment(status, created_at="2026-03-10T09:00:00Z")

    given().when(snapshot, in_rest(0.1, source)).then(happened(event_class, snapshot))


def test_a_hint_at_an_operator_says_nothing_of_a_transaction_without_its_time() -> None:
    undated = a_payment(**(MADE_BY_PLATFORM | REPEATS))

    given().when(undated, in_rest(1, BACK_OFFICE)).then(happened(T.StatusReported, undated))
