"""Writes folded rows to the tables of a generation, and keeps the tables grouped over them."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import (
    ARRAY,
    Column,
    Connection,
    Select,
    Table,
    Text,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, IntegrityError

from ledger.projections.view import (
    ADD,
    FIRST,
    MAX,
    MIN,
    Projection,
    Regrouped,
    Row,
    Summed,
    Value,
    merge_of,
)
from ledger.storage.database_errors import driver_errors

COPY_PAGE = 1000
REFUSALS = (DataError, IntegrityError, OverflowError, UnicodeError)
"""How a database, or its driver, says that it does not take a value; others may still pass."""

COPY_FROM = 40
"""From so many rows on, PostgreSQL takes them faster by COPY, into a stage or straight."""

_ADD_FROM = {"postgresql": COPY_FROM, "sqlite": 1}

Tables = dict[Table, Table]
"""The declared table -> the one of a generation."""


def write_rows(
    connection: Connection, target: Table, rows: Sequence[Row], *, new: Sequence[Row] = ()
) -> None:
    """Bring rows to a table: new keys are added, known ones merged column by column.

    Shape: `new` are those of the rows of which it is certain that their keys are not there.
    """
    if len(new) < _ADD_FROM[connection.dialect.name]:
        new = ()
    new, others = divided(rows, new)
    add_rows(connection, target, new)
    if others:
        _merge(connection, target, others)


def divided(rows: Sequence[Row], new: Sequence[Row]) -> tuple[Sequence[Row], Sequence[Row]]:
    """The new rows, and the others."""
    if len(new) == len(rows):
        return new, ()
    added = {id(row) for row in new}
    return new, [row for row in rows if id(row) not in added]


def add_rows(connection: Connection, target: Table, rows: Sequence[Row]) -> None:
    """Bring rows to a table that has none of their keys."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        copy_rows(connection, target.name, list(target.columns), rows)
    else:
        _insert_told(connection, target, rows)


def _insert_told(connection: Connection, target: Table, rows: Sequence[Row]) -> None:
    """Insert rows, those that tell the same columns together: to bind NULL costs the driver more
    than to bind a value, and most rows tell one of few sets of columns."""
    names = frozenset(_names(target.columns))
    alike: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        alike.setdefault(tuple(row), []).append(row)
    for told, some in alike.items():
        columns = [name for name in told if name in names]
        into, places = ", ".join(f'"{one}"' for one in columns), ", ".join("?" * len(columns))
        statement = f'INSERT INTO "{target.name}" ({into}) VALUES ({places})'  # noqa: S608  no value in it
        connection.exec_driver_sql(statement, _values_told(some, columns))


def merge_from(connection: Connection, target: Table, rows: Select[Any]) -> None:
    """Merge rows that another table has, in the order in which they are selected."""
    connection.execute(_upsert(connection, target, rows))


def _merge(connection: Connection, target: Table, rows: Sequence[Row]) -> None:
    if connection.dialect.name == "postgresql":
        rows = _in_order(target, rows)
        if len(rows) >= COPY_FROM:
            _write_by_copy(connection, target, rows)
            return
    _execute_for_each(connection, _upsert(connection, target, insert_from=None), target, rows)


def _execute_for_each(
    connection: Connection, statement: Any, target: Table, rows: Sequence[Row]
) -> None:
    """Hand rows to the driver as they are: views' values are text and numbers in every database."""
    names = _names(target.columns)
    compiled = statement.compile(dialect=connection.dialect, column_keys=names)
    if compiled.positional:
        told: Any = _values(rows, list(map(str, compiled.positiontup)))
    else:
        told = [{name: row.get(name) for name in names} for row in rows]
    connection.exec_driver_sql(str(compiled), told)


def _names(columns: Iterable[Column[Any]]) -> list[str]:
    """Names that do not know how to be quoted: dictionaries find those much slower."""
    return [str(one.name) for one in columns]


