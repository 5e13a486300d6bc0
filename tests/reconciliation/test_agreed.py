"""What agrees is counted where it lies: the report is the one that is made pair by pair."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ledger.reconciliation.agreed import Agreed, CountedDays
from ledger.reconciliation.compared_sides import ComparedSides
from ledger.reconciliation.findings import Listing, findings_of
from ledger.reconciliation.journal_rows import JournalRow
from ledger.reconciliation.known_transactions import KnownTransaction
from ledger.reconciliation.matching import match
from ledger.reconciliation.summary import Summary, summarise
from tests.reconciliation.test_matching import DAY, KNOWN, MADE_AT, MORNING, ROW, named

LISTED_MAX = 120
DEVIATIONS: tuple[dict[str, Any], ...] = (
    {"status": "CAPTURED"},
    {"status": None},
    {"amount_minor": 2991},
    {"amount_minor": None},
    {"amount_minor": 10**15},
    {"currency": "USD"},
    {"currency": None},
    {"direction": "CREDIT"},
    {"direction": None},
    {"contract": "7654321"},
    {"contract": None},
    {"sequence_number": 2},
    {"trans_id": None},
    {"trans_id": None, "order_id": None},
    {"trans_id": "AbC001"},
    {"trans_id": "410007"},
    {"uuid": None},
    {"uuid": named(7)},
    {"paid_at": None},
    {"paid_at": MORNING + timedelta(minutes=5)},
    {"paid_on": None, "paid_at": None},
    {"paid_on": DAY + timedelta(days=1)},
    {"paid_on": DAY - timedelta(days=1)},
)
"""What may be otherwise on either side."""


def sides_of(seed: int) -> tuple[list[JournalRow], list[KnownTransaction]]:
    """Return both sides of three days, most of them alike, with some left out and some twice."""
    chance = random.Random(seed)
    claims: list[JournalRow] = []
    known_transactions: list[KnownTransaction] = []
    for number in range(700):
        paid_on = DAY + timedelta(days=chance.choice((0, 0, 0, -1, 1)))
        both: dict[str, Any] = {
            "trans_id": f"{chance.choice((number,) * 20 + (5,)):06d}",
            "order_id": f"CMD-{number // 2}",
            "paid_on": paid_on,
            "paid_at": MORNING + (paid_on - DAY),
            "direction": chance.choice(("DEBIT", "DEBIT", "CREDIT")),
            "amount_minor": 1000 + number,
            "uuid": named(number),
        }
        of_row = both | {"uuid": chance.choice((None, None, named(number)))}
        of_row |= {"line_number": number} | _deviation(chance)
        if chance.random() < 0.05:
            of_row["unreadable"] = ("status",)
        of_known = both | {"reference": named(number)} | _deviation(chance)
        if chance.random() < 0.97:
            claims.append(replace(ROW, **of_row))
        if chance.random() < 0.97:
            known_transactions.append(replace(KNOWN, **of_known))
    return claims, known_transactions


def _deviation(chance: random.Random) -> dict[str, Any]:
    return chance.choice(DEVIATIONS) if chance.random() < 0.12 else {}


def summary_of(seed: int, counted: CountedDays | None) -> tuple[Summary, int]:
    """Return what a report of the day would say, and how many pairs were only counted."""
    claims, known_transactions = sides_of(seed)
    listing = Listing({"file": MADE_AT}, {DAY})
    with ComparedSides() as sides:
        sides.add_claims(claims, age=0, has_uuids=False)
        sides.add_known(known_transactions)
        compared = [*findings_of(match(sides, counted), listing)]
    findings = [each for each in compared if each.day in (None, DAY)]
    only_counted = sum(each.count for each in findings if isinstance(each, Agreed))
    return summarise(findings, listed_max=LISTED_MAX), only_counted


def said_by(claim: JournalRow) -> dict[str, Any]:
    return {"trans_id": claim.trans_id, "amount_minor": claim.amount_minor}


@pytest.mark.parametrize("seed", range(12))
def test_a_report_is_the_same_whether_pairs_are_counted_or_compared(seed: int) -> None:
    counted = CountedDays(DAY, DAY, listed_max=seed % 2 * LISTED_MAX)
    careful, _ = summary_of(seed, None)

    quick, only_counted = summary_of(seed, counted)

    assert only_counted > 0
    assert quick.totals == careful.totals
    assert quick.counts_by_day == careful.counts_by_day
    if counted.listed_max:
        assert quick == careful


def test_agreement_beyond_what_is_listed_is_all_that_is_counted() -> None:
    """Amounts that eight bytes could not add up are compared one by one."""
    rows = [replace(ROW, line_number=n, trans_id=f"{n:06d}") for n in range(5)]
    rows.append(replace(ROW, line_number=5, trans_id="000005", amount_minor=10**15 - 1))
    own = [
        replace(
            KNOWN,
            uuid=None,
            reference=named(n),
            trans_id=row.trans_id,
            amount_minor=row.amount_minor,
        )
        for n, row in enumerate(rows)
    ]
    with ComparedSides() as sides:
        sides.add_claims(rows, age=0, has_uuids=False)
        sides.add_known(own)
        outcomes = [*match(sides, CountedDays(DAY, DAY, listed_max=2))]

    (agreed,) = [each for each in outcomes if isinstance(each, Agreed)]
    assert agreed == Agreed(DAY, "DEBIT", "EUR", 3, 3 * 2990)
    assert len(outcomes) == 1 + 3
