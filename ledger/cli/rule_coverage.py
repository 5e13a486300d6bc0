"""Report read models that are behind, and rules that send nothing, for `ledger check`."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from ledger.cli.find_object import OK, WARNING, Finding
from ledger.ipn.modes import Mode
from ledger.ipn.shops_and_keys import Shops
from ledger.projections.engine.generations import outdated_views
from ledger.projections.engine.status import Lag, lags
from ledger.queries.totals import Coverage, KindSeen, coverage_by_shop
from ledger.storage.database import Database

LAG_SECONDS_MAX = 10.0
"""A read model that is followed is behind for less than a second."""


def view_findings(database: Database) -> Iterator[Finding]:
    """Report read models that this code cannot read, or whose rows are behind the log."""
    with database.connect() as connection:
        stale = outdated_views(connection)
        model_lags = lags(connection)
    for name in stale:
        message = f"{name} is not built for this code: run `ledger rebuild {name}`"
        yield Finding(WARNING, "projections", message)
    if not model_lags and not stale:
        yield Finding(OK, "projections", "none yet: `ledger serve` makes them")
    troubled = [lag for lag in model_lags if lag.seconds > LAG_SECONDS_MAX or lag.poison]
    for lag in troubled:
        yield Finding(WARNING, "projections", _lag_message(lag))
    if model_lags and not troubled:
        yield Finding(OK, "projections", f"{len(model_lags)} views at the live edge")


def _lag_message(lag: Lag) -> str:
    words = []
    if lag.positions:
        words.append(f"{lag.positions} positions behind, {lag.seconds:.0f} s: is nobody serving?")
    if lag.poison:
        words.append(f"{lag.poison} events passed over: see `ledger projections status`")
    return f"{lag.name}: {'; '.join(words)}"


def coverage_findings(database: Database, shops: Shops) -> Iterator[Finding]:
    """Report which kinds of notification each shop has never sent, and how to switch them on."""
    with database.connect() as connection:
        coverages = coverage_by_shop(connection, shops) or ()
    for shop_id, shop_coverages in groupby(coverages, key=lambda coverage: coverage.shop_id):
        used = [coverage for coverage in shop_coverages if coverage.count]
        if not used:
            yield Finding(WARNING, "coverage", f"{shop_id} no notification yet")
        yield from map(_coverage_finding, used)


def _coverage_finding(coverage: Coverage) -> Finding:
    name = f"{coverage.shop_id} {coverage.mode}"
    missing = coverage.never_seen
    data = _data(coverage)
    if not missing:
        return Finding(OK, "coverage", f"{name}  all {len(coverage.kinds)} kinds seen", data)
    advice = ", ".join(f"{kind.rule.name} ({_switch_advice(kind)})" for kind in missing)
    return Finding(WARNING, "coverage", f"{name}  never seen: {advice}", data)


def _switch_advice(kind: KindSeen) -> str:
    if kind.rule.is_on_by_default:
        return f'on by default with "{kind.rule.switch}"'
    return f'switch on "{kind.rule.switch}"'


def _data(coverage: Coverage) -> dict[str, Any]:
    return {
        "shop_id": coverage.shop_id,
        "mode": Mode(coverage.mode).public,
        "kinds": [
            {
                "rule": kind.rule.name,
                "count": kind.count,
                "first_seen_at": kind.first_seen_at,
                "last_seen_at": kind.last_seen_at,
                "switch": kind.rule.switch,
                "is_on_by_default": kind.rule.is_on_by_default,
            }
            for kind in coverage.kinds
        ],
    }
