"""A refund belongs to the payment it gives back: as told, or when only one can be meant."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.queries.refund_links import link_refunds, original_of

State = dict[str, Any]


def a_payment(reference: str = "p1", **more: Any) -> State:
    return {
        "uuid": reference,
        "reference": reference,
        "operation_type": "DEBIT",
        "status": "AUTHORISED",
        "amount_minor": 1000,
        "currency": "EUR",
        "parent_uuid": None,
        "doubtful": False,
        "created_at": "2026-03-10T09:15:47Z",
        "trans_date": None,
        "first_seen_at": "2026-11-23T12:00:00Z",
    } | more


def a_refund(reference: str = "r1", **more: Any) -> State:
    later: State = {"amount_minor": 400, "created_at": "2026-03-12T10:00:00Z"}
    return a_payment(reference, operation_type="CREDIT") | later | more


def originals(transactions: Sequence[State]) -> dict[str, str | None]:
    """Return the uuid of each refund's original."""
    link_refunds(transactions)
    return {
        transaction["reference"]: transaction["original"] and transaction["original"]["uuid"]
        for transaction in transactions
        if transaction["operation_type"] == "CREDIT"
    }


def linked(*transactions: State) -> dict[str, str | None]:
    """Return the uuid of each refund's original, which is the same in any order of arrival."""
    ends = [originals([dict(each) for each in order]) for order in permutations(transactions)]
    assert all(end == ends[0] for end in ends)
    return ends[0]


def test_what_the_platform_names_is_told() -> None:
    refund = a_refund(parent_uuid="elsewhere")

    link_refunds([a_payment(), refund])

    assert refund["original"] == {"uuid": "elsewhere", "certainty": "told"}


def test_the_only_payment_that_can_be_meant_is_inferred() -> None:
    refund = a_refund()

    link_refunds([a_payment("right"), refund])

    assert refund["original"] == {"uuid": "right", "certainty": "inferred"}


@pytest.mark.parametrize("status", ["AUTHORISED", "SUSPENDED", "CAPTURED"])
def test_a_payment_that_may_have_been_captured_meanwhile_is_a_candidate(status: str) -> None:
    assert linked(a_payment(status=status), a_refund()) == {"r1": "p1"}


NOT_MEANT: dict[str, State] = {
    "refused": {"status": "REFUSED"},
    "cancelled": {"status": "CANCELLED"},
    "expired": {"status": "EXPIRED"},
    "not captured": {"status": "CAPTURE_FAILED"},
    "to be validated": {"status": "AUTHORISED_TO_VALIDATE"},
    "waiting": {"status": "WAITING_AUTHORISATION"},
    "authorised in part": {"status": "PARTIALLY_AUTHORISED"},
    "unknown status": {"status": "MELTED"},
    "too small": {"amount_minor": 399},
    "without an amount": {"amount_minor": None},
    "13 digits": {"amount_minor": 10**12},
    "18 digits": {"amount_minor": 10**18 - 1},
    "another currency": {"currency": "USD"},
    "no currency": {"currency": None},
    "doubtful": {"doubtful": True},
    "a verification": {"operation_type": "VERIFICATION"},
    "made after the refund": {"created_at": "2026-03-12T10:00:01Z"},
    "form made after the refund": {"created_at": None, "trans_date": "2026-03-12T10:00:01Z"},
    "first seen after the refund": {"created_at": None},
}


@pytest.mark.parametrize("difference", NOT_MEANT.values(), ids=NOT_MEANT)
def test_a_payment_that_cannot_be_meant_is_none_and_confuses_nothing(difference: State) -> None:
    other = a_payment("other", **difference)

    assert linked(other, a_refund()) == {"r1": None}
    assert linked(other, a_payment("right"), a_refund()) == {"r1": "right"}


UNKNOWN_REFUNDS: dict[str, State] = {
    "no amount": {"amount_minor": None},
    "no currency": {"currency": None},
    "negative": {"amount_minor": -400},
    "13 digits": {"amount_minor": 10**12},
}


@pytest.mark.parametrize("difference", UNKNOWN_REFUNDS.values(), ids=UNKNOWN_REFUNDS)
def test_nothing_is_inferred_for_a_refund_whose_money_is_not_known(difference: State) -> None:
    payment = a_payment(amount_minor=10**12 - 1)
    used_up = a_refund("r2", amount_minor=10**12 - 1)

    assert linked(payment, a_refund(**difference), used_up) == {"r1": None, "r2": "p1"}


def test_nothing_is_inferred_when_several_can_be_meant() -> None:
    assert linked(a_payment("p1"), a_payment("p2"), a_refund()) == {"r1": None}


def test_a_payment_that_has_no_uuid_can_be_meant_but_not_named() -> None:
    nameless = a_payment("20260310-123456-1-DEBIT", uuid=None)

    assert linked(nameless, a_refund()) == {"r1": None}
    assert linked(nameless, a_payment("p1"), a_refund()) == {"r1": None}


