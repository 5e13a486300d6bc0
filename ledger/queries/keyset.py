"""Reads a table page by page, by keys and never by counting, so that every page costs the same."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    Table,
    bindparam,
    literal_column,
    select,
    tuple_,
    union_all,
)

from ledger.ipn.modes import MODES

Row = Mapping[str, Any]
Key = tuple[str | int | None, ...]
Conditions = Callable[[Table], Sequence[ColumnElement[bool]]]

INDEX_SCANS_MAX = 16
"""Above it, the rows of several shops are looked for along one index instead of in their own."""

ALL, FULL, EMPTY = "all", "full", "empty"
"""Rows: all, those whose first column of the order is known, those where it is not."""


@dataclass(frozen=True, slots=True)
class SortOrder:
    """An order in which rows can be read.

    Shape: `columns` distinguish all rows. When the first may be empty, the rows where it is come
    last in both directions.
    """

    columns: tuple[str, ...]
    may_be_empty: bool = False


@dataclass(frozen=True, slots=True)
class Sort:
    """The order of one list. Shape: `name` is as a caller writes it, `-` for descending."""

    name: str
    order: SortOrder
    is_descending: bool


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows of one list.

    Shape: `index_scans` names columns and the values they may have: rows of each combination are
    read along an index that begins with them, then merged. `is_selective` says that the conditions
    leave few rows, so that finding those beats walking along the order. Two with one `identity`
    select the same rows.
    """

    identity: Hashable
    conditions: Conditions = field(compare=False)
    index_scans: Mapping[str, Sequence[str]] = field(compare=False)
    is_selective: bool = field(default=False, compare=False)


def sort_of(name: str, orders: Mapping[str, SortOrder]) -> Sort:
    """Read `time` or `-time`. Errors: KeyError."""
    return Sort(name, orders[name.removeprefix("-")], name.startswith("-"))


def read_page(
    connection: Connection,
    table: Table,
    selection: Selection,
    sort: Sort,
    *,
    after: Key | None,
    limit: int,
) -> list[Row]:
    """Return the next rows after a key, at most `limit`."""
    if not sort.order.may_be_empty:
        return _read(connection, table, selection, sort, after, limit)
    rows: list[Row] = []
    if after is None or after[0] is not None:
        rows = _read(connection, table, selection, sort, after, limit, FULL)
        after = None
    if len(rows) < limit:
        rows += _read(connection, table, selection, sort, after, limit - len(rows), EMPTY)
    return rows


def read_all(
    connect: Callable[[], Any],
    table: Table,
    selection: Selection,
    sort: Sort,
    *,
    page_size: int,
) -> Iterator[Row]:
    """Yield every row, each page in a database transaction of its own: none stays open for long."""
    after: Key | None = None
    while True:
        with connect() as connection:
            page = read_page(connection, table, selection, sort, after=after, limit=page_size)
        yield from page
        if len(page) < page_size:
            return
        after = key_of(page[-1], sort)


def key_of(row: Row, sort: Sort) -> Key:
    """Return the values that say where a row stands in an order."""
    return tuple(row[name] for name in sort.order.columns)


def _read(
    connection: Connection,
    table: Table,
    selection: Selection,
    sort: Sort,
    after: Key | None,
    limit: int,
    phase: str = ALL,
) -> list[Row]:
    # SQLite takes the index that gives the order, however few rows the others would leave.
    is_unindexed = selection.is_selective and connection.dialect.name == "sqlite"
    is_known = None if after is None else tuple(bound is not None for bound in after)
    query = _query(table, selection, sort, is_known, limit, phase, is_unindexed)
    if query is None:
        return []
    bounds = enumerate(after or ())
    result = connection.execute(
        query, {f"after_{n}": bound for n, bound in bounds if bound is not None}
    )
    names = list(result.keys())
    return [dict(zip(names, row, strict=True)) for row in result]


