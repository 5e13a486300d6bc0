"""Says for each UTC day whether it is proven that everything was told, and which file is missing.

A day without a file has no score, however quiet it is.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection

from ledger.reconciliation.files import KeptFile
from ledger.reconciliation.journal_rows import JournalKind
from ledger.reconciliation.report_store import ReportedDay, Scope, reported_days

FILES_OF_A_HABIT = 3
"""So many files of a kind, one after the other, make the next one expected."""
LATE_AFTER = timedelta(hours=24)


class DayState(StrEnum):
    """What is known of one UTC day."""

    PROVEN = "proven"  # a file lists the whole day, and every row is known as it is listed
    GAPS = "gaps"
    PARTIAL = "partial"  # a file lists a part of the day, or has rows that nobody can read
    UNPROVEN = "unproven"  # no file


@dataclass(frozen=True, slots=True)
class Completeness:
    """What is known of one UTC day of a shop and mode.

    Shape: `listed_count` counts the payments that files list, `confirmed_count` those of them that
    are known here as they are listed; all counts are 0, and `report_id` is None, for a day without
    a file.
    """

    day: date
    day_state: DayState
    listed_count: int = 0
    confirmed_count: int = 0
    gap_count: int = 0
    report_id: str | None = None

    @property
    def score(self) -> float | None:
        """Return the confirmed share of what is listed; None where no file lists the whole day."""
        if self.day_state not in (DayState.PROVEN, DayState.GAPS):
            return None
        return self.confirmed_count / self.listed_count if self.listed_count else 1.0


def day_data(known_day: Completeness) -> dict[str, Any]:
    """Return what is known of a day under its public names."""
    return {
        "day": known_day.day.isoformat(),
        "state": known_day.day_state.value,
        "listed": known_day.listed_count,
        "confirmed": known_day.confirmed_count,
        "gaps": known_day.gap_count,
        "score": known_day.score,
        "report_id": known_day.report_id,
    }


@dataclass(frozen=True, slots=True)
class MissingFile:
    """A file that should be here by now. Shape: the UTC days that it would be of."""

    shop_id: str
    mode: str
    journal_kind: JournalKind
    first_day: date
    last_day: date
    expected_at: datetime


def completeness(connection: Connection, scope: Scope) -> list[Completeness]:
    """Return what is known of each of these days, in their order."""
    said_by_day = reported_days(connection, scope)
    return [_known_of(day, said_by_day.get(day)) for day in scope.days()]


def _known_of(day: date, said: ReportedDay | None) -> Completeness:
    if said is None or said.day_state == DayState.UNPROVEN:
        return Completeness(day, DayState.UNPROVEN)
    counts = said.listed_count, said.confirmed_count, said.gap_count
    return Completeness(day, DayState(said.day_state), *counts, said.report_id)


def missing_files(files: Sequence[KeptFile], now: datetime) -> Iterator[MissingFile]:
    """Yield the next file of each kind that came regularly and then did not.

    Shape: files in the order in which they came; each kind of a shop and mode has its own habit.
    """
    by_habit: dict[tuple[str, str, JournalKind], list[KeptFile]] = defaultdict(list)
    for kept_file in files:
        if kept_file.first_day is not None and kept_file.last_day is not None:
            habit = (kept_file.shop_id, kept_file.mode, kept_file.journal_kind)
            by_habit[habit].append(kept_file)
    for (shop_id, mode, journal_kind), same in by_habit.items():
        following = _following_days(same)
        if following is None:
            continue
        last = max(same, key=_last_day)
        made_at = last.heading.made_at or last.recorded_at
        expected_at = made_at + (following[1] - _last_day(last)) + LATE_AFTER
        if now > expected_at:
            yield MissingFile(shop_id, mode, journal_kind, *following, expected_at)


def _following_days(files: Sequence[KeptFile]) -> tuple[date, date] | None:
    """Return the days of the file that would come next; None where there is no habit yet."""
    spans = sorted({(_first_day(each), _last_day(each)) for each in files})[-FILES_OF_A_HABIT:]
    day = timedelta(days=1)
    if len(spans) < FILES_OF_A_HABIT:
        return None
    if any(before[1] + day != after[0] for before, after in pairwise(spans)):
        return None
    first, last = spans[-1]
    begins = last + day
    is_monthly = first.day == 1 and begins.day == 1
    if is_monthly:
        return begins, (begins.replace(day=28) + 4 * day).replace(day=1) - day
    return begins, begins + (last - first)


def _first_day(kept_file: KeptFile) -> date:
    assert kept_file.first_day is not None, "files without days have no habit"
    return kept_file.first_day


def _last_day(kept_file: KeptFile) -> date:
    assert kept_file.last_day is not None, "files without days have no habit"
    return kept_file.last_day
