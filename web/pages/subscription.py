"""The page of one subscription: its plan, instalments as a calendar and a table, its history."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.dates import get_month_names
from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from ledger.errors import AmbiguousError
from ledger.queries.find_by_name import SUBSCRIPTION
from ledger.queries.state import State
from web.pages.blueprint import bp
from web.pages.history import render_object
from web.pages.languages import locale_name, zone_name

YEARS_MAX = 30
"""Years that a calendar shows, the newest ones."""


@dataclass
class Month:
    """A month of a calendar with the instalments that fall into it.

    Shape: `days` are (day, instalment), in order.
    """

    name: str
    days: list[tuple[date, State]] = field(default_factory=list)


@bp.get("/<mode:mode>/shops/<shop_id>/subscriptions/<name:name>")
def subscription(mode: str, shop_id: str, name: str) -> ResponseReturnValue:
    """Show a subscription, as known now or then; `alias` tells those of one id apart."""
    try:
        return render_object(SUBSCRIPTION, mode, shop_id, name, "subscription.html", _EXTRA)
    except AmbiguousError:  # the search tells them apart
        return redirect(url_for("pages.search", mode=mode, q=name), 303)


def calendar(instalments: Sequence[State]) -> dict[int, list[Month]]:
    """Return the attempts of instalments by year and month, on the reader's clock.

    Shape: every year from the first to the last; twelve months each.
    """
    dated = [(day, due) for due in instalments if (day := _day(due)) is not None]
    if not dated:
        return {}
    last = max(day for day, _ in dated).year
    first = max(min(day for day, _ in dated).year, last - YEARS_MAX + 1)
    names = get_month_names("abbreviated", context="stand-alone", locale=locale_name())
    years = {
        year: [Month(names[month]) for month in range(1, 13)] for year in range(first, last + 1)
    }
    for day, instalment in sorted(dated, key=lambda pair: pair[0]):
        if day.year >= first:
            years[day.year][day.month - 1].days.append((day, instalment))
    return years


def _day(instalment: State) -> date | None:
    created_at = instalment["created_at"]
    if not created_at:
        return None
    try:
        return datetime.fromisoformat(created_at).astimezone(ZoneInfo(zone_name())).date()
    except (ValueError, OverflowError):
        return None


_EXTRA = {
    "years": lambda state, *_: calendar(state["instalments"]),
    "undated": lambda state, *_: sum(_day(due) is None for due in state["instalments"]),
}
