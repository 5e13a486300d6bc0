"""Sum counts and amounts by day, shop, mode, currency, payment method and outcome.

Refusals are counted by the issuer's answer as well.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, MetaData, Select, Table, Text, cast, func, select

from ledger.projections.definition import (
    ADD,
    CONTINUED,
    FIRST,
    MIN,
    EventRecord,
    Projection,
    Rows,
    Summed,
    continued_column,
    fact_columns,
    key_columns,
    merged,
)
from ledger.projections.money_outcomes import REFUSED, countable, outcome_of

_metadata = MetaData()
_FACTS = (
    "created_at",
    "operation_type",
    "status",
    "amount_minor",
    "currency",
    "payment_method",
    "authorisation_result",
)

total_lines = Table(
    "total_lines",
    _metadata,
    Column("id", Text, primary_key=True),
    merged(FIRST, "shop_id", Text, nullable=False),
    merged(FIRST, "mode", Text, nullable=False),
    merged(MIN, "first_seen_at", Text, nullable=False),
    continued_column(),
    *fact_columns(*_FACTS),
)
daily_totals = Table(
    "daily_totals",
    _metadata,
    *key_columns("shop_id", "mode", "day", "currency", "payment_method", "outcome"),
    merged(ADD, "count", BigInteger, nullable=False),
    merged(ADD, "amount_minor", BigInteger, nullable=False),
    info={
        "indexes": (
            ("shop_id", "mode", "day", "currency", "payment_method", "outcome"),
            ("mode", "day", "shop_id", "currency", "payment_method", "outcome"),
        )
    },
)
"""Shape: `day` is the UTC day on which the platform recorded the transaction, else on which we
first heard of it. Units: minor units of `currency`; a refund is positive, its outcome says so."""

daily_refusals = Table(
    "daily_refusals",
    _metadata,
    *key_columns("shop_id", "mode", "day", "result"),
    merged(ADD, "count", BigInteger, nullable=False),
    info={"indexes": (("mode", "day", "shop_id", "result"),)},
)
"""Shape: `result` is the answer code of the issuer, empty when none was asked; days as above."""


def rows(event: EventRecord) -> Rows:
    """Produce the line of the transaction from one of its events; none from what is doubtful."""
    if event.is_doubtful:
        return
    taken = event.taken()
    yield (
        total_lines,
        {
            "id": event.originator_id,
            "shop_id": event.shop_id,
            "mode": event.mode,
            "first_seen_at": event.first_seen_at,
            CONTINUED: event.is_continued,
            **{name: taken.get(name) for name in _FACTS},
        },
    )


def _totals(lines: Table) -> Select[Any]:
    c = lines.c
    groups = [
        c.shop_id,
        c.mode,
        _day(c),
        func.coalesce(c.currency, "").label("currency"),
        func.coalesce(c.payment_method, "").label("payment_method"),
        outcome_of(c.operation_type, c.status).label("outcome"),
    ]
    amount_minor = countable(c.amount_minor).label("amount_minor")
    inner = select(*groups, amount_minor).where(c[CONTINUED] == 0).subquery()
    keys = [inner.c[group.name] for group in groups]
    return select(
        *keys,
        func.count().label("count"),
        cast(func.sum(inner.c.amount_minor), BigInteger).label("amount_minor"),
    ).group_by(*keys)


def _refusals(lines: Table) -> Select[Any]:
    c = lines.c
    groups = [c.shop_id, c.mode, _day(c), func.coalesce(c.authorisation_result, "").label("result")]
    refused = outcome_of(c.operation_type, c.status) == REFUSED
    inner = select(*groups).where(refused, c[CONTINUED] == 0).subquery()
    return select(*inner.c, func.count().label("count")).group_by(*inner.c)


def _day(c: Any) -> Any:
    return func.substr(func.coalesce(c.created_at, c.first_seen_at), 1, 10).label("day")


PROJECTION = Projection(
    "totals",
    (total_lines,),
    rows,
    groupings=(
        Summed(daily_totals, total_lines, "id", _totals),
        Summed(daily_refusals, total_lines, "id", _refusals),
    ),
    kinds=("transaction",),
)
