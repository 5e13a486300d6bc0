"""Reads a table page by page, by keys and never by counting, so that every page costs the same."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

import orjson
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

from ledger.errors import BadCursorError
from ledger.ipn.modes import MODES
from ledger.ipn.storable import INTEGER_MAX, UNSTORABLE
from ledger.queries.filter_conditions import Filter

Row = Mapping[str, Any]
Key = tuple[str | int | None, ...]

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
    select the same rows, but for the `parameters` that their conditions name.
    """

    identity: Hashable
    conditions: Callable[[Table], Sequence[ColumnElement[bool]]] = field(compare=False)
    index_scans: Mapping[str, Sequence[str]] = field(compare=False)
    is_selective: bool = field(default=False, compare=False)
    parameters: Mapping[str, str] = field(default_factory=dict, compare=False)


def sort_of(name: str, orders: Mapping[str, SortOrder]) -> Sort:
    """Read `time` or `-time`. Errors: KeyError."""
    return Sort(name, orders[name.removeprefix("-")], name.startswith("-"))


def read_page(
    connection: Connection,
    table: Table,
    selection: Selection,
    sort: Sort,
    *,
    last_key: Key | None,
    limit: int,
) -> list[Row]:
    """Return the next rows after a key, at most `limit`."""
    phases = [ALL]
    if sort.order.may_be_empty:
        phases = [FULL, EMPTY] if last_key is None or last_key[0] is not None else [EMPTY]
    rows: list[Row] = []
    for phase in phases:
        if len(rows) < limit:
            rows += _read(connection, table, selection, sort, last_key, limit - len(rows), phase)
        last_key = None
    return rows


def read_all(
    connect: Callable[[], Any], table: Table, selection: Selection, sort: Sort, *, page_size: int
) -> Iterator[Row]:
    """Yield every row, each page in a database transaction of its own: none stays open for long."""
    last_key: Key | None = None
    while True:
        with connect() as connection:
            page = read_page(connection, table, selection, sort, last_key=last_key, limit=page_size)
        yield from page
        if len(page) < page_size:
            return
        last_key = key_of(page[-1], sort)


def key_of(row: Row, sort: Sort) -> Key:
    """Return the values that say where a row stands in an order."""
    return tuple(row[name] for name in sort.order.columns)


def _read(
    connection: Connection,
    table: Table,
    selection: Selection,
    sort: Sort,
    last_key: Key | None,
    limit: int,
    phase: str,
) -> list[Row]:
    # SQLite takes the index that gives the order, however few rows the others would leave.
    is_unindexed = selection.is_selective and connection.dialect.name == "sqlite"
    is_known = None if last_key is None else tuple(bound is not None for bound in last_key)
    query = _query(table, selection, sort, is_known, limit, phase, is_unindexed)
    if query is None:
        return []
    bounds = {f"after_{n}": bound for n, bound in enumerate(last_key or ()) if bound is not None}
    result = connection.execute(query, {**selection.parameters, **bounds})
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
    by = [_column(table, name, is_unindexed) for name in sort.order.columns]
    pages = [
        _ordered(select(_EVERYTHING).select_from(table).where(*scan, *conditions), by, sort, limit)
        for scan in index_scans(table, selection.index_scans, is_unindexed)
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
    names = list(enumerate(sort.order.columns))[0 if is_known[0] else 1 :]
    bounds = [bindparam(f"after_{number}", type_=table.c[name].type) for number, name in names]
    key, last = tuple_(*(table.c[name] for _, name in names)), tuple_(*bounds)
    return key < last if sort.is_descending else key > last


def index_scans(
    table: Table, index_scans: Mapping[str, Sequence[str]], is_unindexed: bool
) -> list[list[ColumnElement[bool]]]:
    """Return combinations of values, as many as are allowed; the rest is a plain condition."""
    remaining = {name: list(words) for name, words in index_scans.items()}
    plain: list[ColumnElement[bool]] = []
    for name in sorted(remaining, key=lambda name: len(remaining[name]), reverse=True):
        count = prod(map(len, remaining.values()))
        if count > INDEX_SCANS_MAX or (is_unindexed and len(remaining[name]) > 1):
            plain.append(_column(table, name, is_unindexed).in_(remaining.pop(name)))
    columns = [(_column(table, name, is_unindexed), name) for name in remaining]
    return [
        [
            *(
                column == _written(name, word)
                for (column, name), word in zip(columns, words, strict=True)
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
    """Return a column, or its value in an expression for which no index will be looked up."""
    column: Any = table.c[name]
    if not is_unindexed:
        return column
    return column + 0 if isinstance(column.type, Integer) else column.concat("")


def _ordered(unordered: Select[Any], by: Sequence[Any], sort: Sort, limit: int) -> Select[Any]:
    keys = (column.desc() if sort.is_descending else column for column in by)
    return unordered.order_by(*keys).limit(limit)


# -- cursors ------------------------------------------------------------------------------------


def write_cursor(row: Row, sort: Sort, filters: Filter) -> str:
    """Return where the page after this row begins, for a caller to hand back as it is."""
    content = {"s": sort.name, "f": _digest(filters), "k": key_of(row, sort)}
    return base64.urlsafe_b64encode(orjson.dumps(content)).decode().rstrip("=")


def read_cursor(cursor: str, table: Table, sort: Sort, filters: Filter) -> Key:
    """Read the key in a cursor.

    Errors: BadCursorError, also for a cursor of other filters or of another order.
    """
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        content = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (UnicodeEncodeError, binascii.Error, orjson.JSONDecodeError) as error:
        raise BadCursorError("the cursor cannot be read") from error
    if not isinstance(content, dict):
        raise BadCursorError("the cursor cannot be read")
    if content.get("s") != sort.name or content.get("f") != _digest(filters):
        raise BadCursorError("the cursor belongs to other filters or another order")
    key = content.get("k")
    if not (isinstance(key, list) and _fits(key, table, sort.order)):
        raise BadCursorError("the cursor cannot be read")
    return tuple(key)


def _fits(key: Sequence[Any], table: Table, order: SortOrder) -> bool:
    """Return True if the columns of an order could be compared with this key."""
    start = 1 if order.may_be_empty and key[:1] == [None] else 0
    columns = [table.c[name] for name in order.columns]
    return len(key) == len(columns) and all(map(_is_comparable, columns[start:], key[start:]))


def _is_comparable(element: ColumnElement[Any], bound: Any) -> bool:
    if isinstance(element.type, Integer):
        return type(bound) is int and abs(bound) <= INTEGER_MAX
    return isinstance(bound, str) and not UNSTORABLE.search(bound)


def _digest(filters: Filter) -> str:
    """Return the same for two equal filters: the words of a set are written in order."""
    content = orjson.dumps(filters, default=sorted, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(type(filters).__name__.encode() + content).hexdigest()[:16]
