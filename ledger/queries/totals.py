"""Reads the daily totals, and which kinds of notification each shop sends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Table,
    cast,
    func,
    literal,
    select,
    union_all,
)

from ledger.errors import ViewNotBuiltError
from ledger.instants import write_instant
from ledger.ipn.modes import MODES
from ledger.ipn.notification_rules import RULES, Rule
from ledger.ipn.shops_and_keys import Shops
from ledger.projections import rule_coverage, totals
from ledger.projections.definition import Projection
from ledger.projections.engine.generations import live_generation, tables_of
from ledger.queries.activity import Scope, bounds_of


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
    """What one day brought in one currency. Units: minor units of `currency`."""

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
    connection: Connection, scope: Scope, days: Sequence[date], zone: str
) -> list[DayTotal]:
    """Return totals by day, currency and outcome. Shape: days are those of the zone.

    Errors: ViewNotBuiltError.
    """
    c = _live_table(connection, totals.PROJECTION, totals.slot_totals).c
    bounds = bounds_of(days, zone)
    of_days = [
        select(literal(day.isoformat()), c.currency, c.outcome, _sum(c.count), _sum(c.amount_minor))
        .where(*_within(c, scope, begins, ends))
        .group_by(c.currency, c.outcome)
        for day, begins, ends in zip(days, bounds, bounds[1:], strict=False)
    ]
    return [DayTotal(*row) for row in connection.execute(union_all(*of_days))]


def refusals(
    connection: Connection, scope: Scope, days: Sequence[date], zone: str
) -> list[Refusals]:
    """Return why payments were refused, most frequent first. Errors and shape: as `day_totals`."""
    c = _live_table(connection, totals.PROJECTION, totals.slot_refusals).c
    first, *_, end = bounds_of(days, zone)
    query = select(c.result, _sum(c.count)).where(*_within(c, scope, first, end)).group_by(c.result)
    refusals = [Refusals(*row) for row in connection.execute(query)]
    return sorted(refusals, key=lambda refusal: (-refusal.count, refusal.result))


def _sum(column: Any) -> ColumnElement[int]:
    """Return a sum as a whole number; PostgreSQL would make it a decimal one."""
    return cast(func.sum(column), BigInteger)


def _within(
    c: Any, scope: Scope, begins_at: datetime, ends_at: datetime
) -> list[ColumnElement[bool]]:
    """Return the conditions of the slots between two instants that a reader may see."""
    first, end = (
        write_instant(instant)[: len("2026-03-10T09:15")] for instant in (begins_at, ends_at)
    )
    conditions = [c.mode == scope.mode, c.slot >= first, c.slot < end]
    return [*conditions, c.shop_id.in_(scope.shops)] if scope.is_limited else conditions


def _live_table(connection: Connection, model: Projection, table: Table) -> Table:
    generation = live_generation(connection, model)
    if generation is None:
        raise ViewNotBuiltError(f"the read model {model.name} is not built for this code")
    return tables_of(model, generation.id)[table]
