"""Facts that change after the payment: what was refunded of it, and who answers for it."""

from typing import Any

import pytest

from ledger.ipn.snapshots import TransactionSnapshot
from tests.builders import a_form, an_answer, form_body, rest_body
from tests.ipn.reading import content_of


def in_form(warranty: str) -> TransactionSnapshot:
    body = form_body(a_form(vads_warranty_result=warranty))
    return content_of(body).transactions[0]


def in_rest(means: str = "cardDetails", **details: Any) -> TransactionSnapshot:
    """Return a payment of EUR with these details; those of a capture are of its means."""
    answer = an_answer()
    transaction = answer["transactions"][0]
    capture = {name: details.pop(name) for name in list(details) if name.startswith("refund")}
    transaction["transactionDetails"] |= details
    transaction["transactionDetails"].setdefault(means, {})["captureResponse"] = capture
    return content_of(rest_body(answer)).transactions[0]


@pytest.mark.parametrize("word", ["YES", "NO", "UNKNOWN"])
def test_both_formats_say_in_the_same_word_who_answers_for_a_payment(word: str) -> None:
    snapshots = in_form(word), in_rest(liabilityShift=word)

    assert [snapshot.facts["liability_shift"] for snapshot in snapshots] == [word, word]


def test_an_old_spelling_is_the_same_word() -> None:
    snapshot = in_form("UNKNOW")

    assert snapshot.facts["liability_shift"] == "UNKNOWN"
    assert snapshot.odd == ()


def test_an_unknown_word_is_a_fact_and_odd() -> None:
    snapshot = in_form("PERHAPS")

    assert snapshot.facts["liability_shift"] == "PERHAPS"
    assert snapshot.odd == ("vads_warranty_result",)


@pytest.mark.parametrize("means", ["cardDetails", "paymentMethodDetails"])
@pytest.mark.parametrize("amount", [0, 1000, "1000"])
def test_an_answer_says_what_was_refunded_so_far(means: str, amount: Any) -> None:
    snapshot = in_rest(means, refundAmount=amount, refundCurrency="EUR")

    assert snapshot.facts["refunded_minor"] == int(amount)
    assert snapshot.odd == ()


@pytest.mark.parametrize(
    ("amount", "currency"),
    [(1000, "USD"), (1000, "978x"), ("10,00", "EUR"), (-1, "EUR"), (10**12, "EUR")],
)
def test_a_refund_that_cannot_be_counted_is_odd_and_stays_in_the_details(
    amount: Any, currency: str
) -> None:
    name = "transactionDetails.cardDetails.captureResponse.refundAmount"

    snapshot = in_rest(refundAmount=amount, refundCurrency=currency)

    assert "refunded_minor" not in snapshot.facts
    assert name in snapshot.odd
    assert [name, str(amount)] in snapshot.details


def test_what_was_refunded_is_in_the_currency_of_the_transaction_without_one_of_its_own() -> None:
    assert in_rest(refundAmount=1000).facts["refunded_minor"] == 1000
