"""The overview: the notifications and payments of the last days, and what is missing."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask import current_app, redirect, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from ledger.errors import ViewNotBuiltError
from ledger.ipn.modes import Mode
from ledger.ipn.shops_and_keys import Shop
from ledger.projections import money_outcomes
from ledger.projections.engine.status import Lag, lags
from ledger.queries.activity import PastDays, Scope, last_received
from ledger.queries.quarantine_list import by_reason, quarantined
from ledger.queries.totals import Coverage, DayTotal, coverage_by_shop, day_totals, refusals
from ledger.storage.outcomes import Outcome
from web.authentication import scope_of
from web.context import context, ledger
from web.pages.blueprint import bp
from web.pages.charts import Chart, shares, stacked
from web.pages.issuer_answers import answer
from web.pages.navigation import DEFAULT_MODE
from web.pages.rendering import render

DAYS = 30
SILENCE = timedelta(hours=3)
"""After so long without a call, something may be wrong on the way."""
LAG_SECONDS = 10.0
"""A read model that is followed is behind for less than a second."""

_PAST = "ipn-ledger-past-days"


@dataclass(frozen=True, slots=True)
class Currency:
    """Money of one currency. Units: minor units; refunds beside what was accepted."""

    code: str
    today_minor: int
    accepted_minor: int
    refunded_minor: int
    chart: Chart


@dataclass(frozen=True, slots=True)
class Money:
    """The payments of the last days, by outcome, currency and reason."""

    payments: Chart
    today: Counter[str]
    currencies: list[Currency]
    refusals: list[tuple[str, str, int, float]]


@bp.get("/")
def first_page() -> ResponseReturnValue:
    """Lead to the overview of production."""
    return redirect(url_for("pages.overview", mode=DEFAULT_MODE), 303)


@bp.get("/<mode:mode>")
def overview(mode: str) -> ResponseReturnValue:
    """Show what happened in one mode: today, and in the last 30 days."""
    return render("overview.html", **_figures(Mode(mode)))


def _figures(mode: str) -> dict[str, Any]:
    now = context().clock()
    days = [now.date() - timedelta(days=back) for back in reversed(range(DAYS))]
    scope = scope_of(mode)
    with ledger().database.connect() as connection:
        deliveries = _deliveries(connection, scope, days, now)
        last = last_received(connection, scope)
        waiting = sum(group.count for group in by_reason(connection, scope))
        return {
            "now": now,
            "days": (days[0].isoformat(), days[-1].isoformat()),
            "deliveries": deliveries,
            "today": deliveries.bars[-1].counts,
            "last": max(last.values(), default=None),
            "is_silent": now - max(last.values(), default=now) > SILENCE,
            "waiting": waiting,
            "behind": _behind(lags(connection)),
            "money": _money(connection, scope, days),
            "shops": _shops(connection, scope, last),
        }


def _deliveries(connection: Connection, scope: Scope, days: list[date], now: datetime) -> Chart:
    past = current_app.extensions.setdefault(_PAST, PastDays())
    verified = past.count(connection, scope, days, now)
    refused = quarantined(connection, scope, days)
    series: dict[str, list[int]] = {
        name: [verified[day][name] for day in days] for name in (Outcome.RECORDED, Outcome.REPEATED)
    }
    series[Outcome.QUARANTINED] = [refused[day] for day in days]
    return stacked([day.isoformat() for day in days], series)


def _behind(lags_of_views: list[Lag]) -> list[Lag]:
    return [lag for lag in lags_of_views if lag.seconds > LAG_SECONDS or lag.poison]


def _money(connection: Connection, scope: Scope, days: list[date]) -> Money | None:
    span = (days[0].isoformat(), days[-1].isoformat())
    shops = scope.shops if scope.is_limited else None
    try:
        totals = day_totals(connection, scope.mode, span, shops)
        refused = refusals(connection, scope.mode, span, shops)
    except ViewNotBuiltError:
        return None
    labels = [day.isoformat() for day in days]
    lengths = shares([refusal.count for refusal in refused])
    return Money(
        payments=stacked(
            labels,
            {
                name: _counts(totals, name, labels)
                for name in (money_outcomes.ACCEPTED, money_outcomes.REFUSED)
            },
        ),
        today=_today(totals, labels[-1]),
        currencies=_currencies(totals, labels),
        refusals=[
            (refusal.result, answer(refusal.result), refusal.count, length)
            for refusal, length in zip(refused, lengths, strict=True)
        ],
    )


def _counts(totals: list[DayTotal], outcome: str, labels: list[str]) -> list[int]:
    sums: Counter[str] = Counter()
    for total in totals:
        if total.outcome == outcome:
            sums[total.day] += total.count
    return [sums[label] for label in labels]


def _today(totals: list[DayTotal], today: str) -> Counter[str]:
    sums: Counter[str] = Counter()
    for total in totals:
        if total.day == today:
            sums[total.outcome] += total.count
    return sums


def _currencies(totals: list[DayTotal], labels: list[str]) -> list[Currency]:
    """Return the money of each currency, the most used first."""
    used: Counter[str] = Counter()
    for total in totals:
        if total.currency and total.outcome in (money_outcomes.ACCEPTED, money_outcomes.REFUNDED):
            used[total.currency] += total.count
    return [_currency(code, totals, labels) for code, _ in used.most_common()]


def _currency(code: str, totals: list[DayTotal], labels: list[str]) -> Currency:
    by_day: Counter[str] = Counter()
    refunded_minor = 0
    for total in totals:
        if total.currency == code and total.outcome == money_outcomes.ACCEPTED:
            by_day[total.day] += total.amount_minor
        elif total.currency == code and total.outcome == money_outcomes.REFUNDED:
            refunded_minor += total.amount_minor
    amounts = [by_day[label] for label in labels]
    return Currency(
        code=code,
        today_minor=amounts[-1],
        accepted_minor=sum(amounts),
        refunded_minor=refunded_minor,
        chart=stacked(labels, {money_outcomes.ACCEPTED: amounts}),
    )


def _shops(
    connection: Connection, scope: Scope, last: dict[str, datetime]
) -> list[tuple[Shop, Coverage, datetime | None]]:
    """Return which kinds of notification each shop sends; nothing while that is not built."""
    shops = ledger().shops
    return [
        (shops.shop_by_id[coverage.shop_id], coverage, last.get(coverage.shop_id))
        for coverage in coverage_by_shop(connection, shops) or []
        if coverage.mode == scope.mode and coverage.shop_id in scope.shops
    ]
