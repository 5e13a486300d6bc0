"""Lists what the read models hold: filtered, in order, page by page, as of a known position."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Table, select

from ledger.errors import BadFilterError
from ledger.instants import without_idle_fraction, write_instant
from ledger.ipn.modes import MODES, Mode
from ledger.projections.definition import CONTINUED
from ledger.queries.filter_conditions import Filter, sql_conditions
from ledger.queries.filter_declarations import (
    AliasFilter,
    EventFilter,
    OrderFilter,
    SubscriptionFilter,
    TotalFilter,
    TransactionFilter,
)
from ledger.queries.filter_words import refuse_unknown_currency
from ledger.queries.keyset import (
    Row,
    Selection,
    SortOrder,
    read_all,
    read_cursor,
    read_page,
    sort_of,
    write_cursor,
)
from ledger.queries.live_tables import live_table
from ledger.queries.state import in_order
from ledger.storage.database import Database

LIMIT_DEFAULT = 50
LIMIT_MAX = 500
EXPORT_PAGE = 1_000
NEWEST_FIRST = "-time"
SHORT_SPAN = timedelta(days=7)
"""So much of a long history is found along its time, more of it along the order of the list."""

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """What can be listed.

    Shape: a caller sorts by the names in `orders`. `index_scans` and `selective` name filters: each
    value of the former has an index of its own; the latter leave few rows, as short `spans` do.
    `complete` adds to the items of a page what stands in another table. `is_due` is a condition on
    rows with the parameter `now`; without it all rows are listed at any time.
    """

    view: str
    table: str
    filter_class: type[Filter]
    orders: Mapping[str, SortOrder]
    item: Callable[[Row], Item]
    index_scans: tuple[str, ...] = ()
    selective: tuple[str, ...] = ()
    spans: tuple[str, ...] = ()
    needs_mode: bool = True
    complete: Callable[[Connection, Table, Sequence[Row], Sequence[Item]], None] | None = None
    is_due: Callable[[Table], ColumnElement[bool]] | None = None


def as_item(row: Row, *hidden: str, or_none: Sequence[str] = ()) -> Item:
    """Return a row as it is shown: without its hidden columns, null for text that is empty.

    Shape: instants as the events have them, in an answer and in a file alike.
    """
    item = {
        name: without_idle_fraction(cell) if cell and name.endswith("_at") else cell
        for name, cell in row.items()
        if name not in hidden
    }
    return item | {name: row[name] or None for name in or_none} | {"mode": Mode(row["mode"]).public}


def _doubt(row: Row) -> Item:
    return {"doubtful": bool(row["is_doubtful"])}


def _transaction(row: Row) -> Item:
    counts = {"contradictions": row["contradiction_count"], "late_news": row["late_count"]}
    hidden = ("id", "is_doubtful", CONTINUED, "late_count", "contradiction_count")
    names = {"reference": row["uuid"] or row["reference"]}
    return _doubt(row) | as_item(row, *hidden) | names | counts


def _event(row: Row) -> Item:
    """Return an event of the audit trail: `is_odd` says that its list `odd` is not empty."""
    flags = {
        name: bool(row[name]) for name in ("is_doubtful", "is_odd", "is_suspected", "is_surprising")
    }
    same = {"late": bool(row["is_late"]), "contradiction": bool(row["is_contradiction"])}
    return as_item(row, "id", "is_late", "is_contradiction") | flags | same


def _add_instalments(
    connection: Connection, table: Table, rows: Sequence[Row], items: Sequence[Item]
) -> None:
    item_by_id = {row["id"]: item for row, item in zip(rows, items, strict=True)}
    instalments = table.metadata.tables[table.name.replace("subscriptions", "instalments")]
    query = select(instalments).where(instalments.c.id.in_(item_by_id))
    names = [str(column.name) for column in instalments.columns]  # not SQLAlchemy's quoted names
    added = [dict(zip(names, row, strict=True)) for row in connection.execute(query)]
    for row in in_order(added):
        item_by_id[row.pop("id")]["instalments"].append(row)


_TIME = {"time": SortOrder(("first_seen_at", "id"))}

TRANSACTIONS = Listing(
    "transactions",
    "transactions",
    TransactionFilter,
    _TIME
    | {
        "amount": SortOrder(("amount_minor", "id"), may_be_empty=True),
        "created": SortOrder(("created_at", "id"), may_be_empty=True),
    },
    _transaction,
    index_scans=("status",),
    selective=("order_id", "alias", "subscription_id", "trans_id", "authorisation_number"),
)
ALIASES = Listing(
    "aliases",
    "aliases",
    AliasFilter,
    _TIME,
    lambda row: _doubt(row) | as_item(row, "id", "is_doubtful"),
    selective=("alias", "order_id"),
)
SUBSCRIPTIONS = Listing(
    "subscriptions",
    "subscriptions",
    SubscriptionFilter,
    _TIME,
    lambda row: (
        _doubt(row) | as_item(row, "id", "is_doubtful", or_none=("alias",)) | {"instalments": []}
    ),
    selective=("subscription_id", "alias", "order_id"),
    complete=_add_instalments,
)
ORDERS = Listing(
    "orders",
    "orders",
    OrderFilter,
    {"time": SortOrder(("first_seen_at", "order_id", "currency", "shop_id", "mode"))},
    lambda row: as_item(row, or_none=("currency",)),
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
    spans=("recorded", "occurred"),
    needs_mode=False,
)
TOTALS = Listing(
    "totals",
    "daily_totals",
    TotalFilter,
    {"time": SortOrder(("day", "shop_id", "currency", "payment_method", "outcome", "mode"))},
    lambda row: as_item(row, or_none=("currency", "payment_method")),
)


@dataclass(frozen=True, slots=True)
class Page:
    """Some items of a list.

    Shape: `next_cursor` is None on the last page. Units: `as_of_position` is how far the read model
    had followed the events, `lag` how many positions it was behind them.
    """

    items: list[Item]
    next_cursor: str | None
    as_of_position: int
    lag: int


def list_page(
    connection: Connection,
    listing: Listing,
    filters: Filter,
    *,
    sort: str = NEWEST_FIRST,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
    now: datetime | None = None,
) -> Page:
    """Return one page of a list.

    Shape: `sort` is one of the listing's orders, with `-` before it descending; rows without the
    column that they are sorted by come last. `now` is for a list of what is due by then.
    Errors: BadFilterError, BadCursorError, ViewNotBuiltError.
    """
    table, position, lag = live_table(connection, listing.view, listing.table)
    if sort.removeprefix("-") not in listing.orders:
        raise BadFilterError(f"this list is sorted by {', '.join(listing.orders)}")
    if not 1 <= limit <= LIMIT_MAX:
        raise BadFilterError(f"limit is from 1 to {LIMIT_MAX}")
    by = sort_of(sort, listing.orders)
    last_key = None if cursor is None else read_cursor(cursor, table, by, filters)
    rows = read_page(
        connection,
        table,
        selection_of(listing, filters, now),
        by,
        last_key=last_key,
        limit=limit + 1,
    )
    if not rows and cursor is None:
        refuse_unknown_currency(filters)
    next_cursor = write_cursor(rows[limit - 1], by, filters) if len(rows) > limit else None
    items = [listing.item(row) for row in rows[:limit]]
    if listing.complete is not None:
        listing.complete(connection, table, rows[:limit], items)
    return Page(items, next_cursor, position, lag)


def all_transactions(database: Database, transaction_filter: TransactionFilter) -> Iterator[Item]:
    """Yield every transaction in the order in which it was first seen, in little memory.

    Errors: ViewNotBuiltError; BadFilterError instead of no transaction of an unknown currency.
    """
    items = all_items(database, TRANSACTIONS, transaction_filter)
    first = next(items, None)
    if first is None:
        return refuse_unknown_currency(transaction_filter)
    yield from chain([first], items)


def all_items(
    database: Database, listing: Listing, filters: Filter, now: datetime | None = None
) -> Iterator[Item]:
    """Yield every item of a list in the order of its time, in little memory.

    Shape: one that changes meanwhile appears once, as it stands when its page is read; `now` is for
    a list of what is due by then. Errors: ViewNotBuiltError.
    """
    with database.connect() as connection:
        table, _, _ = live_table(connection, listing.view, listing.table)
    sort, selection = sort_of("time", listing.orders), selection_of(listing, filters, now)
    rows = read_all(database.connect, table, selection, sort, page_size=EXPORT_PAGE)
    yield from map(listing.item, rows)


def selection_of(listing: Listing, filters: Filter, now: datetime | None = None) -> Selection:
    """Return which rows of a list its filters select, of what is due by `now` if it says when."""
    assert (listing.is_due is None) == (now is None), f"{listing.view} needs the time, or no time"
    scans: dict[str, Sequence[str]] = {}
    if filters.shop_id is not None:
        scans["shop_id"] = sorted(filters.shop_id)
    if filters.mode is not None:
        scans["mode"] = [filters.mode]
    elif listing.needs_mode or filters.shop_id is not None:
        scans["mode"] = MODES
    scans |= {
        name: sorted(words) for name in listing.index_scans if (words := getattr(filters, name))
    }
    is_selective = any(getattr(filters, name) is not None for name in listing.selective)
    is_selective |= any(_is_short(filters, name) for name in listing.spans)
    return Selection(
        (listing.view, filters),
        lambda table: [
            *sql_conditions(filters, table, without=scans),
            *is_shown(table),
            *([] if listing.is_due is None else [listing.is_due(table)]),
        ],
        scans,
        is_selective,
        {} if now is None else {"now": write_instant(now)},
    )


def _is_short(filters: Filter, name: str) -> bool:
    first, end = getattr(filters, f"{name}_from"), getattr(filters, f"{name}_until")
    return first is not None and end is not None and end - first <= SHORT_SPAN


def is_shown(relation: FromClause) -> list[ColumnElement[bool]]:
    """Return the condition that leaves out rows for which others stand."""
    return [relation.c[CONTINUED] == 0] if CONTINUED in relation.c else []
