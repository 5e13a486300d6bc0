"""Counts findings as they come, and holds those alone that a report lists."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ledger.reconciliation.agreed import Agreed
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

    def take_in(self, finding: Finding | Agreed) -> None:
        """Count a finding of the day, or all that agree."""
        if isinstance(finding, Agreed):
            self.listed_count += finding.count
            self.confirmed_count += finding.count
            return
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


def summarise(compared: Iterable[Finding | Agreed], *, listed_max: int = LISTED_MAX) -> Summary:
    """Count findings. Shape: whatever their order, the summary is the same; it has `listed_max`."""
    sums: dict[tuple[Result, str | None], list[int]] = defaultdict(lambda: [0, 0])
    counts_by_day: dict[date | None, DayCounts] = defaultdict(DayCounts)

    def counted() -> Iterator[Finding]:
        for finding in compared:
            count, word, currency, amount_minor = _counted(finding)
            total = sums[word, currency]
            total[0] += count
            total[1] += amount_minor
            counts_by_day[finding.day].take_in(finding)
            if isinstance(finding, Finding):
                yield finding

    foremost = heapq.nsmallest(listed_max, counted(), key=_order)
    totals = [Total(word, currency, *sums[word, currency]) for word, currency in sums]
    totals.sort(key=lambda total: (_RANK[total.word], total.currency or ""))
    count = sum(total.count for total in totals)
    return Summary(totals, counts_by_day, foremost, count - len(foremost))


def _counted(finding: Finding | Agreed) -> tuple[int, Result, str | None, int]:
    """Return how many it is, their result, their currency and what they move."""
    if isinstance(finding, Agreed):
        amount_minor = _signed(finding.amount_minor, finding.direction)
        return finding.count, Result.MATCHED, finding.currency, amount_minor
    side = finding.claim or finding.known
    assert side is not None, "a finding is about something"
    currency = side.currency
    if currency is None and finding.known is not None:
        currency = finding.known.currency
    return 1, finding.word, currency, _signed(side.amount_minor or 0, side.direction)


def _signed(amount_minor: int, direction: str | None) -> int:
    return -amount_minor if direction == "CREDIT" else amount_minor


def _order(finding: Finding) -> tuple[object, ...]:
    claim, known = finding.claim, finding.known
    return (
        _RANK[finding.word],
        finding.day or date.min,
        (claim.file_id, claim.line_number) if claim is not None else ("", 0),
        known.reference if known is not None else "",
    )
