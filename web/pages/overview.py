"""Where the pages begin: what arrives, what became of it, and what is missing."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask import current_app, redirect, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from ledger.activity import PastDays, Scope, last_received
from ledger.errors import ViewNotBuiltError
from ledger.projections import outcomes
from ledger.projections.status import Lag, lags
from ledger.queries.totals import Coverage, DayTotal, day_totals, refusals, rule_coverage
from ledger.shops import Shop
from ledger.storage.outcomes import Outcome
from ledger.waiting import by_reason, quarantined
from web.context import context, ledger
from web.pages.blueprint import bp
from web.pages.charts import Chart, shares, stacked
from web.pages.issuers import answer
from web.pages.navigation import DEFAULT_MODE
from web.pages.rendering import render_in_parts
from web.security import allowed_shops

DAYS = 30
SILENCE = timedelta(hours=3)
"""Without a call for so long, something may be wrong on the way."""
LAG_SECONDS = 10.0
"""A view that is followed is behind for less than a second."""

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
    """Payments of the last days; None of it while the view is being built."""

    payments: Chart
    today: Counter[str]
    currencies: list[Currency]
    refusals: list[tuple[str, str, int, float]]


@bp.get("/")
def beginning() -> ResponseReturnValue:
    """Lead to the real world."""
    return redirect(url_for("pages.overview", mode=DEFAULT_MODE), 303)


@bp.get("/<mode:mode>")
def overview(mode: str) -> ResponseReturnValue:
    """What happens in one mode: today, and in the last 30 days."""
    return render_in_parts("overview.html", told=lambda: _told(mode.upper()))


def scope_of(mode: str) -> Scope:
    """What the reader may see of a mode: of the shops there are, or of their own."""
    allowed = allowed_shops()
    known = set(ledger().shops.shop_by_id)
    return Scope(mode, tuple(sorted(known if allowed is None else allowed)), allowed is not None)


def _told(mode: str) -> dict[str, Any]:
    now = context().clock()
    days = [now.date() - timedelta(days=back) for back in reversed(range(DAYS))]
    scope = scope_of(mode)
    with ledger().database.connect() as connection:
        deliveries = _deliveries(connection, scope, days, now)
        last = last_received(connection, scope)
        waiting = sum(one.count for one in by_reason(connection, scope))
        return {
            "now": now,
            "days": (days[0].isoformat(), days[-1].isoformat()),
            "deliveries": deliveries,
            "today": deliveries.bars[-1].values,
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
        name: [verified[one][name] for one in days] for name in (Outcome.RECORDED, Outcome.REPEATED)
    }
    series[Outcome.QUARANTINED] = [refused[one] for one in days]
    return stacked([one.isoformat() for one in days], series)


def _behind(found: list[Lag]) -> list[Lag]:
    return [one for one in found if one.seconds > LAG_SECONDS or one.poison]


def _money(connection: Connection, scope: Scope, days: list[date]) -> Money | None:
    span = (days[0].isoformat(), days[-1].isoformat())
    shops = scope.shops if scope.is_limited else None
    try:
        found = day_totals(connection, scope.mode, span, shops)
        refused = refusals(connection, scope.mode, span, shops)
    except ViewNotBuiltError:
        return None
    labels = [one.isoformat() for one in days]
    lengths = shares([one.count for one in refused])
    return Money(
        payments=stacked(
            labels,
            {name: _counts(found, name, labels) for name in (outcomes.ACCEPTED, outcomes.REFUSED)},
        ),
        today=_today(found, labels[-1]),
        currencies=_currencies(found, labels),
        refusals=[
            (one.result, answer(one.result), one.count, length)
            for one, length in zip(refused, lengths, strict=True)
        ],
    )


def _counts(found: list[DayTotal], outcome: str, labels: list[str]) -> list[int]:
    sums: Counter[str] = Counter()
    for one in found:
        if one.outcome == outcome:
            sums[one.day] += one.count
    return [sums[label] for label in labels]


def _today(found: list[DayTotal], today: str) -> Counter[str]:
    sums: Counter[str] = Counter()
    for one in found:
        if one.day == today:
            sums[one.outcome] += one.count
    return sums


def _currencies(found: list[DayTotal], labels: list[str]) -> list[Currency]:
    """Most used first."""
    used: Counter[str] = Counter()
    for one in found:
        if one.currency and one.outcome in (outcomes.ACCEPTED, outcomes.REFUNDED):
            used[one.currency] += one.count
    return [_currency(code, found, labels) for code, _ in used.most_common()]


def _currency(code: str, found: list[DayTotal], labels: list[str]) -> Currency:
    by_day: Counter[str] = Counter()
    refunded = 0
    for one in found:
        if one.currency == code and one.outcome == outcomes.ACCEPTED:
            by_day[one.day] += one.amount_minor
        elif one.currency == code and one.outcome == outcomes.REFUNDED:
            refunded += one.amount_minor
    values = [by_day[label] for label in labels]
    return Currency(
        code=code,
        today_minor=values[-1],
        accepted_minor=sum(values),
        refunded_minor=refunded,
        chart=stacked(labels, {outcomes.ACCEPTED: values}),
    )


def _shops(
    connection: Connection, scope: Scope, last: dict[str, datetime]
) -> list[tuple[Shop, Coverage, datetime | None]]:
    """Which kinds each shop sends. Shape: nothing while the view is being built."""
    known = ledger().shops
    found = rule_coverage(connection, known) or []
    return [
        (known.shop_by_id[one.shop_id], one, last.get(one.shop_id))
        for one in found
        if one.mode == scope.mode and one.shop_id in scope.shops
    ]
