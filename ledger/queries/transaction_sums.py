"""Adds up what a filter of transactions selects: by currency, and by what else narrows it."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Subquery,
    Table,
    and_,
    case,
    cast,
    func,
    select,
    union_all,
)

from ledger.ipn.money import counted_minor
from ledger.projections.definition import CONTINUED
from ledger.projections.money_outcomes import CAPTURED, HELD, countable
from ledger.queries.filter_conditions import conditions_of, narrowing, sql_conditions
from ledger.queries.filter_declarations import TransactionFilter
from ledger.queries.keyset import index_scans
from ledger.queries.lists import TRANSACTIONS, Item, Page, is_shown, selection_of
from ledger.queries.live_tables import live_table

READ_MAX = 10_000
"""Transactions that are read to be added up: some 20 ms. A sum of a part would be taken for the
whole, so that of more there is none."""

FACETS = ("status", "shop_id", "currency")
"""Filters whose values are counted."""

_ACCEPTED = frozenset({*HELD, *CAPTURED, "ACCEPTED"})
_GROUPED = ("currency", "operation_type", "status", "shop_id")
_FIGURES = ("count", "amount_minor", "accepted_count", "accepted_minor")
_RANGES = ("created_at", "first_seen_at")
"""Columns along which an index finds a span."""


@dataclass(frozen=True, slots=True)
class CurrencySum:
    """What was paid, or refunded, or only verified, in one currency.

    Units: minor units of `currency`; a refund is positive, its operation says so. Shape: `accepted`
    are those that were authorised or captured, and for a refund, made.
    """

    currency: str | None
    operation_type: str | None
    count: int
    amount_minor: int
    accepted_count: int
    accepted_minor: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What a filter selects, added up.

    Shape: `currency_sums` by currency, most used first; `by_value` has counts for each filter,
    most frequent first.
    """

    count: int
    currency_sums: list[CurrencySum]
    by_value: dict[str, list[tuple[str, int]]]


@dataclass(frozen=True, slots=True)
class _Group:
    currency: str | None
    operation_type: str | None
    status: str | None
    shop_id: str
    count: int
    amount_minor: int


def count_transactions(connection: Connection, transaction_filter: TransactionFilter) -> int:
    """Return how many transactions there are now. Errors: ViewNotBuiltError."""
    table, _, _ = live_table(connection, TRANSACTIONS.view, TRANSACTIONS.table)
    conditions = [*sql_conditions(transaction_filter, table), *is_shown(table)]
    query = select(func.count()).select_from(table).where(*conditions)
    return int(connection.scalar(query) or 0)


def summarise(
    connection: Connection, filters: TransactionFilter, first_page: Page | None
) -> Summary | None:
    """Return the sums of what a filter selects; None when too many would have to be read.

    Shape: a first page that is the whole list is added up as it is; else at most READ_MAX rows are
    read, along one index. Errors: ViewNotBuiltError.
    """
    if first_page is not None and first_page.next_cursor is None:
        return _added_up(map(_group_of, first_page.items))
    groups = _read_groups(connection, filters)
    return None if groups is None else _added_up(groups)


def _group_of(item: Item) -> _Group:
    amount_minor = counted_minor(item["amount_minor"]) or 0
    return _Group(**{name: item[name] for name in _GROUPED}, count=1, amount_minor=amount_minor)


def _read_groups(connection: Connection, filters: TransactionFilter) -> list[_Group] | None:
    """Read what is added up, in groups; None when more would have to be read."""
    table, _, _ = live_table(connection, TRANSACTIONS.view, TRANSACTIONS.table)
    scanned, conditions = _scanned(table, filters, is_sqlite=connection.dialect.name == "sqlite")
    if scanned is None:
        return []
    c = scanned.c
    is_selected = case((and_(*conditions, *is_shown(scanned)), 1), else_=0).label("is_selected")
    names = (c[name] for name in _GROUPED)
    rows = select(*names, countable(c.amount_minor).label("amount_minor"), is_selected).subquery()
    groups = [rows.c[name] for name in (*_GROUPED, "is_selected")]
    sums = func.count().label("count"), cast(func.sum(rows.c.amount_minor), BigInteger)
    query = select(*groups, sums[0], func.coalesce(sums[1], 0).label("amount_minor"))
    read = [
        (_Group(**{name: row[name] for name in (*_GROUPED, "count", "amount_minor")}), row)
        for row in connection.execute(query.group_by(*groups)).mappings()
    ]
    if sum(group.count for group, _ in read) > READ_MAX:
        return None
    return [group for group, row in read if row["is_selected"]]


def _scanned(
    table: Table, filters: TransactionFilter, *, is_sqlite: bool
) -> tuple[Subquery | None, list[ColumnElement[bool]]]:
    """Return the rows that are read, none where no shop is, and which of them are selected.

    Shape: those that one index finds: by all filters when they leave few rows, or else by a span.
    """
    selection = selection_of(TRANSACTIONS, filters)
    names, scans = set(conditions_of(type(filters))), selection.index_scans
    inner = names if selection.is_selective else {*scans, *_in_one_span(filters)}
    conditions = sql_conditions(filters, table, without={*scans, *(names - inner)})
    columns = [column for column in table.c if column.name in _needed(filters, inner)]
    parts = [
        select(*columns).where(*scan, *conditions).limit(READ_MAX + 1).subquery()
        for scan in index_scans(table, scans, selection.is_selective and is_sqlite)
    ]
    if not parts:
        return None, []
    together = union_all(*map(select, parts)).subquery()
    scanned = select(together).limit(READ_MAX + 1).subquery("scanned")
    return scanned, sql_conditions(filters, scanned, without=inner)


def _needed(filters: TransactionFilter, inner: Collection[str]) -> set[str]:
    """Return the columns that are added up, or looked at after the rows were found."""
    later = [condition for name, condition, _ in narrowing(filters) if name not in inner]
    compared = {name for each in later for name in (each.column, each.bounds_too, *each.contained)}
    return {*_GROUPED, "amount_minor", CONTINUED, *compared}


def _in_one_span(filters: TransactionFilter) -> list[str]:
    """Return the filters that bound the first column of an index that is bounded at all."""
    bounded = {name: condition.column for name, condition, _ in narrowing(filters)}
    column = next((column for column in _RANGES if column in bounded.values()), None)
    return [name for name in bounded if bounded[name] == column]


def _added_up(groups: Iterable[_Group]) -> Summary:
    counters = {name: Counter[str]() for name in FACETS}
    figures_by_pair: dict[tuple[str | None, str | None], Counter[str]] = {}
    for group in groups:
        for name in FACETS:
            counters[name][getattr(group, name) or ""] += group.count
        figures = figures_by_pair.setdefault((group.currency, group.operation_type), Counter())
        figures["count"] += group.count
        figures["amount_minor"] += group.amount_minor
        if group.status in _ACCEPTED:
            figures["accepted_count"] += group.count
            figures["accepted_minor"] += group.amount_minor
    added_up = [
        CurrencySum(*pair, *(figures[name] for name in _FIGURES))
        for pair, figures in figures_by_pair.items()
    ]
    of_currency = counters["currency"]
    added_up.sort(key=lambda each: (-each.count, each.operation_type or ""))
    added_up.sort(key=lambda each: (-of_currency[each.currency or ""], each.currency or ""))
    by_value = {name: _most_first(counter) for name, counter in counters.items()}
    return Summary(sum(of_currency.values()), added_up, by_value)


def _most_first(counter: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counter.items(), key=lambda pair: (-pair[1], pair[0]))
