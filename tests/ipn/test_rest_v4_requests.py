"""What a REST answer says of an alias and of a subscription."""

from typing import Any

import pytest

from ledger.ipn.snapshots import NotificationContent, is_instalment
from tests.builders import UUID
from tests.ipn.test_rest_v4 import read_answer


@pytest.mark.parametrize(
    ("answer_changes", "was_asked", "is_accepted"),
    [
        ({"operationType": "VERIFICATION"}, True, True),
        ({"operationType": "VERIFICATION", "detailedStatus": "REFUSED"}, True, False),
        ({}, True, True),
        ({"transactionDetails": {"cardDetails": {"paymentMethodSource": "TOKEN"}}}, False, True),
    ],
    ids=["verification", "refused", "new means", "use"],
)
def test_a_request_for_an_alias_is_a_check_or_new_means(
    answer_changes: dict[str, Any], was_asked: bool, is_accepted: bool
) -> None:
    (alias,) = read_answer(paymentMethodToken="A1", uuid=UUID, **answer_changes).aliases

    assert (alias.alias, alias.facts["transaction_uuid"]) == ("A1", UUID)
    assert (alias.was_asked, alias.is_accepted) == (was_asked, is_accepted)
    assert "request" not in alias.facts


def subscribed(occurrence: str, **changes: Any) -> NotificationContent:
    details = {
        "occurrenceType": occurrence,
        "subscriptionDetails": {"subscriptionId": "S1"},
    }
    return read_answer(paymentMethodToken="A1", transactionDetails=details, **changes)


@pytest.mark.parametrize(
    ("status", "request_"), [("AUTHORISED", "CREATED"), ("REFUSED", "NOT_CREATED")]
)
def test_the_payment_that_opens_a_subscription_says_that_it_exists(
    status: str, request_: str
) -> None:
    (plan,) = subscribed("RECURRENT_INITIAL", detailedStatus=status).subscriptions

    assert (plan.subscription_id, plan.alias) == ("S1", "A1")
    assert plan.facts == {"request": request_, "order_id": "CMD-2026-0001"}


@pytest.mark.parametrize("occurrence", ["RECURRENT_INTERMEDIAIRE", "RECURRENT_FINAL"])
def test_an_instalment_opens_no_subscription(occurrence: str) -> None:
    content = subscribed(occurrence)

    assert content.subscriptions == ()
    assert content.transactions[0].facts["subscription_id"] == "S1"


STEPS: list[tuple[str | None, str | None, str, bool]] = [
    # place in the series, source of the means, operation; instalment
    (None, "TOKEN", "DEBIT", True),
    ("UNITAIRE", "TOKEN", "DEBIT", True),
    ("?", "TOKEN", "DEBIT", True),
    ("RECURRENT_INTERMEDIAIRE", None, "DEBIT", True),
    ("RECURRENT_INTERMEDIAIRE", "?", "?", True),
    ("RECURRENT_FINAL", "NEW", "DEBIT", True),
    (None, "TOKEN", "?", True),
    ("RECURRENT_INITIAL", "TOKEN", "DEBIT", False),
    ("RECURRENT_INITIAL", "?", "DEBIT", False),
    (None, "NEW", "DEBIT", False),
    (None, "TOKEN", "VERIFICATION", False),
    ("UNITAIRE", "NEW", "VERIFICATION", False),
]


@pytest.mark.parametrize("source", ["REC", "PAY", "RETRY", None])
@pytest.mark.parametrize(("occurrence", "means", "operation", "is_an_instalment"), STEPS)
def test_stored_means_or_the_place_in_the_series_make_an_instalment_whatever_kr_src_says(
    occurrence: str | None,
    means: str | None,
    operation: str,
    is_an_instalment: bool,
    source: str | None,
) -> None:
    details = {
        "occurrenceType": occurrence,
        "cardDetails": {"paymentMethodSource": means},
        "subscriptionDetails": {"subscriptionId": "S1"},
    }

    content = read_answer(
        source, paymentMethodToken="A1", operationType=operation, transactionDetails=details
    )

    assert is_instalment(content.transactions[0].facts) == is_an_instalment
    assert bool(content.subscriptions) != is_an_instalment


def test_a_refund_neither_opens_a_subscription_nor_is_its_instalment() -> None:
    content = subscribed("RECURRENT_INITIAL", operationType="CREDIT", detailedStatus="REFUSED")

    assert content.subscriptions == ()
    assert not is_instalment(content.transactions[0].facts)
