"""Rows and transactions: by which key they are matched, how sure it is, each used once."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.reconciliation.assignment import GROUP_MAX, Ambiguity, Pair
from ledger.reconciliation.compared_sides import ComparedSides
from ledger.reconciliation.findings import Listing, Result, findings_of
from ledger.reconciliation.journal_rows import JournalRow
from ledger.reconciliation.known_transactions import KnownTransaction
from ledger.reconciliation.matching import Outcome
from ledger.reconciliation.matching import match as match_sides
from tests.reconciliation.matched_in_memory import (
    Matching,
    match_in_memory,
)

DAY = date(2026, 3, 10)
MORNING = datetime(2026, 3, 10, 9, 15, 4, tzinfo=UTC)
ROW = JournalRow(
    line_number=3,
    trans_id="410001",
    order_id="CMD-1",
    contract="1234567",
    paid_on=DAY,
    paid_at=MORNING,
    direction="DEBIT",
    amount_minor=2990,
    currency="EUR",
    status="AUTHORISED",
    file_id="file",
)
KNOWN = KnownTransaction(
    reference="a" * 32,
    uuid="a" * 32,
    trans_id="410001",
    order_id="CMD-1",
    contract="1234567",
    direction="DEBIT",
    paid_on=DAY,
    paid_at=MORNING,
    status="AUTHORISED",
    amount_minor=2990,
    currency="EUR",
)
LATER = MORNING + timedelta(minutes=5)


def named(number: int) -> str:
    return f"{number:032x}"


def match(claims: Sequence[JournalRow], known_transactions: Sequence[KnownTransaction]) -> Matching:
    """What the tables make of it, and the lists in memory too."""
    matching = Matching()
    with ComparedSides() as sides:
        sides.add_claims(claims, age=0, has_uuids=False)
        sides.add_known(known_transactions)
        for outcome in match_sides(sides):
            _sort_in(matching, outcome)
    in_memory = match_in_memory(claims, known_transactions)
    assert sorted(map(repr, outcomes_of(matching))) == sorted(map(repr, outcomes_of(in_memory)))
    return matching


def _sort_in(matching: Matching, outcome: Outcome) -> None:
    if isinstance(outcome, Pair):
        matching.matched_pairs.append(outcome)
    elif isinstance(outcome, Ambiguity):
        matching.ambiguities.append(outcome)
    elif isinstance(outcome, JournalRow):
        matching.unmatched_claims.append(outcome)
    else:
        matching.unlisted.append(outcome)


def outcomes_of(matching: Matching) -> list[Outcome]:
    return [
        *matching.matched_pairs,
        *matching.ambiguities,
        *matching.unmatched_claims,
        *matching.unlisted,
    ]


def words_of(matching: Matching, listing: Listing) -> list[str]:
    return sorted(map(repr, findings_of(outcomes_of(matching), listing)))


def pairs_of(matching: Matching) -> list[tuple[int, str, str]]:
    return sorted(
        (pair.claim.line_number, pair.known.reference, pair.certainty)
        for pair in matching.matched_pairs
    )


@pytest.mark.parametrize(
    ("claim", "certainty"),
    [
        (replace(ROW, uuid="a" * 32, trans_id=None, paid_on=None), "sure"),
        (ROW, "sure"),
        (replace(ROW, trans_id=None), "sure"),
        (replace(ROW, direction=None), "sure"),
        (replace(ROW, amount_minor=1), "sure"),
        (replace(ROW, paid_on=DAY + timedelta(days=1), paid_at=None), "likely"),
    ],
)
def test_a_row_is_matched_by_the_strongest_name_that_it_has(
    claim: JournalRow, certainty: str
) -> None:
    assert pairs_of(match([claim], [KNOWN])) == [(3, "a" * 32, certainty)]


@pytest.mark.parametrize(
    "claim",
    [
        replace(ROW, uuid="b" * 32),
        replace(ROW, trans_id="410002"),
        replace(ROW, direction="CREDIT"),
        replace(ROW, trans_id=None, contract="7654321"),
        replace(ROW, paid_on=DAY + timedelta(days=2)),
    ],
)
def test_what_names_another_payment_is_not_matched(claim: JournalRow) -> None:
    matching = match([claim], [KNOWN])

    assert (matching.matched_pairs, matching.unmatched_claims) == ([], [claim])
    assert matching.unlisted == [KNOWN]


def test_of_two_attempts_the_one_of_the_same_second_is_taken() -> None:
    first = replace(ROW, status="REFUSED")
    second = replace(ROW, line_number=4, paid_at=LATER)

    matching = match([first, second], [replace(KNOWN, paid_at=LATER)])

    assert pairs_of(matching) == [(4, "a" * 32, "likely")]
    assert matching.unmatched_claims == [first]


def test_of_two_equal_rows_and_one_payment_one_was_never_told() -> None:
    twin = replace(ROW, line_number=4)

    matching = match([ROW, twin], [KNOWN])

    assert (len(matching.matched_pairs), matching.unmatched_claims) == (1, [twin])
    assert matching.ambiguities == []


def test_where_the_choice_would_matter_nobody_chooses() -> None:
    """One row without a time, and two payments that it differs from in different ways."""
    claim = replace(ROW, paid_at=None, amount_minor=1)
    other = replace(KNOWN, reference=named(2), uuid=named(2), amount_minor=5000)

    matching = match([claim], [KNOWN, other])

    (ambiguity,) = matching.ambiguities
    assert (ambiguity.claims, len(ambiguity.known_transactions)) == ((claim,), 2)
    words = {each.word for each in findings_of(outcomes_of(matching), Listing({}, {DAY}))}
    assert words == {Result.AMBIGUOUS}


def test_who_left_without_paying_is_no_partner() -> None:
    left = replace(KNOWN, uuid=None, reference="20260310-410001", status="ABANDONED")

    matching = match([replace(ROW, uuid="c" * 32)], [left])

    assert (matching.matched_pairs, matching.unlisted) == ([], [left])


def test_more_than_can_be_compared_each_with_each_are_matched_all_the_same() -> None:
    count = GROUP_MAX + 50
    claims = [replace(ROW, line_number=number, paid_at=None) for number in range(count)]
    known = [
        replace(KNOWN, reference=named(number), uuid=named(number), paid_at=None)
        for number in range(count - 7)
    ]

    matching = match(claims, known)

    assert (len(matching.matched_pairs), len(matching.unmatched_claims)) == (count - 7, 7)


# -- whatever comes -------------------------------------------------------------------------------

CLAIMS = st.builds(
    replace,
    st.just(ROW),
    trans_id=st.sampled_from(["410001", "410002", None]),
    order_id=st.sampled_from(["CMD-1", "CMD-2", None]),
    uuid=st.sampled_from([None, named(1), named(2)]),
    paid_on=st.sampled_from([DAY, DAY + timedelta(days=1), None]),
    paid_at=st.sampled_from([MORNING, LATER, None]),
    direction=st.sampled_from(["DEBIT", "CREDIT", None]),
    status=st.sampled_from(["AUTHORISED", "CAPTURED", "REFUSED"]),
    amount_minor=st.sampled_from([2990, 1000, None]),
)
_KNOWN = st.builds(
    replace,
    st.just(KNOWN),
    trans_id=st.sampled_from(["410001", "410002", None]),
    order_id=st.sampled_from(["CMD-1", "CMD-2", None]),
    paid_on=st.sampled_from([DAY, DAY + timedelta(days=1)]),
    paid_at=st.sampled_from([MORNING, LATER, None]),
    direction=st.sampled_from(["DEBIT", "CREDIT"]),
    status=st.sampled_from(["AUTHORISED", "CAPTURED", "ERROR"]),
    amount_minor=st.sampled_from([2990, 1000]),
    sequence_number=st.sampled_from([1, 2, None]),
)


@given(st.lists(CLAIMS, max_size=8), st.lists(_KNOWN, max_size=8), st.integers(0, 2**16))
def test_each_is_used_once_and_the_order_of_both_changes_nothing(
    claims: list[JournalRow], known_transactions: list[KnownTransaction], seed: int
) -> None:
    claims = [replace(claim, line_number=number) for number, claim in enumerate(claims)]
    known_transactions = [
        replace(each, reference=named(number), uuid=named(number) if number % 3 else None)
        for number, each in enumerate(known_transactions)
    ]

    matching = match(claims, known_transactions)

    lines = [pair.claim.line_number for pair in matching.matched_pairs]
    lines += [claim.line_number for each in matching.ambiguities for claim in each.claims]
    lines += [claim.line_number for claim in matching.unmatched_claims]
    assert sorted(lines) == [claim.line_number for claim in claims]
    references = [pair.known.reference for pair in matching.matched_pairs]
    references += [
        own.reference for each in matching.ambiguities for own in each.known_transactions
    ]
    references += [each.reference for each in matching.unlisted]
    assert sorted(references) == sorted(each.reference for each in known_transactions)
    shuffled_rows, shuffled = list(claims), list(known_transactions)
    random.Random(seed).shuffle(shuffled_rows)
    random.Random(seed + 1).shuffle(shuffled)
    listing = Listing({}, {DAY})
    shuffled_matching = match(shuffled_rows, shuffled)
    assert words_of(shuffled_matching, listing) == words_of(matching, listing)


# -- the word for each ----------------------------------------------------------------------------

MADE_AT = datetime(2026, 3, 11, 2, 4, tzinfo=UTC)


def word_of(
    claim: JournalRow | None, transaction: KnownTransaction | None, **listing: object
) -> str:
    options = {"made_at": {"file": MADE_AT}, "whole_days": {DAY}} | listing
    matching = match([claim] if claim else [], [transaction] if transaction else [])
    (finding,) = findings_of(outcomes_of(matching), Listing(**options))  # type: ignore[arg-type]  # by name
    return str(finding.word)


@pytest.mark.parametrize(
    ("claim", "transaction", "word"),
    [
        (ROW, KNOWN, "matched"),
        (replace(ROW, status="REFUSED"), replace(KNOWN, status="ERROR"), "matched"),
        (replace(ROW, currency=None), KNOWN, "matched"),
        (replace(ROW, status="CAPTURED"), KNOWN, "behind"),
        (replace(ROW, amount_minor=1), KNOWN, "behind"),
        (replace(ROW, status="CAPTURED"), replace(KNOWN, status="CAPTURE_FAILED"), "behind"),
        (ROW, replace(KNOWN, status="CAPTURED"), "ahead"),
        (ROW, replace(KNOWN, status="CAPTURED", last_changed_at=MORNING), "differs"),
        (
            replace(ROW, amount_minor=1),
            replace(KNOWN, last_changed_at=MADE_AT + timedelta(hours=1)),
            "ahead",
        ),
        (replace(ROW, currency="CHF"), KNOWN, "differs"),
        (replace(ROW, status="CAPTURED"), replace(KNOWN, status="CANCELLED"), "differs"),
        (replace(ROW, status="NEW_WORD"), KNOWN, "differs"),
        (ROW, None, "never-told"),
        (replace(ROW, paid_at=MADE_AT - timedelta(minutes=70)), None, "not-due"),
        (replace(ROW, paid_on=None, paid_at=None), None, "unreadable"),
        (None, KNOWN, "not-listed"),
        (None, replace(KNOWN, paid_on=date(2026, 3, 12)), "not-covered"),
        (None, replace(KNOWN, status="ABANDONED"), "not-covered"),
    ],
)
def test_each_comparison_has_its_word(
    claim: JournalRow | None, transaction: KnownTransaction | None, word: str
) -> None:
    assert word_of(claim, transaction) == word


def test_another_contract_and_unlisted_verifications_are_not_covered() -> None:
    verification = replace(KNOWN, direction="VERIFICATION")

    assert word_of(None, KNOWN, contracts={"7654321"}) == "not-covered"
    assert word_of(None, verification, lists_verifications=False) == "not-covered"
    assert word_of(None, verification) == "not-listed"
