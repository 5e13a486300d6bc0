"""Check which kinds of notification each shop sends, and how to switch the others on."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from ledger.cli.output import counted
from ledger.cli.shop_findings import OK, WARNING, Finding
from ledger.instants import read_instant
from ledger.ipn.modes import Mode
from ledger.ipn.shops_and_keys import Shops
from ledger.queries.totals import Coverage, KindSeen, coverage_by_shop
from ledger.storage.database import Database

FIRST_WEEK = timedelta(days=7)
"""So long a shop in TEST may take to send every kind once."""


def coverage_findings(database: Database, shops: Shops, *, now: datetime) -> Iterator[Finding]:
    """Report which kinds of notification each shop has never sent, and how to switch them on."""
    with database.connect() as connection:
        coverages = coverage_by_shop(connection, shops) or ()
    for shop_id, shop_coverages in groupby(coverages, key=lambda coverage: coverage.shop_id):
        used = [coverage for coverage in shop_coverages if coverage.count]
        if not used:
            yield Finding(WARNING, "coverage", f"{shop_id} no notification yet")
        yield from (_coverage_finding(coverage, now) for coverage in used)


def _coverage_finding(coverage: Coverage, now: datetime) -> Finding:
    seen, never_seen = len(coverage.kinds_seen) - len(coverage.never_seen), coverage.never_seen
    names = ", ".join(kind_seen.rule.name for kind_seen in never_seen)
    words = f"{seen} of {counted(len(coverage.kinds_seen), 'kind')} seen"
    state = OK
    if not never_seen:
        words = f"all {words.partition(' of ')[2]}"
    elif coverage.mode == Mode.TEST and _began_at(coverage) > now - FIRST_WEEK:
        words += f" in its first week; no news yet of {names}"
    else:
        state, words = WARNING, f"{words}; never seen: {names} (--verbose says how to switch on)"
    data = {
        "shop_id": coverage.shop_id,
        "mode": Mode(coverage.mode).public,
        "kinds": list(map(_kind_data, coverage.kinds_seen)),
    }
    message = f"{coverage.shop_id} {coverage.mode}  {words}"
    return Finding(state, "coverage", message, data, tuple(map(_advice, never_seen)))


def _began_at(coverage: Coverage) -> datetime:
    return min(
        read_instant(kind.first_seen_at) for kind in coverage.kinds_seen if kind.first_seen_at
    )


def _advice(kind_seen: KindSeen) -> str:
    rule = kind_seen.rule
    verb = "on by default with" if rule.is_on_by_default else "switch on"
    return f'{rule.name}: {verb} "{rule.switch}"'


def _kind_data(kind_seen: KindSeen) -> dict[str, Any]:
    return {
        "rule": kind_seen.rule.name,
        "count": kind_seen.count,
        "first_seen_at": kind_seen.first_seen_at,
        "last_seen_at": kind_seen.last_seen_at,
        "switch": kind_seen.rule.switch,
        "is_on_by_default": kind_seen.rule.is_on_by_default,
    }