def _values(rows: Sequence[Row], names: Sequence[str]) -> list[tuple[Value, ...]]:
    return [tuple(map(row.get, names)) for row in rows]


def _values_told(rows: Sequence[Row], names: Sequence[str]) -> list[tuple[Value, ...]]:
    """The same of rows that tell all of these."""
    if len(names) == 1:
        return _values(rows, names)
    return list(map(itemgetter(*names), rows))


def _in_order(target: Table, rows: Sequence[Row]) -> list[Row]:
    """Shards may bring the same key; in one order they wait for each other, never in a circle."""
    keys = [column.name for column in target.primary_key]
    return sorted(rows, key=lambda row: [str(row.get(name)) for name in keys])


def _upsert(connection: Connection, target: Table, insert_from: Any) -> Any:
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(target)
    if insert_from is not None:
        names = [column.name for column in target.columns]
        statement = statement.from_select(names, insert_from)
    keys = [column.name for column in target.primary_key]
    changes = {
        column.name: _merged(target, column.name, statement.excluded[column.name])
        for column in target.columns
        if column.name not in keys
    }
    if not changes:
        return statement.on_conflict_do_nothing(index_elements=keys)
    return statement.on_conflict_do_update(index_elements=keys, set_=changes)


def _merged(target: Table, name: str, told: Any) -> Any:
    known, how = target.c[name], merge_of(target.c[name])
    if how == ADD:
        return known + told
    if how == FIRST:
        return func.coalesce(known, told)
    if how == MIN:
        return case((told < known, told), else_=known)
    if how == MAX:
        return case((told > known, told), else_=known)
    return func.coalesce(told, known)


def _write_by_copy(connection: Connection, target: Table, rows: Sequence[Row]) -> None:
    stage = f"stage_{target.name}"
    connection.exec_driver_sql(f'CREATE TEMP TABLE "{stage}" (LIKE "{target.name}") ON COMMIT DROP')
    copy_rows(connection, stage, list(target.columns), rows)
    staged = select(*(text(f'"{one.name}"') for one in target.columns)).select_from(
        text(f'"{stage}"')
    )
    merge_from(connection, target, staged)
    connection.exec_driver_sql(f'DROP TABLE "{stage}"')


def copy_rows(
    connection: Connection, table: str, columns: Sequence[Column[Any]], rows: Sequence[Row]
) -> None:
    """Send rows by COPY, which is written and read faster than statements with values.

    Each is a line of JSON without its brackets. That is CSV whose quotes are escaped in another
    way, and an encoder in C writes it several times as fast as one of CSV.
    """
    names = _names(columns)
    told = ", ".join(f'"{name}"' for name in names)
    form = r"""FORMAT csv, NULL 'null', ESCAPE '\'"""
    statement = f'COPY "{table}" ({told}) FROM STDIN ({form})'
    cursor = connection.connection.cursor()
    with driver_errors(connection, statement), cursor.copy(statement) as copy:
        for start in range(0, len(rows), COPY_PAGE):
            copy.write(_lines(_values(rows[start : start + COPY_PAGE], names)))
    cursor.close()


def _lines(rows: Sequence[tuple[Value, ...]]) -> bytes:
    page = _encode_lines(rows)
    has_escapes = b"\\" in page
    page = _lines_with_escapes(rows) if has_escapes else page[1:-2].replace(b"]\n[", b"\n")
    return page + b"\n"


def _lines_with_escapes(rows: Sequence[tuple[Value, ...]]) -> bytes:
    """The same for text with what JSON writes in another way: line feeds, say."""
    return "\n".join(",".join(map(_field, row)) for row in rows).encode()


def _field(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)


_encode_lines = msgspec.json.Encoder().encode_lines


@contextmanager
def groups_kept(
    connection: Connection, view: Projection, tables: Tables, rows: dict[Table, list[Row]]
) -> Iterator[None]:
    """Keep a view's grouped tables true while the rows under them are written."""
    keepers = [
        _keeper(connection, one, tables, rows[one.source])
        for one in view.groupings
        if rows.get(one.source)
    ]
    for keeper in keepers:
        keeper.before()
    yield
    for keeper in keepers:
        keeper.after()


