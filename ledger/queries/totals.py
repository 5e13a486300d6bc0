"""Reads the daily totals, and which kinds of notification each shop sends."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, func, select

from ledger.errors import ViewNotBuiltError
from ledger.ipn.modes import MODES
from ledger.ipn.notification_rules import RULES, Rule
from ledger.ipn.shops_and_keys import Shops
from ledger.projections import rule_coverage, totals
from ledger.projections.definition import Projection
from ledger.projections.engine.generations import live_generation, tables_of


@dataclass(frozen=True, slots=True)
class KindSeen:
    """One of the eight kinds of notification, as one shop and mode has sent it.

    Shape: instants are text in UTC, None when it was never seen; a duplicate does not count.
    """

    rule: Rule
    count: int = 0
    first_seen_at: str | None = None
    last_seen_at: str | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which kinds of notification one shop and mode sends. Shape: all eight, in their order."""

    shop_id: str
    mode: str
    kinds: tuple[KindSeen, ...]

    @property
    def count(self) -> int:
        return sum(kind.count for kind in self.kinds)

    @property
    def never_seen(self) -> tuple[KindSeen, ...]:
        return tuple(kind for kind in self.kinds if not kind.count)


def coverage_by_shop(connection: Connection, shops: Shops) -> list[Coverage] | None:
    """Return what each shop of the shops file has sent in each mode, also if it was nothing.

    Shape: None while the read model is not built for this code.
    """
    generation = live_generation(connection, rule_coverage.PROJECTION)
    if generation is None:
        return None
    table = tables_of(rule_coverage.PROJECTION, generation.id)[rule_coverage.rule_coverage]
    seen: dict[tuple[str, str], list[KindSeen]] = {}
    for row in connection.execute(select(table)).mappings():
        columns = dict(row)
        rule = RULES.get(columns.pop("rule"))
        shop_and_mode = (columns.pop("shop_id"), columns.pop("mode"))
        if rule is not None:
            seen.setdefault(shop_and_mode, []).append(KindSeen(rule, **columns))
    return [
        Coverage(shop_id, mode, _all_kinds(seen.get((shop_id, mode), ())))
        for shop_id in shops.shop_by_id
        for mode in MODES
    ]


def _all_kinds(seen: Iterable[KindSeen]) -> tuple[KindSeen, ...]:
    by_name = {kind.rule.name: kind for kind in seen}
    return tuple(by_name.get(rule.name, KindSeen(rule)) for rule in RULES.values())


@dataclass(frozen=True, slots=True)
class DayTotal:
    """What one day (UTC) brought in one currency. Units: minor units of `currency`."""

    day: str
    currency: str
    outcome: str
    count: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Refusals:
    """How many payments an issuer refused with one answer; empty when no issuer was asked."""

    result: str
    count: int


def day_totals(
    connection: Connection, mode: str, days: tuple[str, str], shops: Iterable[str] | None
) -> list[DayTotal]:
    """Return totals by day, currency and outcome.

    Shape: `days` are the first and the last; `shops` None is every shop. Errors: ViewNotBuiltError.
    """
    table = _live_table(connection, totals.PROJECTION, totals.daily_totals)
    c = table.c
    sums = (func.sum(c.count).label("count"), func.sum(c.amount_minor).label("amount_minor"))
    query = select(c.day, c.currency, c.outcome, *sums)
    query = query.group_by(c.day, c.currency, c.outcome).where(*_of(c, mode, days, shops))
    return [
        DayTotal(row.day, row.currency, row.outcome, int(row[3]), int(row.amount_minor))
        for row in connection.execute(query)
    ]


def refusals(
    connection: Connection, mode: str, days: tuple[str, str], shops: Iterable[str] | None
) -> list[Refusals]:
    """Return why payments were refused, most frequent first. Errors and shape: as `day_totals`."""
    table = _live_table(connection, totals.PROJECTION, totals.daily_refusals)
    c = table.c
    query = select(c.result, func.sum(c.count)).where(*_of(c, mode, days, shops))
    rows = connection.execute(query.group_by(c.result))
    refusals = [Refusals(row.result, int(row[1])) for row in rows]
    return sorted(refusals, key=lambda refusal: (-refusal.count, refusal.result))


def _of(c: Any, mode: str, days: tuple[str, str], shops: Iterable[str] | None) -> list[Any]:
    conditions = [c.mode == mode, c.day.between(*days)]
    return conditions if shops is None else [*conditions, c.shop_id.in_(sorted(shops))]


def _live_table(connection: Connection, view: Projection, table: Table) -> Table:
    generation = live_generation(connection, view)
    if generation is None:
        raise ViewNotBuiltError(f"the view {view.name} is not built for this code")
    return tables_of(view, generation.id)[table]
