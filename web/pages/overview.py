"""The overview: the notifications and payments of the last days, and what is missing."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from flask import current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from ledger.access.roles import OPERATOR
from ledger.drift.news import DriftStanding, drift_standings
from ledger.errors import ViewNotBuiltError
from ledger.ipn.modes import Mode
from ledger.projections.engine.status import lags
from ledger.projections.money_outcomes import (
    ACCEPTED,
    REFUNDED,
    REFUSED,
    operations_and_statuses,
)
from ledger.queries.activity import PastDays, Scope, last_received
from ledger.queries.quarantine_list import by_reason, quarantined
from ledger.queries.silent_shops import find_silent_shops
from ledger.queries.suspected import count_suspected
from ledger.queries.totals import DayTotal, coverage_by_shop, day_totals, refusals
from ledger.reconciliation.standing import Standing
from ledger.storage.outcomes import Outcome
from web.authentication import caller, scope_of
from web.context import context, ledger, today_in
from web.pages.blueprint import bp
from web.pages.charts import Chart, stacked
from web.pages.languages import zone_name
from web.pages.navigation import DEFAULT_MODE
from web.pages.rendering import render
from web.pages.to_look_at import lines_of
from web.to_look_at import entries_beside, standings_of
from web.untrusted_proxies import untrusted_proxy

DAYS = 30
LAST_DAYS = 7
LAG_SECONDS = 10.0
"""A read model that is followed is behind for less than a second."""


@bp.get("/")
def first_page() -> ResponseReturnValue:
    """Lead to the overview of production."""
    return redirect(url_for("pages.overview", mode=DEFAULT_MODE), 303)


@bp.get("/<mode:mode>")
def overview(mode: str) -> ResponseReturnValue:
    """Show what happened in one mode: today, and in the last 30 days, on the reader's calendar."""
    now, scope = context().clock(), scope_of(Mode(mode))
    today = today_in(zone_name())
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    newest = ledger().events.newest_position() or 0
    with ledger().database.connect() as connection:
        return render(
            "overview.html",
            new_events=url_for("pages.new_events", mode=mode, after=newest),
            now=now,
            days=[day.isoformat() for day in days],
            payments_of=partial(_payments_of, mode),
            untrusted_proxy=_untrusted_proxy(),
            money=_money(connection, scope, days),
            last_days=[now - timedelta(days=back) for back in range(LAST_DAYS)],
            **_arrivals(connection, scope, days, now),
            **_things_to_look_at(connection, scope, now),
        )


def _payments_of(mode: str, outcome: str, first_day: str, last_day: str, **more: str) -> str:
    """Return the address of the payments of one outcome that were created on these days."""
    span = {"created_from": first_day, "created_until": last_day, "days_in": zone_name()}
    parameters: dict[str, Any] = {**operations_and_statuses(outcome), **span, **more}
    return url_for("pages.search", mode=mode, **parameters)


def _arrivals(
    connection: Connection, scope: Scope, days: list[date], now: datetime
) -> dict[str, Any]:
    """Return what came: by day, today, when the last call was, who is silent, which kinds."""
    shops = ledger().shops
    deliveries = _deliveries(connection, scope, days, now)
    last = last_received(connection, scope)
    return {
        "deliveries": deliveries,
        "today": deliveries.bars[-1].counts,
        "last": max(last.values(), default=None),
        "silent_shops": [
            (shops.shop_by_id[silent.shop_id], silent)
            for silent in find_silent_shops(connection, scope, last, now)
        ],
        "shops": [
            (shops.shop_by_id[coverage.shop_id], coverage, last.get(coverage.shop_id))
            for coverage in coverage_by_shop(connection, shops) or []
            if coverage.mode == scope.mode and coverage.shop_id in scope.shops
        ],
    }