def group_all(connection: Connection, view: Projection, tables: Tables) -> None:
    """Make a view's grouped tables from nothing."""
    for one in view.groupings:
        target, source = tables[one.table], tables[one.source]
        connection.execute(delete(target))
        names = [column.name for column in one.select(source).selected_columns]
        connection.execute(insert(target).from_select(names, one.select(source)))


def _keeper(
    connection: Connection, grouping: Summed | Regrouped, tables: Tables, rows: list[Row]
) -> "_Differences | _Groups":
    target, source = tables[grouping.table], tables[grouping.source]
    if isinstance(grouping, Summed):
        return _Differences(connection, grouping, target, source, rows)
    return _Groups(connection, grouping, target, source, rows)


class _Differences:
    """Adds to sums what a batch has changed: the sums of its rows after less those before."""

    def __init__(
        self,
        connection: Connection,
        grouping: Summed,
        target: Table,
        source: Table,
        rows: list[Row],
    ) -> None:
        self._connection = connection
        self._target = target
        touched = _in_one(connection, {row[grouping.touched] for row in rows})
        lines = select(source).where(source.c[grouping.touched].in_(touched)).subquery()
        self._query = grouping.select(lines)  # type: ignore[arg-type]  # a subquery reads like its table
        self._keys = [column.name for column in target.primary_key]
        self._sums = [one.name for one in target.columns if merge_of(one) == ADD]

    def before(self) -> None:
        self._known = self._read()

    def after(self) -> None:
        now = self._read()
        changes = []
        for key in now.keys() | self._known.keys():
            row = dict(now.get(key) or self._known[key])
            for name in self._sums:
                row[name] = _amount(now, key, name) - _amount(self._known, key, name)
            changes.append(row)
        changed = [row for row in changes if any(row[name] for name in self._sums)]
        write_rows(self._connection, self._target, changed)
        if any(int(row["count"] or 0) < 0 for row in changed):
            self._connection.execute(delete(self._target).where(self._target.c.count == 0))

    def _read(self) -> dict[tuple[Any, ...], Row]:
        rows = self._connection.execute(self._query).mappings()
        return {tuple(row[name] for name in self._keys): dict(row) for row in rows}


def _in_one(connection: Connection, told: Iterable[Any]) -> Select[Any]:
    """Texts as one value of a statement, to be read from: a statement with a list of hundreds is
    another one for each length, and costs more to make than to execute."""
    values = sorted(map(str, told))
    if connection.dialect.name == "postgresql":
        return select(func.unnest(bindparam(None, values, ARRAY(Text))))
    rows = func.json_each(json.dumps(values)).table_valued("value")
    return select(rows.c.value)


def _amount(groups: dict[tuple[Any, ...], Row], key: tuple[Any, ...], name: str) -> int:
    return int(groups[key][name] or 0) if key in groups else 0


class _Groups:
    """Reads again the groups that a batch's rows belonged to or belong to now."""

    def __init__(
        self,
        connection: Connection,
        grouping: Regrouped,
        target: Table,
        source: Table,
        rows: list[Row],
    ) -> None:
        self._connection = connection
        self._grouping = grouping
        self._target = target
        self._source = source
        self._keys_now = grouping.keys(source, _in_one(connection, {row["id"] for row in rows}))

    def before(self) -> None:
        self._known = self._read()

    def after(self) -> None:
        found = self._known | self._read()
        if not found:
            return
        keys = _in_one(self._connection, found)
        column = self._target.c[self._grouping.key]
        self._connection.execute(delete(self._target).where(column.in_(keys)))
        again = self._grouping.select(self._source, keys)
        names = [one.name for one in again.selected_columns]
        self._connection.execute(insert(self._target).from_select(names, again))

    def _read(self) -> set[str]:
        return set(self._connection.scalars(self._keys_now))
