"""Sum the money of every order's transactions: authorised, captured, refunded, open."""

from functools import partial
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    and_,
    case,
    cast,
    func,
    select,
    union,
    union_all,
)

from ledger.projections.definition import (
    CONTINUED,
    DOUBT,
    FIRST,
    MIN,
    EventRecord,
    Projection,
    Regrouped,
    Rows,
    continued_column,
    doubt_column,
    fact_columns,
    key_columns,
    merged,
)
from ledger.projections.money_outcomes import (
    ABANDONED_STATUS,
    CAPTURED,
    COUNTED,
    HELD,
    WAITING,
    countable,
)

_metadata = MetaData()
_FACTS = ("parent_uuid", "order_id", "operation_type", "status", "amount_minor", "currency")

order_lines = Table(
    "order_lines",
    _metadata,
    Column("id", Text, primary_key=True),
    merged(FIRST, "shop_id", Text, nullable=False),
    merged(FIRST, "mode", Text, nullable=False),
    Column("uuid", Text),
    *fact_columns(*_FACTS),
    doubt_column(),
    continued_column(),
    merged(MIN, "first_seen_at", Text, nullable=False),
    Column("last_changed_at", Text, nullable=False),
    info={
        "indexes": (("uuid",),),
        "partial_indexes": {
            # SQLite takes an index for rare values, and would read all lines without an order by it
            "order_id IS NOT NULL": (("order_id",),),
            "parent_uuid IS NOT NULL": (("parent_uuid",),),
        },
    },
)
"""One row per transaction; a part of a split payment is one, its parent never gets here."""

orders = Table(
    "orders",
    _metadata,
    *key_columns("shop_id", "mode", "order_id", "currency"),
    Column("transactions", Integer, nullable=False),
    Column("doubtful", Integer, nullable=False),
    Column("authorised_minor", BigInteger, nullable=False),
    Column("captured_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False),
    Column("open_minor", BigInteger, nullable=False),
    Column("balance_minor", BigInteger, nullable=False),
    Column("first_seen_at", Text, nullable=False),
    Column("last_changed_at", Text, nullable=False),
    info={
        "indexes": (
            ("order_id",),
            ("shop_id", "mode", "first_seen_at", "order_id", "currency"),
            ("mode", "first_seen_at", "order_id", "currency", "shop_id"),
        )
    },
)
"""Units: minor units of `currency`, empty when no amount is known; currencies never add up.

`transactions`: without abandonments, which are no payments;
`doubtful`: how many of the transactions are doubtful, so that their money is in no sum;
`authorised`: debits authorised and not released, captured ones among them; `captured`: debits
captured; `refunded`: credits that count; `open`: debits authorised or waiting, not captured yet;
`balance`: debits that count less credits that count.
"""


def rows(event: EventRecord) -> Rows:
    """Produce the line of the transaction from one of its events."""
    taken = event.taken()
    yield (
        order_lines,
        {
            "id": event.originator_id,
            "shop_id": event.shop_id,
            "mode": event.mode,
            "uuid": event.uuid,
            DOUBT: event.is_doubtful,
            CONTINUED: event.is_continued,
            "first_seen_at": event.first_seen_at,
            "last_changed_at": event.timestamp,
            **{name: taken.get(name) for name in _FACTS},
        },
    )


def _orders(lines: Table, order_ids: Select[Any] | None = None) -> Select[Any]:
    """Return the groups of an order: those of its payments, or else that of its abandonments.

    Shape: an order of abandonments alone has a row, so that it is listed, but counts nothing.
    """
    groups = _groups(lines, order_ids).subquery()
    columns = [groups.c[column.name] for column in orders.columns]
    return select(*columns).where(groups.c.is_abandoned == groups.c.is_order_abandoned)


def _groups(lines: Table, order_ids: Select[Any] | None) -> Select[Any]:
    line = _with_order(lines, order_ids).subquery()

    debit, credit = partial(_sum, line, "DEBIT"), partial(_sum, line, "CREDIT")
    order = (line.c.shop_id, line.c.mode, line.c.order_id)
    groups = (*order, line.c.currency, line.c.is_abandoned)
    measures: Select[Any] = select(
        *groups,
        func.min(line.c.is_abandoned).over(partition_by=order).label("is_order_abandoned"),
        cast(func.sum(1 - line.c.is_abandoned), Integer).label("transactions"),
        cast(func.sum((1 - line.c.is_abandoned) * line.c[DOUBT]), Integer).label("doubtful"),
        debit((*HELD, *CAPTURED)).label("authorised_minor"),
        debit(CAPTURED).label("captured_minor"),
        credit(COUNTED).label("refunded_minor"),
        debit((*HELD, *WAITING)).label("open_minor"),
        (debit(COUNTED) - credit(COUNTED)).label("balance_minor"),
        func.min(line.c.first_seen_at).label("first_seen_at"),
        func.max(line.c.last_changed_at).label("last_changed_at"),
    )
    return measures.group_by(*groups)


def _sum(line: Any, operation: str, statuses: tuple[str, ...]) -> Any:
    counts = and_(
        line.c[DOUBT] == 0, line.c.operation_type == operation, line.c.status.in_(statuses)
    )
    amount = case((counts, countable(line.c.amount_minor)), else_=0)
    return cast(func.sum(amount), BigInteger)


def _with_order(lines: Table, order_ids: Select[Any] | None) -> Any:
    """Return lines with their order; a refund that names only its payment is of the same order.

    Shape: `order_ids` narrow both halves here: from their union SQLite would read everything.
    """
    parent = lines.alias("parent")
    c = lines.c
    is_abandoned = c.status == ABANDONED_STATUS
    currency = case((is_abandoned, ""), else_=func.coalesce(c.currency, "")).label("currency")
    columns = [c.shop_id, c.mode, c.operation_type, c.status, c.amount_minor, currency]
    columns += [c[DOUBT], c.first_seen_at, c.last_changed_at]
    columns.append(case((is_abandoned, 1), else_=0).label("is_abandoned"))
    own = select(*columns, lines.c.order_id).where(_is_among(lines, order_ids))
    of_parent = select(*columns, parent.c.order_id).select_from(
        lines.join(parent, _is_parent(lines, parent))
    )
    return union_all(own, of_parent.where(_is_among(parent, order_ids)))


def _is_among(lines: Any, order_ids: Select[Any] | None) -> ColumnElement[bool]:
    """Return the condition that a line has an order, one of `order_ids` if they are given."""
    order = lines.c.order_id
    has_order = and_(order.is_not(None), lines.c[CONTINUED] == 0)
    return has_order if order_ids is None else and_(has_order, order.in_(order_ids))


def _is_parent(lines: Table, parent: Any) -> Any:
    return and_(
        lines.c.order_id.is_(None),
        parent.c.uuid == lines.c.parent_uuid,
        parent.c.shop_id == lines.c.shop_id,
        parent.c.mode == lines.c.mode,
    )


def _keys(lines: Table, line_ids: Select[Any]) -> Select[Any]:
    parent = lines.alias("parent")
    is_touched = lines.c.id.in_(line_ids)
    own = select(lines.c.order_id).where(is_touched, lines.c.order_id.is_not(None))
    of_parent = select(parent.c.order_id).select_from(lines.join(parent, _is_parent(lines, parent)))
    keys = union(own, of_parent.where(is_touched, parent.c.order_id.is_not(None))).subquery()
    return select(keys.c.order_id)


PROJECTION = Projection(
    "orders",
    (order_lines,),
    rows,
    groupings=(Regrouped(orders, order_lines, "order_id", _orders, _keys),),
    kinds=("transaction",),
)
