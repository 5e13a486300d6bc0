"""Files that overlap: which row of which file counts for a payment."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ledger.reconciliation.compared_sides import ComparedSides
from ledger.reconciliation.journal_rows import JournalKind, JournalRow
from ledger.reconciliation.newest_rows import keep_newest_rows
from tests.reconciliation.matched_in_memory import newest_in_memory
from tests.reconciliation.test_matching import CLAIMS, LATER, ROW


def newest_rows(rows_of_files: Sequence[tuple[JournalKind, list[JournalRow]]]) -> list[JournalRow]:
    """What the tables make of files, the oldest first, and the lists in memory too."""
    with ComparedSides() as sides:
        for age, (journal_kind, claims) in enumerate(rows_of_files):
            has_uuids = journal_kind is JournalKind.MERCHANT
            sides.add_claims(claims, age=age, has_uuids=has_uuids)
        keep_newest_rows(sides)
        newest = list(sides.claims())
    assert sorted(map(repr, newest)) == sorted(map(repr, newest_in_memory(rows_of_files)))
    return sorted(newest, key=lambda claim: (not claim.uuid, claim.file_id, claim.line_number))


def test_of_two_files_the_newer_row_counts_and_equal_rows_of_one_file_are_two() -> None:
    newer = replace(ROW, status="CAPTURED", file_id="newer", line_number=9)
    twin = replace(ROW, line_number=4)

    claims = newest_rows(
        [(JournalKind.TRANSACTIONS, [ROW, twin]), (JournalKind.TRANSACTIONS, [newer])]
    )

    assert [(claim.file_id, claim.line_number) for claim in claims] == [("file", 4), ("newer", 9)]


def test_a_payment_of_the_merchant_journal_is_left_out_of_the_other() -> None:
    with_uuid = replace(ROW, uuid="a" * 32, file_id="jam")
    attempt = replace(ROW, line_number=4, paid_at=LATER)

    claims = newest_rows(
        [(JournalKind.TRANSACTIONS, [ROW, attempt]), (JournalKind.MERCHANT, [with_uuid])]
    )

    assert [claim.uuid for claim in claims] == ["a" * 32, None]


def test_of_two_attempts_in_the_other_journal_that_of_the_same_second_is_left_out() -> None:
    accepted = replace(ROW, line_number=4, paid_at=LATER)
    with_uuid = replace(accepted, uuid="a" * 32, file_id="jam")

    claims = newest_rows(
        [(JournalKind.TRANSACTIONS, [ROW, accepted]), (JournalKind.MERCHANT, [with_uuid])]
    )

    assert [(claim.uuid, claim.line_number) for claim in claims] == [("a" * 32, 4), (None, 3)]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([JournalKind.TRANSACTIONS, JournalKind.MERCHANT]), st.lists(CLAIMS)
        ),
        max_size=4,
    )
)
def test_whatever_files_overlap_both_ways_to_take_the_newest_agree(
    rows_of_files: list[tuple[JournalKind, list[JournalRow]]],
) -> None:
    numbered = [
        (
            journal_kind,
            [
                replace(claim, file_id=f"file-{age}", line_number=number)
                for number, claim in enumerate(claims)
            ],
        )
        for age, (journal_kind, claims) in enumerate(rows_of_files)
    ]

    newest = newest_rows(numbered)

    assert len(newest) <= sum(len(claims) for _, claims in numbered)