@lru_cache(maxsize=128)
def _query(
    table: Table,
    selection: Selection,
    sort: Sort,
    is_known: tuple[bool, ...] | None,
    limit: int,
    phase: str,
    is_unindexed: bool,
) -> Any:
    """Return the query of a page, or None when no row can be selected.

    It is cached, since building it takes longer than running it, and most callers repeat it. Shape:
    `is_known` says which columns of the key have a value; with `is_unindexed` no index may be used
    for the order.
    """
    conditions = list(selection.conditions(table))
    first = table.c[sort.order.columns[0]]
    if phase != ALL:
        conditions.append(first.is_(None) if phase == EMPTY else first.is_not(None))
    if is_known is not None:
        conditions.append(_after_cursor(table, sort, is_known))
    by = [table.c[name] for name in sort.order.columns]
    if is_unindexed:
        by = [_unindexed(column) for column in by]
    pages = [
        _ordered(select(_EVERYTHING).select_from(table).where(*scan, *conditions), by, sort, limit)
        for scan in _index_scans(table, selection.index_scans, is_unindexed=is_unindexed)
    ]
    if len(pages) < 2:
        return pages[0] if pages else None
    together = union_all(*(select(_EVERYTHING).select_from(page.subquery()) for page in pages))
    names: list[Any] = [literal_column(name) for name in sort.order.columns]
    whole = select(_EVERYTHING).select_from(together.subquery())
    return _ordered(whole, names, sort, limit)


_EVERYTHING: Any = literal_column("*")
"""Spares naming some thirty columns in every part of a query, which takes longer than to run it."""


def _after_cursor(table: Table, sort: Sort, is_known: tuple[bool, ...]) -> ColumnElement[bool]:
    """Compare as one value, (a, b) < (x, y), which both databases look up in an index.

    Shape: among rows whose first column is empty only the columns that follow distinguish them.
    """
    start = 0 if is_known[0] else 1
    names = list(enumerate(sort.order.columns))[start:]
    columns = [table.c[name] for _, name in names]
    bounds = [bindparam(f"after_{number}", type_=table.c[name].type) for number, name in names]
    if len(columns) == 1:
        return columns[0] < bounds[0] if sort.is_descending else columns[0] > bounds[0]
    key, last = tuple_(*columns), tuple_(*bounds)
    return key < last if sort.is_descending else key > last


def _index_scans(
    table: Table, index_scans: Mapping[str, Sequence[str]], *, is_unindexed: bool
) -> list[list[ColumnElement[bool]]]:
    """Return combinations of values, as many as are allowed; the rest is a plain condition."""
    remaining = {name: list(words) for name, words in index_scans.items()}
    plain: list[ColumnElement[bool]] = []
    for name in sorted(remaining, key=lambda name: len(remaining[name]), reverse=True):
        count = 1
        for words in remaining.values():
            count *= len(words)
        if count > INDEX_SCANS_MAX or (is_unindexed and len(remaining[name]) > 1):
            plain.append(_column(table, name, is_unindexed).in_(remaining.pop(name)))
    return [
        [
            *(
                _column(table, name, is_unindexed) == _written(name, word)
                for name, word in zip(remaining, words, strict=True)
            ),
            *plain,
        ]
        for words in product(*remaining.values())
    ]


def _written(name: str, word: str) -> Any:
    """Write a mode out instead of handing it over beside: a plan that is kept for every value could
    not use an index of one mode."""
    return literal_column(f"'{word}'") if name == "mode" and word in MODES else word


def _column(table: Table, name: str, is_unindexed: bool) -> Any:
    return _unindexed(table.c[name]) if is_unindexed else table.c[name]


def _unindexed(column: Any) -> Any:
    """Return the same value in an expression for which no index will be looked up."""
    return column + 0 if isinstance(column.type, Integer) else column.concat("")


def _ordered(query: Select[Any], columns: Sequence[Any], sort: Sort, limit: int) -> Select[Any]:
    by = (column.desc() if sort.is_descending else column for column in columns)
    return query.order_by(*by).limit(limit)
