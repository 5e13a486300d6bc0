"""Lists of what the views hold: filtered, in order, page by page, each as of a known position."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    Text,
    bindparam,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from ledger.errors import BadFilterError, ViewNotBuiltError
from ledger.modes import MODES
from ledger.paging import (
    INTEGER_MAX,
    UNSTORABLE,
    Order,
    Row,
    Wanted,
    read_all,
    read_cursor,
    read_page,
    sort_of,
    write_cursor,
)
from ledger.projections.generations import LIVE, tables_of
from ledger.projections.registry import fingerprint, projection
from ledger.storage.database import Database
from ledger.storage.mapper import write_moment
from ledger.storage.tables import events, generation_positions, generations

LIMIT_DEFAULT = 50
LIMIT_MAX = 500
TEXT_MAX = 500
EXPORT_PAGE = 1_000

Item = dict[str, Any]
Words = frozenset[str]


@dataclass(frozen=True, slots=True)
class Page:
    """Some items of a list.

    Shape: `next_cursor` is None on the last page. Units: `as_of_position` is how far the view
    had followed the events, `lag` how many positions it was behind them.
    """

    items: list[Item]
    next_cursor: str | None
    as_of_position: int
    lag: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What every list can be narrowed to.

    Shape: None and the empty set of words do not narrow, except `shops`: None is every shop, the
    empty set none. `_from` is included, `_until` is not. Words and names match exactly; `search`
    finds a part of a name whatever the case of its letters A to Z.
    Errors: BadFilterError for a value that no row could have.
    """

    shops: Words | None = None
    mode: str | None = None

    def __post_init__(self) -> None:
        if self.mode is not None:
            object.__setattr__(self, "mode", self.mode.upper())
        for one in fields(self):
            _check(one.name, getattr(self, one.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFilter(Filter):
    """Narrows by when the ledger first heard of something, and when it last changed."""

    first_seen_from: datetime | None = None
    first_seen_until: datetime | None = None
    changed_from: datetime | None = None
    changed_until: datetime | None = None
    search: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionFilter(SeenFilter):
    """`search`: part of the order, `trans_id` or alias, or how the uuid begins."""

    statuses: Words = frozenset()
    operation_types: Words = frozenset()
    payment_methods: Words = frozenset()
    order_id: str | None = None
    alias: str | None = None
    subscription_id: str | None = None
    trans_id: str | None = None
    currency: str | None = None
    amount_min: int | None = None
    amount_max: int | None = None
    created_from: datetime | None = None
    created_until: datetime | None = None
    contradiction: bool = False
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasFilter(SeenFilter):
    """`search`: part of the alias or order, or how the uuid of its transaction begins."""

    statuses: Words = frozenset()
    payment_methods: Words = frozenset()
    alias: str | None = None
    order_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionFilter(SeenFilter):
    """`search`: part of the subscription's id, its alias or order."""

    statuses: Words = frozenset()
    subscription_id: str | None = None
    alias: str | None = None
    order_id: str | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter(SeenFilter):
    """`search`: part of the order's id."""

    order_id: str | None = None
    currency: str | None = None
    open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter(Filter):
    """`kind`: transaction, alias or subscription. `types`: topics such as `transaction.paid`."""

    types: Words = frozenset()
    kind: str | None = None
    rule: str | None = None
    reference: str | None = None
    late: bool = False
    contradiction: bool = False
    odd: bool = False
    recorded_from: datetime | None = None
    recorded_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalFilter(Filter):
    """Shape: days are `2026-03-10`, both ends included, as the totals' own days are."""

    day_from: str | None = None
    day_to: str | None = None
    currency: str | None = None
    payment_methods: Words = frozenset()
    outcomes: Words = frozenset()


TIME = {"time": Order(("first_seen_at", "id"))}
TRANSACTION_SORTS = TIME | {"amount": Order(("amount_minor", "id"), may_be_empty=True)}
ORDER_SORTS = {"time": Order(("first_seen_at", "order_id", "currency", "shop_id", "mode"))}
EVENT_SORTS = {"time": Order(("position",))}
TOTAL_SORTS = {
    "time": Order(("day", "shop_id", "currency", "payment_method", "outcome", "mode")),
}
NEWEST_FIRST = "-time"


def transactions(
    connection: Connection,
    filter_: TransactionFilter,
    *,
    sort: str = NEWEST_FIRST,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page:
    """Transactions by when they were first seen, or by amount whatever the currency.

    Shape: `sort` is `time` or `amount`, with `-` before it descending. Those without an amount
    come last by amount. Errors: BadCursorError, ViewNotBuiltError.
    """
    return _page(connection, _TRANSACTIONS, filter_, sort, cursor, limit)


def aliases(
    connection: Connection,
    filter_: AliasFilter,
    *,
    sort: str = NEWEST_FIRST,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page:
    """Stored means of payment by when they were first seen. Errors: as `transactions`."""
    return _page(connection, _ALIASES, filter_, sort, cursor, limit)


def subscriptions(
    connection: Connection,
    filter_: SubscriptionFilter,
    *,
    sort: str = NEWEST_FIRST,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page:
    """Subscriptions with their instalments, by when they were first seen.

    Errors: as `transactions`.
    """
    return _page(connection, _SUBSCRIPTIONS, filter_, sort, cursor, limit)


def orders(
    connection: Connection,
    filter_: OrderFilter,
    *,
    sort: str = NEWEST_FIRST,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page:
    """Orders, each once per currency, by when they were first seen. Errors: as `transactions`."""
    return _page(connection, _ORDERS, filter_, sort, cursor, limit)


def audit_trail(
    connection: Connection,
    filter_: EventFilter,
    *,
    sort: str = NEWEST_FIRST,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page:
    """Every event in the order of its position, without its facts. Errors: as `transactions`."""
    return _page(connection, _EVENTS, filter_, sort, cursor, limit)


def totals(
    connection: Connection,
    filter_: TotalFilter,
    *,
    sort: str = NEWEST_FIRST,
    cursor: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> Page:
    """Daily totals by day. Errors: as `transactions`."""
    return _page(connection, _TOTALS, filter_, sort, cursor, limit)


def all_transactions(database: Database, filter_: TransactionFilter) -> Iterator[Item]:
    """Every transaction in the order in which it was first seen, in little memory.

    Shape: one that changes meanwhile appears once, as it stands when its page is read.
    Errors: ViewNotBuiltError.
    """
    with database.connect() as connection:
        table, _, _ = _live_table(connection, _TRANSACTIONS)
    sort = sort_of("time", TRANSACTION_SORTS)
    wanted = _wanted(_TRANSACTIONS, filter_)
    if wanted is not None:
        rows = read_all(database.connect, table, wanted, sort, page_size=EXPORT_PAGE)
        yield from map(_transaction, rows)


def count_transactions(connection: Connection, filter_: TransactionFilter) -> int:
    """How many there are now. Errors: ViewNotBuiltError."""
    table, _, _ = _live_table(connection, _TRANSACTIONS)
    query = select(func.count()).select_from(table)
    wanted = _wanted(_TRANSACTIONS, filter_)
    if wanted is None:
        return 0
    named = [table.c[name].in_(values) for name, values in wanted.branches.items()]
    return int(connection.scalar(query.where(*named, *wanted.conditions(table))) or 0)


# -- how a list is read -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Listing:
    """Shape: `branches` and `narrow` name fields of the filter: the columns of a branch have an
    index for each value; a narrow one leaves few rows."""

    view: str
    table: str
    orders: Mapping[str, Order]
    conditions: Callable[[Any, Table], Sequence[ColumnElement[bool]]]
    item: Callable[[Row], Item]
    branches: Mapping[str, str]
    narrow: tuple[str, ...] = ()
    needs_mode: bool = True


def _page(
    connection: Connection,
    listing: _Listing,
    filter_: Filter,
    sort_name: str,
    cursor: str | None,
    limit: int,
) -> Page:
    table, position, lag = _live_table(connection, listing)
    if sort_name.removeprefix("-") not in listing.orders:
        raise BadFilterError(f"this list is sorted by {', '.join(listing.orders)}")
    if not 1 <= limit <= LIMIT_MAX:
        raise BadFilterError(f"limit is from 1 to {LIMIT_MAX}")
    sort = sort_of(sort_name, listing.orders)
    after = None if cursor is None else read_cursor(cursor, table, sort, filter_)
    wanted = _wanted(listing, filter_)
    if wanted is None:
        return Page([], None, position, lag)
    rows = read_page(connection, table, wanted, sort, after=after, limit=limit + 1)
    next_cursor = write_cursor(rows[limit - 1], sort, filter_) if len(rows) > limit else None
    items = [listing.item(row) for row in rows[:limit]]
    if listing is _SUBSCRIPTIONS:
        _add_instalments(connection, table, rows[:limit], items)
    return Page(items, next_cursor, position, lag)


def _wanted(listing: _Listing, filter_: Filter) -> Wanted | None:
    """None when no row can be wanted."""
    if filter_.shops is not None and not filter_.shops:
        return None
    branches: dict[str, Sequence[str]] = {}
    if filter_.shops is not None:
        branches["shop_id"] = sorted(filter_.shops)
    if filter_.mode is not None:
        branches["mode"] = [filter_.mode]
    elif listing.needs_mode or filter_.shops is not None:
        branches["mode"] = MODES
    for column, name in listing.branches.items():
        if getattr(filter_, name):
            branches[column] = sorted(getattr(filter_, name))
    is_narrow = any(getattr(filter_, name) is not None for name in listing.narrow)
    identity = (listing.view, filter_)
    return Wanted(identity, lambda table: listing.conditions(filter_, table), branches, is_narrow)


def _live_table(connection: Connection, listing: _Listing) -> tuple[Table, int, int]:
    """The table that this code reads, its position, and how far that is behind the events."""
    found = connection.execute(_STATE, _identity(listing.view)).one_or_none()
    if found is None:
        told = f"the view {listing.view} is not built for this version: run `ledger rebuild"
        raise ViewNotBuiltError(f"{told} {listing.view}`")
    position, newest = int(found.position or 0), int(found.newest or 0)
    return _tables(listing.view, found.id)[listing.table], position, max(0, newest - position)


def _state() -> Select[Any]:
    c = generations.c
    position = select(func.min(generation_positions.c.position)).where(
        generation_positions.c.generation_id == c.id
    )
    newest = select(func.max(events.c.position))
    mine = [c.name == bindparam("view"), c.fingerprint == bindparam("mine"), c.state == LIVE]
    found = select(
        c.id,
        position.scalar_subquery().label("position"),
        newest.scalar_subquery().label("newest"),
    )
    return found.where(*mine).order_by(c.id.desc()).limit(1)


@cache
def _identity(view: str) -> dict[str, str]:
    return {"view": view, "mine": fingerprint(projection(view))}


@lru_cache(maxsize=64)
def _tables(view: str, generation_id: int) -> dict[str, Table]:
    """Kept, so that statements about the same tables are compiled once."""
    tables = tables_of(projection(view), generation_id)
    return {declared.name: table for declared, table in tables.items()}


# -- what the filters mean ----------------------------------------------------------------------


def _seen(filter_: SeenFilter, table: Table) -> list[ColumnElement[bool]]:
    c = table.c
    conditions = _within(c.first_seen_at, filter_.first_seen_from, filter_.first_seen_until)
    conditions += _within(c.last_changed_at, filter_.changed_from, filter_.changed_until)
    if filter_.changed_until is not None:  # what was last changed before it was seen before it too
        conditions += _within(c.first_seen_at, None, filter_.changed_until)
    return conditions


def _of_transactions(filter_: TransactionFilter, table: Table) -> list[ColumnElement[bool]]:
    c = table.c
    conditions = _seen(filter_, table)
    names = ("order_id", "alias", "subscription_id", "trans_id", "currency")
    conditions += _equal(filter_, table, *names)
    conditions += _among(c.operation_type, filter_.operation_types)
    conditions += _among(c.payment_method, filter_.payment_methods)
    if filter_.amount_min is not None:
        conditions.append(c.amount_minor >= filter_.amount_min)
    if filter_.amount_max is not None:
        conditions.append(c.amount_minor <= filter_.amount_max)
    if filter_.created_from is not None:
        conditions.append(c.created_at >= _whole_second(filter_.created_from))
    if filter_.created_until is not None:
        conditions.append(c.created_at < _whole_second(filter_.created_until))
    # Written out, not as parameters: else the small indexes of just these rows are not used.
    if filter_.contradiction:
        conditions.append(literal_column("contradiction_count > 0"))
    if filter_.late:
        conditions.append(literal_column("late_count > 0"))
    return conditions + _found(filter_, c.uuid, c.order_id, c.trans_id, c.alias)


def _of_aliases(filter_: AliasFilter, table: Table) -> list[ColumnElement[bool]]:
    c = table.c
    conditions = _seen(filter_, table) + _equal(filter_, table, "alias", "order_id")
    conditions += _among(c.status, filter_.statuses)
    conditions += _among(c.payment_method, filter_.payment_methods)
    return conditions + _found(filter_, c.transaction_uuid, c.alias, c.order_id)


def _of_subscriptions(filter_: SubscriptionFilter, table: Table) -> list[ColumnElement[bool]]:
    c = table.c
    conditions = _seen(filter_, table) + _among(c.status, filter_.statuses)
    names = ("subscription_id", "alias", "order_id", "currency")
    conditions += _equal(filter_, table, *names)
    return conditions + _found(filter_, None, c.subscription_id, c.alias, c.order_id)


def _of_orders(filter_: OrderFilter, table: Table) -> list[ColumnElement[bool]]:
    conditions = _seen(filter_, table) + _equal(filter_, table, "order_id", "currency")
    if filter_.open:
        conditions.append(table.c.open_minor > 0)
    return conditions + _found(filter_, None, table.c.order_id)


def _of_events(filter_: EventFilter, table: Table) -> list[ColumnElement[bool]]:
    conditions = _equal(filter_, table, "kind", "rule", "reference")
    conditions += _within(table.c.recorded_at, filter_.recorded_from, filter_.recorded_until)
    for name in ("late", "contradiction", "odd"):
        if getattr(filter_, name):
            conditions.append(literal_column(f"is_{name} = 1"))
    return conditions


def _of_totals(filter_: TotalFilter, table: Table) -> list[ColumnElement[bool]]:
    c = table.c
    conditions = _equal(filter_, table, "currency")
    conditions += _among(c.payment_method, filter_.payment_methods)
    conditions += _among(c.outcome, filter_.outcomes)
    if filter_.day_from is not None:
        conditions.append(c.day >= filter_.day_from)
    if filter_.day_to is not None:
        conditions.append(c.day <= filter_.day_to)
    return conditions


def _equal(filter_: Filter, table: Table, *names: str) -> list[ColumnElement[bool]]:
    told = {name: getattr(filter_, name) for name in names}
    return [table.c[name] == value for name, value in told.items() if value is not None]


def _among(column: Any, words: Words) -> list[ColumnElement[bool]]:
    return [column.in_(sorted(words))] if words else []


def _within(
    column: Any, from_: datetime | None, until: datetime | None
) -> list[ColumnElement[bool]]:
    """Our own moments are text of fixed width, which sorts as they do."""
    conditions = []
    if from_ is not None:
        conditions.append(column >= write_moment(from_))
    if until is not None:
        conditions.append(column < write_moment(until))
    return conditions


def _whole_second(moment: datetime) -> str:
    """The platform's times have whole seconds: what is not before a fraction is not before the
    next of them."""
    if moment.microsecond:
        moment = moment.replace(microsecond=0) + timedelta(seconds=1)
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _found(filter_: SeenFilter, uuid: Any, *columns: Any) -> list[ColumnElement[bool]]:
    if filter_.search is None:
        return []
    sought = filter_.search.translate(_LOWER)
    found = [_lower(one).contains(sought, autoescape=True) for one in columns]
    if uuid is not None:
        found.append(_lower(uuid).startswith(sought, autoescape=True))
    return [or_(*found)]


_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def _lower(column: Any) -> Any:
    """Only A to Z are turned to small letters: that much SQLite and every server agree on."""
    return _AsciiLower(column)


class _AsciiLower(FunctionElement[str]):
    """The text with A to Z in small letters."""

    type = Text()
    inherit_cache = True


@compiles(_AsciiLower)
def _on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    return f"lower({compiler.process(element.clauses, **options)})"


@compiles(_AsciiLower, "postgresql")
def _on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return f'lower({compiler.process(element.clauses, **options)} COLLATE "C")'


# -- what is shown ------------------------------------------------------------------------------


def _transaction(row: Row) -> Item:
    item = _without(row, "id", "late_count", "contradiction_count")
    item["contradictions"] = row["contradiction_count"]
    item["late_news"] = row["late_count"]
    return item


def _named(row: Row) -> Item:
    return _without(row, "id")


def _subscription(row: Row) -> Item:
    return _without(row, "id") | {"alias": row["alias"] or None, "instalments": []}


def _order(row: Row) -> Item:
    return _without(row) | {"currency": row["currency"] or None}


def _total(row: Row) -> Item:
    told = {name: row[name] or None for name in ("currency", "payment_method")}
    return _without(row) | told


def _event(row: Row) -> Item:
    flags = {name: bool(row[f"is_{name}"]) for name in ("late", "contradiction", "odd")}
    return _without(row, "id", "is_late", "is_contradiction", "is_odd") | flags


def _without(row: Row, *names: str) -> Item:
    item = dict(row)
    for name in names:
        del item[name]
    item["mode"] = row["mode"].lower()
    return item


def _add_instalments(
    connection: Connection, table: Table, rows: Sequence[Row], items: Sequence[Item]
) -> None:
    item_by_id = {row["id"]: item for row, item in zip(rows, items, strict=True)}
    if not item_by_id:
        return
    instalments = table.metadata.tables[table.name.replace("subscriptions", "instalments")]
    c = instalments.c
    query = select(instalments).where(c.id.in_(list(item_by_id)))
    names = [str(one.name) for one in instalments.columns]  # no names that know how to be quoted
    found = [dict(zip(names, row, strict=True)) for row in connection.execute(query)]
    for one in sorted(found, key=lambda one: (one["created_at"] or "", one["transaction_uuid"])):
        item_by_id[one.pop("id")]["instalments"].append(one)


# -- what may be asked --------------------------------------------------------------------------


def _check(name: str, value: Any) -> None:
    if isinstance(value, frozenset):
        for one in value:
            _check(name, one)
    elif isinstance(value, str):
        if len(value) > TEXT_MAX or UNSTORABLE.search(value):
            raise BadFilterError(f"{name} is too long or holds what cannot be stored")
        if name == "mode" and value not in MODES:
            raise BadFilterError("mode is test or production")
        if name == "search" and not value:
            raise BadFilterError("search is empty")
    elif isinstance(value, datetime):
        if value.tzinfo is None:
            raise BadFilterError(f"{name} needs a time zone")
    elif isinstance(value, int) and abs(value) > INTEGER_MAX:
        raise BadFilterError(f"{name} is too large")


_STATE = _state()
_TRANSACTIONS = _Listing(
    "transactions",
    "transactions",
    TRANSACTION_SORTS,
    _of_transactions,
    _transaction,
    branches={"status": "statuses"},
    narrow=("order_id", "alias", "subscription_id", "trans_id"),
)
_ALIASES = _Listing(
    "aliases", "aliases", TIME, _of_aliases, _named, branches={}, narrow=("alias", "order_id")
)
_SUBSCRIPTIONS = _Listing(
    "subscriptions",
    "subscriptions",
    TIME,
    _of_subscriptions,
    _subscription,
    branches={},
    narrow=("subscription_id", "alias", "order_id"),
)
_ORDERS = _Listing(
    "orders", "orders", ORDER_SORTS, _of_orders, _order, branches={}, narrow=("order_id",)
)
_EVENTS = _Listing(
    "audit_trail",
    "audit_trail",
    EVENT_SORTS,
    _of_events,
    _event,
    branches={"type": "types"},
    narrow=("reference",),
    needs_mode=False,
)
_TOTALS = _Listing("totals", "daily_totals", TOTAL_SORTS, _of_totals, _total, branches={})
