"""Write the rows that events produce to the tables of a generation."""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, Select, Table, case, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, IntegrityError

from ledger.projections.definition import ADD, FIRST, MAX, MIN, Row, Value, merge_of
from ledger.storage.database_errors import driver_errors

COPY_PAGE = 1000
REFUSALS = (DataError, IntegrityError, OverflowError, UnicodeError)
"""How a database, or its driver, refuses a value; others may still be accepted."""

COPY_FROM = 40
"""From so many rows on, PostgreSQL takes them faster by COPY, into a stage or straight."""

_ADD_FROM = {"postgresql": COPY_FROM, "sqlite": 1}

Tables = dict[Table, Table]
"""The declared table -> the one of a generation."""


def write_rows(
    connection: Connection, target: Table, rows: Sequence[Row], *, new_rows: Sequence[Row] = ()
) -> None:
    """Add rows with new keys to a table, and merge rows with known keys column by column.

    Shape: `new_rows` are those of the rows whose keys are certainly not in the table.
    """
    if len(new_rows) < _ADD_FROM[connection.dialect.name]:
        new_rows = ()
    new_rows, rest = divide_rows(rows, new_rows)
    add_rows(connection, target, new_rows)
    if rest:
        _merge(connection, target, rest)


def divide_rows(
    rows: Sequence[Row], new_rows: Sequence[Row]
) -> tuple[Sequence[Row], Sequence[Row]]:
    """Return the new rows, and the rest."""
    if len(new_rows) == len(rows):
        return new_rows, ()
    new_ids = {id(row) for row in new_rows}
    return new_rows, [row for row in rows if id(row) not in new_ids]


