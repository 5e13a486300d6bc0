"""What `ledger check` says of the views: are they current, and does every rule send its calls."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from ledger.cli.finding import OK, WARNING, Finding
from ledger.projections.status import Lag, lags, outdated_views
from ledger.queries.totals import Coverage, KindSeen, rule_coverage
from ledger.shops import Shops
from ledger.storage.database import Database

LAG_SECONDS_MAX = 10.0
"""A view that is followed is behind for less than a second."""


def view_findings(database: Database) -> Iterator[Finding]:
    """Which views this code cannot read, or whose rows are behind the log."""
    with database.connect() as connection:
        stale = outdated_views(connection)
        found = lags(connection)
    for name in stale:
        told = f"{name} is not built for this code: run `ledger rebuild {name}`"
        yield Finding(WARNING, "projections", told)
    if not found and not stale:
        yield Finding(OK, "projections", "none yet: `ledger serve` makes them")
    troubled = [one for one in found if one.seconds > LAG_SECONDS_MAX or one.poison]
    for one in troubled:
        yield Finding(WARNING, "projections", _lag_told(one))
    if found and not troubled:
        yield Finding(OK, "projections", f"{len(found)} views at the live edge")


def _lag_told(one: Lag) -> str:
    words = []
    if one.positions:
        words.append(f"{one.positions} positions behind, {one.seconds:.0f} s: is nobody serving?")
    if one.poison:
        words.append(f"{one.poison} events passed over: see `ledger projections status`")
    return f"{one.name}: {'; '.join(words)}"


def coverage_findings(database: Database, shops: Shops) -> Iterator[Finding]:
    """Which kinds of notification each shop has never sent, and how to switch them on."""
    with database.connect() as connection:
        found = rule_coverage(connection, shops)
    for shop_id, of_shop in groupby(found or (), key=lambda one: one.shop_id):
        told = [one for one in of_shop if one.count]
        if not told:
            yield Finding(WARNING, "coverage", f"{shop_id} no notification yet")
        for one in told:
            yield _coverage_told(one)


def _coverage_told(one: Coverage) -> Finding:
    name = f"{one.shop_id} {one.mode}"
    missing = one.never_seen
    if not missing:
        return Finding(OK, "coverage", f"{name}  all {len(one.kinds)} kinds seen", _data(one))
    told = ", ".join(f"{kind.rule.name} ({_switch_told(kind)})" for kind in missing)
    return Finding(WARNING, "coverage", f"{name}  never seen: {told}", _data(one))


def _switch_told(kind: KindSeen) -> str:
    if kind.rule.is_on_by_default:
        return f'on by default with "{kind.rule.switch}"'
    return f'switch on "{kind.rule.switch}"'


def _data(one: Coverage) -> dict[str, Any]:
    return {
        "shop_id": one.shop_id,
        "mode": one.mode.lower(),
        "kinds": [
            {
                "rule": kind.rule.name,
                "count": kind.count,
                "first_seen_at": kind.first_seen_at,
                "last_seen_at": kind.last_seen_at,
                "switch": kind.rule.switch,
                "is_on_by_default": kind.rule.is_on_by_default,
            }
            for kind in one.kinds
        ],
    }