def _things_to_look_at(connection: Connection, scope: Scope, now: datetime) -> dict[str, Any]:
    """Return what waits for somebody, or stands still."""
    waiting = by_reason(connection, scope)
    shops_seen = scope.shops if scope.is_limited else None
    lagging = [lag for lag in lags(connection) if lag.seconds > LAG_SECONDS or lag.poison]
    drifts, mode = drift_standings(connection, now), Mode(scope.mode)
    compared = standings_of(connection, scope, now)
    return {
        "waiting": sum(group.count - group.undecided for group in waiting),
        "undecided": sum(group.undecided for group in waiting),
        "behind": lagging,
        "suspected": count_suspected(connection, mode=scope.mode, shops=shops_seen),
        "drift": sum(_drift_count(standing, scope) for standing in drifts),
        "completeness": _completeness(compared),
        "look_at": lines_of(entries_beside(connection, scope, now, compared), mode.public),
    }


def _completeness(compared: Sequence[Standing]) -> dict[str, Any] | None:
    """Return what is missing, or else up to when all is proven; None where no file ever came.

    Shape: `day` is that of the shop that is furthest behind, None when one has no proven day.
    """
    days = [each.last_proven_day for each in compared]
    day = None if None in days else min(filter(None, days), default=None)
    gaps, files = sum(each.gaps for each in compared), sum(len(each.missing) for each in compared)
    return {"gaps": gaps, "day": day, "missing_files": files} if compared else None


def _drift_count(standing: DriftStanding, scope: Scope) -> int:
    is_shown = standing.mode == scope.mode and standing.shop_id in scope.shops
    return sum(standing.count_by_drift.values()) if is_shown else 0


def _untrusted_proxy() -> str | None:
    """Return the proxy that this page comes through if it is not believed, for operators."""
    if caller().role != OPERATOR:
        return None
    return untrusted_proxy(request, context().settings.trusted_proxies)


def _deliveries(connection: Connection, scope: Scope, days: list[date], now: datetime) -> Chart:
    past = current_app.extensions.setdefault("ipn-ledger-past-days", PastDays())
    verified = past.count(connection, scope, days, now, zone_name())
    refused = quarantined(connection, scope, days, zone_name())
    names = (Outcome.RECORDED, Outcome.REPEATED, Outcome.UNDECIDED)
    series: dict[str, list[int]] = {name: [verified[day][name] for day in days] for name in names}
    series[Outcome.QUARANTINED] = [refused[day] for day in days]
    return stacked([day.isoformat() for day in days], series)


def _money(connection: Connection, scope: Scope, days: list[date]) -> dict[str, Any] | None:
    """Return the payments by day, by currency and by why they were refused; None until counted."""
    labels = [day.isoformat() for day in days]
    try:
        totals = day_totals(connection, scope, days, zone_name())
        refused = refusals(connection, scope, days, zone_name())
    except ViewNotBuiltError:
        return None
    counts = Counter[tuple[str, str]]()
    for total in totals:
        counts[total.outcome, total.day] += total.count
    payments = {name: [counts[name, day] for day in labels] for name in (ACCEPTED, REFUSED)}
    longest = max((refusal.count for refusal in refused), default=0) or 1
    return {
        "payments": stacked(labels, payments),
        "currencies": _currencies(totals, labels),
        "refusals": [
            (refusal.result, refusal.count, round(100 * refusal.count / longest, 2))
            for refusal in refused
        ],
    }


def _currencies(totals: Sequence[DayTotal], labels: list[str]) -> list[dict[str, Any]]:
    """Return the money of each currency, the most used first. Units: minor units."""
    used, minor = Counter[str](), Counter[tuple[str, str, str]]()
    for total in totals:
        if total.currency and total.outcome in (ACCEPTED, REFUNDED):
            used[total.currency] += total.count
            minor[total.currency, total.outcome, total.day] += total.amount_minor
    currencies = []
    for code, _ in used.most_common():
        accepted = [minor[code, ACCEPTED, day] for day in labels]
        currencies.append(
            {
                "code": code,
                "today_minor": accepted[-1],
                "accepted_minor": sum(accepted),
                "refunded_minor": sum(minor[code, REFUNDED, day] for day in labels),
                "chart": stacked(labels, {ACCEPTED: accepted}),
            }
        )
    return currencies
