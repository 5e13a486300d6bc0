"""Reads the plan of a subscription: the sentence a person reads, and the months it names."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

_KNOWN = {"FREQ", "INTERVAL", "COUNT", "BYMONTHDAY", "BYSETPOS"}
_MONTHS_MAX = 600


@dataclass(frozen=True, slots=True)
class MonthlyPlan:
    """A plan of so many months. Shape: `count` is None without an end; `day` as the rule has it."""

    interval: int
    count: int | None
    day: str

    def months(self, first: date, until: date) -> Iterator[tuple[int, int]]:
        """Yield the months in which an instalment is due, until the one before a day's month."""
        number = first.year * 12 + first.month - 1
        for _ in range(min(self.count or _MONTHS_MAX, _MONTHS_MAX)):
            if number >= until.year * 12 + until.month - 1:
                return
            yield number // 12, number % 12 + 1
            number += self.interval


def monthly_plan(schedule: str | None) -> MonthlyPlan | None:
    """Read a rule such as `RRULE:FREQ=MONTHLY;COUNT=12;BYMONTHDAY=1`; None for any other."""
    rule = (schedule or "").strip().upper().removeprefix("RRULE:")
    pairs = [part.partition("=") for part in rule.split(";") if part]
    words = {name: word for name, _, word in pairs}
    numbers = [words.get("INTERVAL", "1"), words.get("COUNT", "1")]
    if words.get("FREQ") != "MONTHLY" or not words.keys() <= _KNOWN:
        return None
    if not all(word.isascii() and word.isdigit() and int(word[:6]) > 0 for word in numbers):
        return None
    count = int(words["COUNT"][:6]) if "COUNT" in words else None
    day = words.get("BYMONTHDAY", "")
    return MonthlyPlan(int(numbers[0][:6]), count, day if day.isdigit() else "")


def missed_months(
    schedule: str | None, effect_on: str | None, days_heard: Iterable[date], until: date
) -> list[tuple[int, int]]:
    """Return the months of a plan in which an instalment was due and nothing was heard of one.

    Shape: none of a plan that cannot be counted; the month of `until` is not over.
    """
    plan = monthly_plan(schedule)
    if plan is None or not effect_on:
        return []
    heard = {(day.year, day.month) for day in days_heard}
    due = plan.months(date.fromisoformat(effect_on), until)
    return [month for month in due if month not in heard]
