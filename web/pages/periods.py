"""Periods that a list of days offers as links: today, yesterday, this month, the month before."""

from datetime import date, timedelta

from web.context import today_in
from web.pages.languages import N_
from web.pages.request_parameters import Question, zone_of_days

TODAY, YESTERDAY = N_("Today"), N_("Yesterday")
THIS_MONTH, LAST_MONTH = N_("This month"), N_("Last month")

Link = tuple[str, str, bool]
"""A word, the address it leads to, and whether that is chosen already."""


def periods(today: date) -> dict[str, tuple[date, date]]:
    """Return the first and the last day of each period, both included, by its word."""
    yesterday, first = today - timedelta(days=1), today.replace(day=1)
    before = first - timedelta(days=1)
    return {
        TODAY: (today, today),
        YESTERDAY: (yesterday, yesterday),
        THIS_MONTH: (first, today),
        LAST_MONTH: (before.replace(day=1), before),
    }


def period_links(question: Question, path: str, name: str) -> list[Link]:
    """Return the links that narrow a pair of days, `name`_from and `name`_until, to a period."""
    links, zone = [], zone_of_days()
    for word, days in periods(today_in(zone)).items():
        bounds = dict(
            zip((f"{name}_from", f"{name}_until"), map(date.isoformat, days), strict=True)
        )
        address = question.address(path, "cursor", **bounds, days_in=zone)
        links.append((word, address, all(question.value(key) == bounds[key] for key in bounds)))
    return links
