"""Reads a table page by page, by keys and never by counting, so that every page costs the same."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
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
from ledger.modes import MODES

Row = Mapping[str, Any]
Key = tuple[str | int | None, ...]
Conditions = Callable[[Table], Sequence[ColumnElement[bool]]]

BRANCHES_MAX = 16
"""Above it, the rows of several shops are looked for along one index instead of in their own."""

ALL, FULL, EMPTY = "all", "full", "empty"
"""Rows: all of them, those whose first column of the order is told, those where it is not."""

INTEGER_MAX = 2**63 - 1
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Order:
    """An order in which rows can be read.

    Shape: `columns` tell every row apart. When the first may be empty, the rows where it is come
    last in both directions.
    """

    columns: tuple[str, ...]
    may_be_empty: bool = False


@dataclass(frozen=True, slots=True)
class Sort:
    """The order that was asked for. Shape: `name` is as a caller writes it, `-` for descending."""

    name: str
    order: Order
    is_descending: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows.

    Shape: `branches` names columns and the values they may have: rows of each combination are
    read along an index that begins with them, then merged. `is_narrow` says that the conditions
    leave few rows, so that finding those beats walking along the order. Two with one `identity`
    want the same.
    """

    identity: Hashable
    conditions: Conditions = field(compare=False)
    branches: Mapping[str, Sequence[str]] = field(compare=False)
    is_narrow: bool = field(default=False, compare=False)


def sort_of(asked: str, orders: Mapping[str, Order]) -> Sort:
    """Read `time` or `-time`. Errors: KeyError."""
    return Sort(asked, orders[asked.removeprefix("-")], asked.startswith("-"))


def read_page(
    connection: Connection,
    table: Table,
    wanted: Wanted,
    sort: Sort,
    *,
    after: Key | None,
    limit: int,
) -> list[Row]:
    """The next rows after a key, at most so many."""
    if not sort.order.may_be_empty:
        return _read(connection, table, wanted, sort, after, limit)
    found: list[Row] = []
    if after is None or after[0] is not None:
        found = _read(connection, table, wanted, sort, after, limit, FULL)
        after = None
    if len(found) < limit:
        left = limit - len(found)
        found += _read(connection, table, wanted, sort, after, left, EMPTY)
    return found


def read_all(
    connect: Callable[[], Any],
    table: Table,
    wanted: Wanted,
    sort: Sort,
    *,
    page_size: int,
) -> Iterator[Row]:
    """Every row, each page in a database transaction of its own: none stays open for long."""
    after: Key | None = None
    while True:
        with connect() as connection:
            page = read_page(connection, table, wanted, sort, after=after, limit=page_size)
        yield from page
        if len(page) < page_size:
            return
        after = key_of(page[-1], sort)


def key_of(row: Row, sort: Sort) -> Key:
    """What tells where a row stands in an order."""
    return tuple(row[name] for name in sort.order.columns)


def write_cursor(row: Row, sort: Sort, filter_: object) -> str:
    """Where the next page begins, for a caller to hand back as it is."""
    told = {"s": sort.name, "f": _digest(filter_), "k": key_of(row, sort)}
    return base64.urlsafe_b64encode(orjson.dumps(told)).decode().rstrip("=")


def read_cursor(cursor: str, table: Table, sort: Sort, filter_: object) -> Key:
    """Errors: BadCursorError, also for a cursor of other filters or of another order."""
    told = _decoded(cursor)
    if told.get("s") != sort.name or told.get("f") != _digest(filter_):
        raise BadCursorError("the cursor belongs to other filters or another order")
    key = told.get("k")
    columns = sort.order.columns
    if not isinstance(key, list) or len(key) != len(columns):
        raise BadCursorError("the cursor cannot be read")
    for number, (name, value) in enumerate(zip(columns, key, strict=True)):
        may_be_empty = number == 0 and sort.order.may_be_empty
        if not (may_be_empty if value is None else _is_of(table, name, value)):
            raise BadCursorError("the cursor cannot be read")
    return tuple(key)


def _decoded(cursor: str) -> dict[str, Any]:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        told = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (UnicodeEncodeError, binascii.Error, orjson.JSONDecodeError) as error:
        raise BadCursorError("the cursor cannot be read") from error
    if not isinstance(told, dict):
        raise BadCursorError("the cursor cannot be read")
    return told


def _is_of(table: Table, name: str, value: Any) -> bool:
    if isinstance(table.c[name].type, Integer):
        return type(value) is int and abs(value) <= INTEGER_MAX
    return isinstance(value, str) and not UNSTORABLE.search(value)


