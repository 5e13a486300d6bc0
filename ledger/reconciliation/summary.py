"""Counts findings as they come, and holds those alone that a report lists."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ledger.reconciliation.findings import Finding, Result

LISTED_MAX = 10_000
"""A report lists so many findings, what needs somebody first, and counts all of them."""

_IS_CONFIRMED = frozenset({Result.MATCHED, Result.AHEAD})
_IS_OPEN = frozenset({Result.AMBIGUOUS, Result.UNREADABLE, Result.NOT_DUE})
_RANK = {word: number for number, word in enumerate(Result)}


@dataclass(frozen=True, slots=True)
class Total:
    """How many have one result in one currency. Units: minor units, debits less credits."""

    word: Result
    currency: str | None
    count: int
    amount_minor: int


@dataclass(slots=True)
class DayCounts:
    """How many payments of one UTC day are listed, known as they are listed, and missing.

    Shape: `is_open` is True when something cannot be told yet, or by nobody.
    """

    listed_count: int = 0
    confirmed_count: int = 0
    gap_count: int = 0
    is_open: bool = False

    def take_in(self, finding: Finding) -> None:
        """Count a finding of the day."""
        is_explained = finding.word is Result.BEHIND and not finding.is_gap
        is_listed = finding.claim is not None
        self.listed_count += is_listed
        self.confirmed_count += is_listed and (finding.word in _IS_CONFIRMED or is_explained)
        self.gap_count += finding.is_gap
        self.is_open = self.is_open or finding.word in _IS_OPEN


@dataclass(frozen=True, slots=True)
class Summary:
    """What a report says of its findings.

    Shape: `foremost` are those that it lists, what needs somebody first, in the order of days;
    `counts_by_day` has the days that any finding is of, None for what has no day.
    """

    totals: Sequence[Total]
    counts_by_day: Mapping[date | None, DayCounts]
    foremost: Sequence[Finding]
    left_out: int


def summarise(findings: Iterable[Finding]) -> Summary:
    """Count findings. Shape: whatever their order, the summary is the same."""
    sums: dict[tuple[Result, str | None], list[int]] = defaultdict(lambda: [0, 0])
    counts_by_day: dict[date | None, DayCounts] = defaultdict(DayCounts)

    def counted() -> Iterator[Finding]:
        for finding in findings:
            currency, amount_minor = _money(finding)
            total = sums[finding.word, currency]
            total[0] += 1
            total[1] += amount_minor
            counts_by_day[finding.day].take_in(finding)
            yield finding

    foremost = heapq.nsmallest(LISTED_MAX, counted(), key=_order)
    totals = [Total(word, currency, *sums[word, currency]) for word, currency in sums]
    totals.sort(key=lambda total: (_RANK[total.word], total.currency or ""))
    count = sum(total.count for total in totals)
    return Summary(totals, counts_by_day, foremost, count - len(foremost))


def _money(finding: Finding) -> tuple[str | None, int]:
    side = finding.claim or finding.known
    assert side is not None, "a finding is about something"
    amount_minor, currency = side.amount_minor or 0, side.currency
    if currency is None and finding.known is not None:
        currency = finding.known.currency
    return currency, -amount_minor if side.direction == "CREDIT" else amount_minor


def _order(finding: Finding) -> tuple[object, ...]:
    claim, known = finding.claim, finding.known
    return (
        _RANK[finding.word],
        finding.day or date.min,
        (claim.file_id, claim.line_number) if claim is not None else ("", 0),
        known.reference if known is not None else "",
    )
