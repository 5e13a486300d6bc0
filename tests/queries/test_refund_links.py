"""A refund belongs to the payment it gives back: as told, or when only one can be meant."""

from typing import Any

from ledger.queries.refund_links import link_refunds, original_of

State = dict[str, Any]


def a_payment(uuid: str | None = "p1", **more: Any) -> State:
    return {
        "uuid": uuid,
        "operation_type": "DEBIT",
        "status": "CAPTURED",
        "amount_minor": 1000,
        "currency": "EUR",
        "parent_uuid": None,
    } | more


def a_refund(**more: Any) -> State:
    return a_payment("r1", operation_type="CREDIT", amount_minor=400) | more


def linked(*transactions: State) -> list[State | None]:
    """Return the original of each refund."""
    link_refunds(transactions)
    return [
        transaction["original"]
        for transaction in transactions
        if transaction["operation_type"] == "CREDIT"
    ]


def test_what_the_platform_names_is_told() -> None:
    assert linked(a_payment(), a_refund(parent_uuid="elsewhere")) == [
        {"uuid": "elsewhere", "certainty": "told"}
    ]


def test_the_only_payment_that_can_be_meant_is_inferred() -> None:
    payments = [
        a_payment("small", amount_minor=399),
        a_payment("foreign", currency="USD"),
        a_payment("open", status="AUTHORISED"),
        a_payment(None),
        a_payment("right"),
    ]

    assert linked(*payments, a_refund()) == [{"uuid": "right", "certainty": "inferred"}]


def test_nothing_is_inferred_when_several_can_be_meant_or_the_amount_is_unknown() -> None:
    assert linked(a_payment("p1"), a_payment("p2"), a_refund()) == [None]
    assert linked(a_payment(), a_refund(amount_minor=None)) == [None]


def test_an_amount_that_counts_nowhere_gives_nothing_back() -> None:
    assert linked(a_payment(amount_minor=10**12), a_refund()) == [None]
    assert linked(a_payment(), a_refund(amount_minor=-(10**12))) == [None]
    assert linked(a_payment(), a_refund(amount_minor=10**12, parent_uuid="p1"), a_refund()) == [
        {"uuid": "p1", "certainty": "told"},
        {"uuid": "p1", "certainty": "inferred"},
    ]


def test_what_was_given_back_can_not_be_given_back_again() -> None:
    named = a_refund(parent_uuid="p1", amount_minor=800)

    assert linked(a_payment(), a_refund(), named)[0] is None, (
        "what is told uses the payment up first"
    )
    assert linked(a_payment(), a_refund(), named | {"status": "REFUSED"})[0] is not None


def test_the_original_of_a_transaction_is_what_was_told_before_what_was_inferred() -> None:
    assert original_of(a_payment(parent_uuid="p0")) == ("p0", "told")
    inferred = {"uuid": "p1", "certainty": "inferred"}
    assert original_of(a_refund(original=inferred)) == ("p1", "inferred")
    assert original_of(a_payment()) == (None, None)
