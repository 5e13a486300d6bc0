"""What came of a payment or an order in few figures: nothing that nobody tells is claimed."""

from typing import Any

import pytest

from ledger.queries.summaries import order_summary, transaction_summary

State = dict[str, Any]
PAID_ON, REFUNDED_ON = "2026-09-22T10:00:00Z", "2026-09-27T09:00:00Z"
CAPTURE_AT = "2026-09-23T10:00:00Z"


def a_state(status: str = "AUTHORISED", **changes: Any) -> State:
    """Return what a summary reads of a payment."""
    state: State = {
        "status": status,
        "operation_type": "DEBIT",
        "amount_minor": 39_738,
        "currency": "KWD",
        "created_at": PAID_ON,
        "capture_at": CAPTURE_AT,
        "captured_at": None,
        "refunded_minor": None,
        "authorisation_result": None,
        "doubtful": False,
        "basis": "told",
        "sealed": "opened",
        "first_seen_at": "2026-11-26T15:02:00Z",
        "last_changed_at": "2026-11-26T15:02:00Z",
    }
    return state | changes


def a_refund(status: str = "CAPTURED", **changes: Any) -> State:
    of_refund = {"operation_type": "CREDIT", "amount_minor": 38_247, "created_at": REFUNDED_ON}
    return a_state(status, **of_refund | changes)


CASES: tuple[tuple[State, list[State] | None, State], ...] = (
    (
        a_state(),
        [],
        {
            "outcome": "accepted",
            "paid_minor": 39_738,
            "paid_at": PAID_ON,
            "capture": "not-notified",
            "capture_at": CAPTURE_AT,
            "captured_minor": 0,
            "refunded_minor": 0,
            "net_minor": 39_738,
        },
    ),
    (
        a_state("CAPTURED", captured_at=CAPTURE_AT),
        [a_refund()],
        {
            "capture": "notified",
            "captured_at": CAPTURE_AT,
            "capture_at": None,
            "refunded_minor": 38_247,
            "refunded_at": REFUNDED_ON,
            "refunds": 1,
            "net_minor": 1_491,
        },
    ),
    (a_state("CAPTURED"), [a_refund(status="CANCELLED")], {"refunded_minor": 0, "refunds": 0}),
    (a_state(), [a_refund(doubtful=True)], {"refunded_minor": 0, "doubtful": 1}),
    (a_state(refunded_minor=500), [], {"refunded_minor": 500, "refunds": 0}),
    (a_state(refunded_minor=500), None, {"refunded_minor": 500, "net_minor": 39_238}),
    (a_state(), None, {"paid_minor": 39_738, "refunded_minor": None, "net_minor": None}),
    (a_state("AUTHORISED_TO_VALIDATE"), [], {"outcome": "accepted", "paid_minor": 0}),
    (a_state("UNDER_VERIFICATION"), [], {"outcome": "pending", "paid_minor": 0, "capture": None}),
    (
        a_state("REFUSED", authorisation_result="51"),
        [],
        {"outcome": "refused", "reason": "51", "paid_minor": 0, "amount_minor": 39_738},
    ),
    (a_state("CANCELLED"), [], {"outcome": "cancelled", "paid_minor": 0}),
    (a_state("EXPIRED"), [], {"outcome": "expired", "paid_minor": 0}),
    (a_state("ABANDONED", amount_minor=None), [], {"outcome": "abandoned", "paid_minor": 0}),
    (a_state("CAPTURE_FAILED"), [], {"outcome": "failed", "paid_minor": 0}),
    (a_state("NEVER_SEEN"), [], {"outcome": "unknown", "status": "NEVER_SEEN"}),
    (a_refund(), [], {"outcome": "refunded", "refunded_minor": 38_247, "net_minor": -38_247}),
    (a_state("ACCEPTED", operation_type="VERIFICATION"), [], {"outcome": "verified"}),
    (a_state(doubtful=True), [], {"outcome": "doubtful", "paid_minor": 0, "doubtful": 1}),
)


@pytest.mark.parametrize(("transaction", "refunds", "figures"), CASES)
def test_a_transaction_is_summed_up(
    transaction: State, refunds: list[State] | None, figures: State
) -> None:
    (part,) = transaction_summary(transaction, refunds)["parts"]

    assert {name: part[name] for name in figures} == figures


@pytest.mark.parametrize(
    ("more_facts", "proof", "is_erased"),
    [
        ({}, "signature", False),
        ({"basis": "asked"}, "queried", False),
        ({"doubtful": True}, "doubtful", False),
        ({"sealed": "erased"}, "signature", True),
    ],
)
def test_it_says_what_proves_it(more_facts: State, proof: str, is_erased: bool) -> None:
    summary = transaction_summary(a_state(**more_facts), [])

    assert (summary["proof"], summary["is_erased"]) == (proof, is_erased)
    assert summary["first_seen_at"] == "2026-11-26T15:02:00Z"


def test_an_order_has_a_part_for_each_currency_and_the_paid_attempt_decides() -> None:
    attempts = [
        a_state("REFUSED", authorisation_result="51", created_at="2026-09-23T00:00:00Z"),
        a_state(),
        a_refund(),
        a_state("CAPTURED", currency="EUR", amount_minor=1_200),
        a_state(currency="EUR", amount_minor=800, created_at=REFUNDED_ON),
        a_state("ABANDONED", currency="CHF"),
    ]

    euros, dinars = order_summary(a_state(), attempts)["parts"]

    assert (euros["currency"], euros["paid_minor"], euros["payments"]) == ("EUR", 2_000, 2)
    assert (euros["capture"], euros["captured_minor"]) == ("in-part", 1_200)
    assert euros["paid_at"] == REFUNDED_ON
    assert (dinars["currency"], dinars["outcome"], dinars["net_minor"]) == (
        "KWD",
        "accepted",
        1_491,
    )


def test_of_attempts_that_all_failed_the_newest_decides() -> None:
    attempts = [
        a_state("REFUSED", authorisation_result="51"),
        a_state("REFUSED", authorisation_result="05", created_at=REFUNDED_ON),
        a_state("ABANDONED", created_at="2026-10-01T00:00:00Z"),
    ]

    (part,) = order_summary(a_state(), attempts)["parts"]

    assert (part["outcome"], part["reason"]) == ("refused", "05")
