"""Count the notifications of each kind that each shop sends; first seen, last seen, how often."""

from typing import Any

from sqlalchemy import BigInteger, MetaData, Select, Table, Text, func, select

from ledger.projections.definition import (
    ADD,
    FIRST,
    MAX,
    MIN,
    EventRecord,
    Projection,
    Rows,
    Summed,
    key_columns,
    merged,
)

_metadata = MetaData()

coverage_lines = Table(
    "coverage_lines",
    _metadata,
    *key_columns("notification_id", "rule"),
    merged(FIRST, "shop_id", Text, nullable=False),
    merged(FIRST, "mode", Text, nullable=False),
    merged(FIRST, "received_at", Text, nullable=False),
)
"""One row per notification and rule; a repeated notification produces no event, so none here."""

rule_coverage = Table(
    "rule_coverage",
    _metadata,
    *key_columns("shop_id", "mode", "rule"),
    merged(ADD, "count", BigInteger, nullable=False),
    merged(MIN, "first_seen_at", Text, nullable=False),
    merged(MAX, "last_seen_at", Text, nullable=False),
)


def rows(event: EventRecord) -> Rows:
    """Produce the row that says which kind of notification the event came from, if from one."""
    if event.answered:
        return
    yield (
        coverage_lines,
        {
            "notification_id": event.notification_id,
            "rule": event.rule,
            "shop_id": event.shop_id,
            "mode": event.mode,
            "received_at": event.received_at,
        },
    )


def _coverage(lines: Table) -> Select[Any]:
    c = lines.c
    groups = (c.shop_id, c.mode, c.rule)
    return select(
        *groups,
        func.count().label("count"),
        func.min(c.received_at).label("first_seen_at"),
        func.max(c.received_at).label("last_seen_at"),
    ).group_by(*groups)


PROJECTION = Projection(
    "coverage",
    (coverage_lines,),
    rows,
    groupings=(Summed(rule_coverage, coverage_lines, "notification_id", _coverage),),
)
