"""Reads the daily totals, and which kinds of notification each shop sends."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Table, cast, func, select

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
    kinds_seen: tuple[KindSeen, ...]

    @property
    def count(self) -> int:
        return sum(kind.count for kind in self.kinds_seen)

    @property
    def never_seen(self) -> tuple[KindSeen, ...]:
        return tuple(kind for kind in self.kinds_seen if not kind.count)


def coverage_by_shop(connection: Connection, shops: Shops) -> list[Coverage] | None:
    """Return what each shop of the shops file has sent in each mode, also if it was nothing.

    Shape: None while the read model is not built for this code.
    """
    try:
        c = _live_table(connection, rule_coverage.PROJECTION, rule_coverage.rule_coverage).c
    except ViewNotBuiltError:
        return None
    query = select(c.shop_id, c.mode, c.rule, c.count, c.first_seen_at, c.last_seen_at)
    figures = {tuple(row[:3]): row[3:] for row in connection.execute(query)}
    return [
        Coverage(
            shop_id,
            mode,
            tuple(
                KindSeen(rule, *figures.get((shop_id, mode, name), ()))
                for name, rule in RULES.items()
            ),
        )
        for shop_id in shops.shop_by_id
        for mode in MODES
    ]


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
    connection: Connection, mode: str, span: tuple[str, str], shops: Iterable[str] | None
) -> list[DayTotal]:
    """Return totals by day, currency and outcome.

    Shape: `span` are the first and the last day; `shops` None is every shop.
    Errors: ViewNotBuiltError.
    """
    c = _live_table(connection, totals.PROJECTION, totals.daily_totals).c
    query = select(c.day, c.currency, c.outcome, _sum(c.count), _sum(c.amount_minor))
    query = query.group_by(c.day, c.currency, c.outcome).where(*_of(c, mode, span, shops))
    return [DayTotal(*row) for row in connection.execute(query)]


def refusals(
    connection: Connection, mode: str, span: tuple[str, str], shops: Iterable[str] | None
) -> list[Refusals]:
    """Return why payments were refused, most frequent first. Errors and shape: as `day_totals`."""
    c = _live_table(connection, totals.PROJECTION, totals.daily_refusals).c
    query = select(c.result, _sum(c.count)).where(*_of(c, mode, span, shops)).group_by(c.result)
    refusals = [Refusals(*row) for row in connection.execute(query)]
    return sorted(refusals, key=lambda refusal: (-refusal.count, refusal.result))


def _sum(column: Any) -> ColumnElement[int]:
    """Return a sum as a whole number; PostgreSQL would make it a decimal one."""
    return cast(func.sum(column), BigInteger)


def _of(c: Any, mode: str, span: tuple[str, str], shops: Iterable[str] | None) -> list[Any]:
    conditions = [c.mode == mode, c.day.between(*span)]
    return conditions if shops is None else [*conditions, c.shop_id.in_(sorted(shops))]


def _live_table(connection: Connection, model: Projection, table: Table) -> Table:
    generation = live_generation(connection, model)
    if generation is None:
        raise ViewNotBuiltError(f"the read model {model.name} is not built for this code")
    return tables_of(model, generation.id)[table]