def _digest(filter_: object) -> str:
    """Two equal filters have one digest: sets are told in order."""
    told = orjson.dumps(filter_, default=sorted, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(type(filter_).__name__.encode() + told).hexdigest()[:16]


def _read(
    connection: Connection,
    table: Table,
    wanted: Wanted,
    sort: Sort,
    after: Key | None,
    limit: int,
    phase: str = ALL,
) -> list[Row]:
    # SQLite takes the index that gives the order, however few rows the others would leave.
    is_hidden = wanted.is_narrow and connection.dialect.name == "sqlite"
    beyond = None if after is None else tuple(one is not None for one in after)
    query = _query(table, wanted, sort, beyond, limit, phase, is_hidden)
    if query is None:
        return []
    values = {f"after_{number}": one for number, one in enumerate(after or ()) if one is not None}
    result = connection.execute(query, values)
    names = list(result.keys())
    return [dict(zip(names, row, strict=True)) for row in result]


@lru_cache(maxsize=128)
def _query(
    table: Table,
    wanted: Wanted,
    sort: Sort,
    beyond: tuple[bool, ...] | None,
    limit: int,
    phase: str,
    is_hidden: bool,
) -> Any:
    """Kept, since building it takes longer than running it, and most callers ask the same again.

    Shape: None when no row can be wanted.
    """
    conditions = list(wanted.conditions(table))
    first = table.c[sort.order.columns[0]]
    if phase != ALL:
        conditions.append(first.is_(None) if phase == EMPTY else first.is_not(None))
    if beyond is not None:
        conditions.append(_beyond(table, sort, beyond))
    by = [table.c[name] for name in sort.order.columns]
    if is_hidden:
        by = [_unindexed(one) for one in by]
    pages = [
        _ordered(
            select(_EVERYTHING).select_from(table).where(*branch, *conditions), by, sort, limit
        )
        for branch in _branches(table, wanted.branches, is_hidden=is_hidden)
    ]
    if len(pages) < 2:
        return pages[0] if pages else None
    together = union_all(*(select(_EVERYTHING).select_from(page.subquery()) for page in pages))
    names: list[Any] = [literal_column(name) for name in sort.order.columns]
    whole = select(_EVERYTHING).select_from(together.subquery())
    return _ordered(whole, names, sort, limit)


_EVERYTHING: Any = literal_column("*")
"""Spares naming some thirty columns in every part of a query, which takes longer than to run it."""


def _beyond(table: Table, sort: Sort, told: tuple[bool, ...]) -> ColumnElement[bool]:
    """Compare as one value, (a, b) < (x, y), which both databases look up in an index.

    Shape: among rows whose first column is empty only what follows tells them apart.
    """
    columns = [table.c[name] for name in sort.order.columns]
    values = [bindparam(f"after_{number}", type_=one.type) for number, one in enumerate(columns)]
    start = 0 if told[0] else 1
    columns, values = columns[start:], values[start:]
    if len(columns) == 1:
        return columns[0] < values[0] if sort.is_descending else columns[0] > values[0]
    key, last = tuple_(*columns), tuple_(*values)
    return key < last if sort.is_descending else key > last


def _branches(
    table: Table, branches: Mapping[str, Sequence[str]], *, is_hidden: bool
) -> list[list[ColumnElement[bool]]]:
    """Combinations of values, the most there may be; what is left over is a plain condition."""
    names = {name: list(values) for name, values in branches.items()}
    together: list[ColumnElement[bool]] = []
    for name in sorted(names, key=lambda one: len(names[one]), reverse=True):
        count = 1
        for values in names.values():
            count *= len(values)
        if count > BRANCHES_MAX or (is_hidden and len(names[name]) > 1):
            together.append(_hidden(table.c[name], is_hidden=is_hidden).in_(names.pop(name)))
    combined = product(*names.values())
    return [
        [
            *(
                _hidden(table.c[name], is_hidden=is_hidden) == _written(name, value)
                for name, value in zip(names, values, strict=True)
            ),
            *together,
        ]
        for values in combined
    ]


def _written(name: str, value: str) -> Any:
    """A mode is written out, not handed over beside: a plan that is kept for every value could not
    use an index of one mode."""
    return literal_column(f"'{value}'") if name == "mode" and value in MODES else value


def _hidden(column: Any, *, is_hidden: bool) -> Any:
    return _unindexed(column) if is_hidden else column


def _unindexed(column: Any) -> Any:
    """The same value, for which no index will be looked up."""
    return column + 0 if isinstance(column.type, Integer) else column.concat("")


def _ordered(query: Select[Any], columns: Sequence[Any], sort: Sort, limit: int) -> Select[Any]:
    by = (one.desc() if sort.is_descending else one for one in columns)
    return query.order_by(*by).limit(limit)