def add_rows(connection: Connection, target: Table, rows: Sequence[Row]) -> None:
    """Add rows to a table that has none of their keys."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        copy_rows(connection, target.name, list(target.columns), rows)
    else:
        _insert_filled_columns(connection, target, rows)


def _insert_filled_columns(connection: Connection, target: Table, rows: Sequence[Row]) -> None:
    """Insert rows that fill the same columns together: to bind NULL costs the driver more than to
    bind a value, and most rows fill one of few sets of columns."""
    known_columns = frozenset(_column_names(target.columns))
    rows_by_columns: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        rows_by_columns.setdefault(tuple(row), []).append(row)
    for filled, alike in rows_by_columns.items():
        columns = [name for name in filled if name in known_columns]
        listed, places = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
        statement = f'INSERT INTO "{target.name}" ({listed}) VALUES ({places})'  # noqa: S608  no value in it
        connection.exec_driver_sql(statement, _filled_values(alike, columns))


def merge_from(connection: Connection, target: Table, selected_rows: Select[Any]) -> None:
    """Merge rows that another table has, in the order in which they are selected."""
    connection.execute(_upsert(connection, target, selected_rows))


def _merge(connection: Connection, target: Table, rows: Sequence[Row]) -> None:
    if connection.dialect.name == "postgresql":
        rows = _sort_by_key(target, rows)
        if len(rows) >= COPY_FROM:
            _merge_by_copy(connection, target, rows)
            return
    _execute_for_each(connection, _upsert(connection, target, selected_rows=None), target, rows)


def _execute_for_each(
    connection: Connection, statement: Any, target: Table, rows: Sequence[Row]
) -> None:
    """Hand rows to the driver as they are: read models hold text and numbers in every database."""
    column_names = _column_names(target.columns)
    compiled = statement.compile(dialect=connection.dialect, column_keys=column_names)
    if compiled.positional:
        parameters: Any = _values(rows, list(map(str, compiled.positiontup)))
    else:
        parameters = [{name: row.get(name) for name in column_names} for row in rows]
    connection.exec_driver_sql(str(compiled), parameters)


def _column_names(table_columns: Iterable[Column[Any]]) -> list[str]:
    """Return names that do not know how to be quoted: dictionaries find those much slower."""
    return [str(column.name) for column in table_columns]


def _values(rows: Sequence[Row], column_names: Sequence[str]) -> list[tuple[Value, ...]]:
    return [tuple(map(row.get, column_names)) for row in rows]


def _filled_values(rows: Sequence[Row], column_names: Sequence[str]) -> list[tuple[Value, ...]]:
    """Return the same of rows that fill all of these columns."""
    if len(column_names) == 1:
        return _values(rows, column_names)
    return list(map(itemgetter(*column_names), rows))


def _sort_by_key(target: Table, rows: Sequence[Row]) -> list[Row]:
    # shards may produce the same key; in one order they wait for each other, never in a circle
    key_columns = [column.name for column in target.primary_key]
    return sorted(rows, key=lambda row: [str(row.get(name)) for name in key_columns])


def _upsert(connection: Connection, target: Table, selected_rows: Select[Any] | None) -> Any:
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(target)
    if selected_rows is not None:
        statement = statement.from_select([column.name for column in target.columns], selected_rows)
    key_columns = [column.name for column in target.primary_key]
    merged_columns = {
        column.name: _merged(column, statement.excluded[column.name])
        for column in target.columns
        if column.name not in key_columns
    }
    if not merged_columns:
        return statement.on_conflict_do_nothing(index_elements=key_columns)
    return statement.on_conflict_do_update(index_elements=key_columns, set_=merged_columns)


def _merged(known_column: Column[Any], incoming: Any) -> Any:
    how = merge_of(known_column)
    if how == ADD:
        return known_column + incoming
    if how == FIRST:
        return func.coalesce(known_column, incoming)
    if how == MIN:
        return case((incoming < known_column, incoming), else_=known_column)
    if how == MAX:
        return case((incoming > known_column, incoming), else_=known_column)
    return func.coalesce(incoming, known_column)


def _merge_by_copy(connection: Connection, target: Table, rows: Sequence[Row]) -> None:
    stage = f"stage_{target.name}"
    connection.exec_driver_sql(f'CREATE TEMP TABLE "{stage}" (LIKE "{target.name}") ON COMMIT DROP')
    copy_rows(connection, stage, list(target.columns), rows)
    columns = (text(f'"{column.name}"') for column in target.columns)
    merge_from(connection, target, select(*columns).select_from(text(f'"{stage}"')))
    connection.exec_driver_sql(f'DROP TABLE "{stage}"')


def copy_rows(
    connection: Connection, table: str, table_columns: Sequence[Column[Any]], rows: Sequence[Row]
) -> None:
    """Send rows by COPY, which is written and read faster than statements with values.

    Each is a line of JSON without its brackets. That is CSV whose quotes are escaped in another
    way, and an encoder in C writes it several times as fast as one of CSV.
    """
    column_names = _column_names(table_columns)
    listed = ", ".join(f'"{name}"' for name in column_names)
    form = r"""FORMAT csv, NULL 'null', ESCAPE '\'"""
    statement = f'COPY "{table}" ({listed}) FROM STDIN ({form})'
    cursor = connection.connection.cursor()
    with driver_errors(connection, statement), cursor.copy(statement) as copy:
        for start in range(0, len(rows), COPY_PAGE):
            copy.write(_lines(_values(rows[start : start + COPY_PAGE], column_names)))
    cursor.close()


def _lines(value_rows: Sequence[tuple[Value, ...]]) -> bytes:
    page = _encode_lines(value_rows)
    has_escapes = b"\\" in page
    page = _lines_with_escapes(value_rows) if has_escapes else page[1:-2].replace(b"]\n[", b"\n")
    return page + b"\n"


def _lines_with_escapes(value_rows: Sequence[tuple[Value, ...]]) -> bytes:
    """Write the same lines for text that JSON writes in another way: line feeds, say."""
    return "\n".join(",".join(map(_field, row)) for row in value_rows).encode()


def _field(cell: Value) -> str:
    if cell is None:
        return "null"
    if isinstance(cell, str):
        return '"' + cell.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(cell)


_encode_lines = msgspec.json.Encoder().encode_lines
