"""Reads of the views; returns frozen dataclasses."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from ledger.projections import coverage
from ledger.projections.generations import live_generation, tables_of
from ledger.rules import RULES, Rule
from ledger.shops import MODES, Shops


@dataclass(frozen=True, slots=True)
class KindSeen:
    """One of the eight kinds of notification, as one shop and mode has sent it.

    Shape: moments are text in UTC, None when it was never seen; a repeat does not count.
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
        return sum(one.count for one in self.kinds)

    @property
    def never_seen(self) -> tuple[KindSeen, ...]:
        return tuple(one for one in self.kinds if not one.count)


def rule_coverage(connection: Connection, shops: Shops) -> list[Coverage] | None:
    """What each shop of the shops file has sent, in each mode, with or without any call.

    Shape: None while the view is not built for this code.
    """
    generation = live_generation(connection, coverage.PROJECTION)
    if generation is None:
        return None
    table = tables_of(coverage.PROJECTION, generation.id)[coverage.rule_coverage]
    seen: dict[tuple[str, str], list[KindSeen]] = {}
    for row in connection.execute(select(table)).mappings():
        told = dict(row)
        rule = RULES.get(told.pop("rule"))
        shop_and_mode = (told.pop("shop_id"), told.pop("mode"))
        if rule is not None:
            seen.setdefault(shop_and_mode, []).append(KindSeen(rule, **told))
    return [
        Coverage(shop_id, mode, _all_kinds(seen.get((shop_id, mode), ())))
        for shop_id in shops.shop_by_id
        for mode in MODES
    ]


def _all_kinds(seen: Iterable[KindSeen]) -> tuple[KindSeen, ...]:
    by_name = {one.rule.name: one for one in seen}
    return tuple(by_name.get(rule.name, KindSeen(rule)) for rule in RULES.values())
