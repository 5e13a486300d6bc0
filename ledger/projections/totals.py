"""Sum counts and amounts by day, shop, mode, currency, payment method and outcome.

They are summed by quarters of an hour as well, for days of other zones than UTC, where refusals are
counted by the issuer's answer, too.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, MetaData, Select, Table, Text, case, cast, func, select

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

slot_totals = Table(
    "slot_totals",
    _metadata,
    *key_columns("shop_id", "mode", "slot", "currency", "outcome"),
    merged(ADD, "count", BigInteger, nullable=False),
    merged(ADD, "amount_minor", BigInteger, nullable=False),
    info={"indexes": (("mode", "slot", "shop_id", "currency", "outcome"),)},
)
"""Shape: `slot` is the quarter of an hour in which that day was reached (`2026-03-10T09:15`, in
UTC), so that the days of every time zone that there is can be summed. Units: as above."""

slot_refusals = Table(
    "slot_refusals",
    _metadata,
    *key_columns("shop_id", "mode", "slot", "result"),
    merged(ADD, "count", BigInteger, nullable=False),
    info={"indexes": (("mode", "slot", "shop_id", "result"),)},
)
"""Shape: `result` is the answer code of the issuer, empty when none was asked; slots as above."""


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


def _day_totals(lines: Table) -> Select[Any]:
    method = func.coalesce(lines.c.payment_method, "").label("payment_method")
    return _totals(lines, _at(lines.c, 10).label("day"), method)


def _slot_totals(lines: Table) -> Select[Any]:
    return _totals(lines, _slot(lines.c))


def _totals(lines: Table, time: Any, *more: Any) -> Select[Any]:
    c = lines.c
    groups = [
        c.shop_id,
        c.mode,
        time,
        func.coalesce(c.currency, "").label("currency"),
        *more,
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


def _slot_refusals(lines: Table) -> Select[Any]:
    c = lines.c
    result = func.coalesce(c.authorisation_result, "").label("result")
    groups = [c.shop_id, c.mode, _slot(c), result]
    refused = outcome_of(c.operation_type, c.status) == REFUSED
    inner = select(*groups).where(refused, c[CONTINUED] == 0).subquery()
    return select(*inner.c, func.count().label("count")).group_by(*inner.c)


def _at(c: Any, length: int) -> Any:
    """Return the beginning of when a transaction counts, as text."""
    return func.substr(func.coalesce(c.created_at, c.first_seen_at), 1, length)


def _slot(c: Any) -> Any:
    minute = func.substr(_at(c, 16), 15, 2)
    quarters = [(minute >= begins, begins) for begins in ("45", "30", "15")]
    return (_at(c, 14) + case(*quarters, else_="00")).label("slot")


PROJECTION = Projection(
    "totals",
    (total_lines,),
    rows,
    groupings=(
        Summed(daily_totals, total_lines, "id", _day_totals),
        Summed(slot_totals, total_lines, "id", _slot_totals),
        Summed(slot_refusals, total_lines, "id", _slot_refusals),
    ),
    kinds=("transaction",),
)
