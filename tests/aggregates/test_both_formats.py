"""One life told in both formats: two words for one outcome, and a call without a time."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given as given_
from hypothesis import settings
from hypothesis import strategies as st

from ledger.aggregates.occasion import Occasion
from ledger.aggregates.precedence import Precedence, contradicts
from ledger.aggregates.transaction import Transaction
from ledger.ipn.statuses import RANKS
from tests.aggregates.given import (
    Happening,
    a_payment,
    given,
    happened,
    in_form,
    in_rest,
    minute,
)

ACCEPTED = Transaction.PaymentAccepted
REFUSALS = ("ERROR", "REFUSED")

# -- two words for one outcome --------------------------------------------------------------------


@pytest.mark.parametrize(("first", "second"), list(permutations(REFUSALS)))
def test_a_technical_refusal_is_one_outcome_under_two_words(first: str, second: str) -> None:
    known = happened(Transaction.PaymentRefused, a_payment(first), told_at=minute(1))

    given(known).when(a_payment(second), in_rest(2)).then().leaves(status=first)


@pytest.mark.parametrize(("first", "second"), list(permutations(REFUSALS)))
def test_the_other_word_for_a_refusal_is_no_second_refusal(first: str, second: str) -> None:
    more = a_payment(second, authorisation_result="51")

    given(happened(Transaction.PaymentRefused, a_payment(first))).when(more, in_form()).then(
        happened(Transaction.DetailsReported, more, moved=["authorisation_result"])
    ).leaves(status=first)


# -- a call without a time beside a dated one ------------------------------------------------------

_ARRIVAL = in_form().received_at
SECOND = timedelta(seconds=1)


def arrived(amount_minor: int, **attributes: Any) -> Happening:
    """Return what a form brought that arrived at a known time."""
    return happened(
        ACCEPTED, a_payment(amount_minor=amount_minor), received_at=_ARRIVAL, **attributes
    )


def test_an_answer_that_is_older_than_the_arrival_of_a_form_is_late() -> None:
    older = a_payment(amount_minor=2990)

    given(arrived(2000)).when(older, in_rest_at(_ARRIVAL - 60 * SECOND)).then(
        happened(ACCEPTED, older, late=True, moved=[])
    ).leaves(amount_minor=2000)


def test_an_answer_that_is_newer_than_the_arrival_of_a_form_is_not_late() -> None:
    newer = a_payment(amount_minor=2000)

    given(arrived(2990)).when(newer, in_rest_at(_ARRIVAL + 60 * SECOND)).then(
        happened(Transaction.AmountChanged, newer, moved=["amount_minor"])
    )


def test_a_form_that_arrives_before_an_answer_was_made_is_late() -> None:
    """The answer overtook it: readmitted, or held up on the way to the ledger."""
    answered = happened(ACCEPTED, a_payment(), told_at=_ARRIVAL + 60 * SECOND)
    older = in_form(received_at=_ARRIVAL, is_readmitted=True)

    given(answered).when(a_payment(amount_minor=2000), older).leaves(amount_minor=2990)


def test_an_automatic_retry_has_no_time_by_its_arrival() -> None:
    newer = a_payment(amount_minor=2000)

    given(arrived(2990, source="RETRY")).when(newer, in_rest_at(_ARRIVAL - 60 * SECOND)).leaves(
        amount_minor=2000
    )


def test_the_rank_decides_when_a_form_names_no_time() -> None:
    late = a_payment("INITIAL")

    given(happened(ACCEPTED, a_payment(), told_at=minute(1))).when(late, in_form()).then(
        happened(ACCEPTED, late, late=True, moved=[])
    )


def test_the_rank_counts_before_the_arrival_of_a_form() -> None:
    """A form may be held up; no status of a payment goes back by itself."""
    authorised = a_payment("AUTHORISED")

    given(happened(ACCEPTED, a_payment("WAITING_AUTHORISATION"), received_at=_ARRIVAL)).when(
        authorised, in_rest_at(_ARRIVAL - 60 * SECOND)
    ).leaves(status="AUTHORISED")


@pytest.mark.parametrize("seconds", [-5, 0, 5])
def test_within_the_difference_of_two_clocks_the_later_arrival_is_newer(seconds: int) -> None:
    newer = a_payment(amount_minor=2000)

    given(arrived(2990)).when(newer, in_rest_at(_ARRIVAL + seconds * SECOND)).leaves(
        amount_minor=2000
    )


def in_rest_at(told_at: datetime) -> Occasion:
    return replace(in_rest(0), told_at=told_at)


INSTANTS = st.integers(0, 60).map(lambda seconds: minute(seconds / 60))
PRECEDENCES = st.builds(
    Precedence,
    st.sampled_from([None, *sorted(RANKS)]),
    st.none() | INSTANTS,
    INSTANTS,
    st.booleans(),
)


@settings(max_examples=500)
@given_(first=PRECEDENCES, second=PRECEDENCES)
def test_of_two_calls_one_at_most_is_older_but_for_final_words_against_each_other(
    first: Precedence, second: Precedence
) -> None:
    if contradicts(first.status, second.status) or contradicts(second.status, first.status):
        return

    assert not (first.precedes(second) and second.precedes(first))
