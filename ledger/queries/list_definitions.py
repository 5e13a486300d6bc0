"""What can be listed: the read model, its filters and orders, and how a row is shown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, select

from ledger.ipn.modes import Mode
from ledger.queries.filter_conditions import Filter
from ledger.queries.filter_declarations import (
    AliasFilter,
    EventFilter,
    OrderFilter,
    SubscriptionFilter,
    TotalFilter,
    TransactionFilter,
)
from ledger.queries.keyset import Row, SortOrder

Item = dict[str, Any]
Complete = Callable[[Connection, Table, Sequence[Row], Sequence[Item]], None]


@dataclass(frozen=True, slots=True)
class Listing:
    """What can be listed.

    Shape: a caller sorts by the names in `orders`. `index_scans` and `selective` name filters: each
    value of the former has an index of its own; the latter leave few rows. `complete` adds to the
    items of a page what stands in another table.
    """

    view: str
    table: str
    filter_class: type[Filter]
    orders: Mapping[str, SortOrder]
    item: Callable[[Row], Item]
    index_scans: tuple[str, ...] = ()
    selective: tuple[str, ...] = ()
    needs_mode: bool = True
    complete: Complete | None = None


# -- what is shown ------------------------------------------------------------------------------


def _transaction(row: Row) -> Item:
    item = _without(row, "id", "late_count", "contradiction_count")
    return item | {"contradictions": row["contradiction_count"], "late_news": row["late_count"]}


def _alias(row: Row) -> Item:
    return _without(row, "id")


def _subscription(row: Row) -> Item:
    return _without(row, "id") | {"alias": row["alias"] or None, "instalments": []}


def _order(row: Row) -> Item:
    return _without(row) | {"currency": row["currency"] or None}


def _total(row: Row) -> Item:
    return _without(row) | {name: row[name] or None for name in ("currency", "payment_method")}


def _event(row: Row) -> Item:
    flags = {name: bool(row[f"is_{name}"]) for name in ("late", "contradiction", "odd")}
    return _without(row, "id", "is_late", "is_contradiction", "is_odd") | flags


def _without(row: Row, *names: str) -> Item:
    """Return a row as an item that has neither these columns nor a mode in capitals."""
    item = {name: cell for name, cell in row.items() if name not in names}
    return item | {"mode": Mode(row["mode"]).public}


def _add_instalments(
    connection: Connection, table: Table, rows: Sequence[Row], items: Sequence[Item]
) -> None:
    item_by_id = {row["id"]: item for row, item in zip(rows, items, strict=True)}
    if not item_by_id:
        return
    instalments = table.metadata.tables[table.name.replace("subscriptions", "instalments")]
    c = instalments.c
    query = select(instalments).where(c.id.in_(list(item_by_id)))
    names = [str(column.name) for column in instalments.columns]  # not SQLAlchemy's quoted names
    rows = [dict(zip(names, row, strict=True)) for row in connection.execute(query)]
    for row in sorted(rows, key=lambda row: (row["created_at"] or "", row["transaction_uuid"])):
        instalment = {name: cell for name, cell in row.items() if name != "id"}
        item_by_id[row["id"]]["instalments"].append(instalment)


# -- what can be listed -------------------------------------------------------------------------

_TIME = {"time": SortOrder(("first_seen_at", "id"))}

TRANSACTIONS = Listing(
    "transactions",
    "transactions",
    TransactionFilter,
    _TIME | {"amount": SortOrder(("amount_minor", "id"), may_be_empty=True)},
    _transaction,
    index_scans=("status",),
    selective=("order_id", "alias", "subscription_id", "trans_id"),
)
ALIASES = Listing("aliases", "aliases", AliasFilter, _TIME, _alias, selective=("alias", "order_id"))
SUBSCRIPTIONS = Listing(
    "subscriptions",
    "subscriptions",
    SubscriptionFilter,
    _TIME,
    _subscription,
    selective=("subscription_id", "alias", "order_id"),
    complete=_add_instalments,
)
ORDERS = Listing(
    "orders",
    "orders",
    OrderFilter,
    {"time": SortOrder(("first_seen_at", "order_id", "currency", "shop_id", "mode"))},
    _order,
    selective=("order_id",),
)
AUDIT_TRAIL = Listing(
    "audit_trail",
    "audit_trail",
    EventFilter,
    {"time": SortOrder(("position",))},
    _event,
    index_scans=("type",),
    selective=("reference",),
    needs_mode=False,
)
TOTALS = Listing(
    "totals",
    "daily_totals",
    TotalFilter,
    {"time": SortOrder(("day", "shop_id", "currency", "payment_method", "outcome", "mode"))},
    _total,
)