def test_times_are_compared_as_instants_not_as_text() -> None:
    """`…:00Z` sorts behind `…:00.5Z` as text."""
    refund = a_refund(created_at=None, first_seen_at="2026-11-23T12:00:00.500000Z")

    assert linked(a_payment(created_at=None), refund) == {"r1": "p1"}
    assert linked(a_payment(created_at="2026-11-23T12:00:01Z"), refund) == {"r1": None}


def test_the_parts_of_a_split_payment_are_as_old_as_their_form() -> None:
    part = a_payment(created_at=None, trans_date="2026-03-10T09:15:02Z")

    assert linked(part, a_refund()) == {"r1": "p1"}


def test_an_amount_that_counts_nowhere_gives_nothing_back() -> None:
    large = a_refund("r0", amount_minor=10**12, parent_uuid="p1")

    assert linked(a_payment(amount_minor=10**12), a_refund()) == {"r1": None}
    assert linked(a_payment(), a_refund(amount_minor=-(10**12))) == {"r1": None}
    assert linked(a_payment(), large, a_refund()) == {"r0": "p1", "r1": "p1"}


def test_what_was_given_back_can_not_be_given_back_again() -> None:
    named = a_refund("named", parent_uuid="p1", amount_minor=800, created_at="2026-03-20T00:00:00Z")

    assert linked(a_payment(), a_refund(), named)["r1"] is None, "what is told goes first"


@pytest.mark.parametrize(
    "difference", [{"status": "REFUSED"}, {"status": "CANCELLED"}, {"doubtful": True}]
)
@pytest.mark.parametrize("parent", ["p1", None])
def test_a_refund_that_does_not_count_takes_nothing_away(
    difference: State, parent: str | None
) -> None:
    first = a_refund("r0", amount_minor=800, parent_uuid=parent, created_at="2026-03-11T00:00:00Z")

    assert linked(a_payment(), first | difference, a_refund()) == {"r0": "p1", "r1": "p1"}


def test_refunds_use_a_payment_up_in_the_order_in_which_they_were_made() -> None:
    refunds = [
        a_refund("third", amount_minor=200, created_at="2026-03-14T00:00:00Z"),
        a_refund("first", amount_minor=600, created_at="2026-03-12T00:00:00Z"),
        a_refund("second", amount_minor=500, created_at="2026-03-13T00:00:00Z"),
    ]

    assert linked(a_payment(), *refunds) == {"third": "p1", "first": "p1", "second": None}


def test_a_refund_of_another_order_uses_nothing_up_here() -> None:
    elsewhere = a_refund("r0", amount_minor=1000, parent_uuid="p9")

    assert linked(a_payment(), elsewhere, a_refund()) == {"r0": "p9", "r1": "p1"}


def test_a_refund_is_clear_once_the_other_part_is_cancelled() -> None:
    whole = [a_payment("p", amount_minor=2000), a_payment("q", amount_minor=2990)]
    refund = a_refund(amount_minor=1500)

    assert linked(*whole, refund) == {"r1": None}
    assert linked(whole[0], whole[1] | {"status": "CANCELLED"}, refund) == {"r1": "p"}


MONEY = st.integers(1, 5).map(lambda number: 200 * number)
DAYS = st.integers(10, 13).map(lambda day: f"2026-03-{day}T10:00:00Z")


@st.composite
def orders(draw: st.DrawFn) -> list[State]:
    payments = [
        a_payment(f"p{number}", amount_minor=draw(MONEY), created_at=draw(DAYS))
        for number in range(draw(st.integers(0, 3)))
    ]
    refunds = [
        a_refund(
            f"r{number}",
            amount_minor=draw(MONEY),
            created_at=draw(DAYS),
            parent_uuid=draw(st.sampled_from([None, None, "p0", "p9"])),
            status=draw(st.sampled_from(["AUTHORISED", "CAPTURED", "CANCELLED"])),
        )
        for number in range(draw(st.integers(1, 5)))
    ]
    return [*payments, *refunds]


@given(transactions=orders(), data=st.data())
def test_inferred_refunds_never_exceed_their_payment_in_any_order_of_arrival(
    transactions: list[State], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations([dict(each) for each in transactions]))

    ends = originals(transactions)

    assert originals(shuffled) == ends
    for payment in transactions:
        inferred = [
            refund["amount_minor"]
            for refund in transactions
            if ends.get(refund["reference"]) == payment["reference"]
            and not refund["parent_uuid"]
            and refund["status"] != "CANCELLED"
        ]
        assert sum(inferred) <= payment["amount_minor"]


def test_the_original_of_a_transaction_is_what_was_told_before_what_was_inferred() -> None:
    assert original_of(a_payment(parent_uuid="p0")) == ("p0", "told")
    inferred = {"uuid": "p1", "certainty": "inferred"}
    assert original_of(a_refund(original=inferred)) == ("p1", "inferred")
    assert original_of(a_payment()) == (None, None)
