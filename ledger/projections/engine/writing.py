"""Write the rows that events produce to the tables of a generation."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import add
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, Select, Table, case, func, select, text
from sqlalchemy.dialects import postgresql, sqlite

from ledger.projections.definition import ADD, DOUBT, FIRST, MAX, MIN, REPLACE, Row, Value, merge_of
from ledger.storage.database_errors import driver_errors

COPY_PAGE = 1000
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
    if rows and connection.dialect.name == "postgresql":
        copy_rows(connection, target.name, target.columns, rows)
    elif rows:
        _insert_filled_columns(connection, target, rows)


def _insert_filled_columns(connection: Connection, target: Table, rows: Sequence[Row]) -> None:
    """Insert rows that fill the same columns together: to bind NULL costs the driver more than to
    bind a value, and most rows fill one of few sets of columns."""
    known_columns = frozenset(column_names(target.columns))
    rows_by_columns: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        rows_by_columns.setdefault(tuple(row), []).append(row)
    for filled, alike in rows_by_columns.items():
        columns = [name for name in filled if name in known_columns]
        listed, places = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
        statement = f'INSERT INTO "{target.name}" ({listed}) VALUES ({places})'  # noqa: S608  no value in it
        connection.exec_driver_sql(statement, _values(alike, columns))


def merge_from(connection: Connection, target: Table, selected_rows: Select[Any]) -> None:
    """Merge rows that another table has, in the order in which they are selected."""
    statement = upsert_into(connection, target)
    statement = statement.from_select(column_names(target.columns), selected_rows)
    connection.execute(_merging(statement))


def _merge(connection: Connection, target: Table, rows: Sequence[Row]) -> None:
    if connection.dialect.name == "postgresql":
        # two may write the same key; in one order they wait for each other, never in a circle
        key_columns = column_names(target.primary_key)
        rows = sorted(rows, key=lambda row: [str(row.get(name)) for name in key_columns])
        if len(rows) >= COPY_FROM:
            _merge_by_copy(connection, target, rows)
            return
    # rows go to the driver as they are: read models hold text and numbers in every database
    names = column_names(target.columns)
    statement = _merging(upsert_into(connection, target))
    compiled = statement.compile(dialect=connection.dialect, column_keys=names)
    if compiled.positional:
        parameters = _values(rows, [str(name) for name in compiled.positiontup])
        connection.exec_driver_sql(str(compiled), parameters)
    else:
        mappings = [{name: row.get(name) for name in names} for row in rows]
        connection.exec_driver_sql(str(compiled), mappings)


def column_names(table_columns: Iterable[Column[Any]]) -> list[str]:
    """Return names that do not know how to be quoted: dictionaries find those much slower."""
    return [str(column.name) for column in table_columns]


def _values(rows: Sequence[Row], columns: Sequence[str]) -> list[tuple[Value, ...]]:
    return [tuple(map(row.get, columns)) for row in rows]


def upsert_into(connection: Connection, table: Table) -> Any:
    """Return the database's own INSERT, which says what becomes of a row that is there already."""
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)


def _merging(statement: Any) -> Any:
    target = statement.table
    key_columns = column_names(target.primary_key)
    merged_columns = {
        column.name: _MERGES[merge_of(column)](column, statement.excluded[column.name])
        for column in target.columns
        if column.name not in key_columns
    }
    if DOUBT in merged_columns:
        incoming = statement.excluded
        begins_anew = incoming[DOUBT] < target.c[DOUBT]
        for column in target.columns:
            if column.name in merged_columns and merge_of(column) == REPLACE:
                merged = merged_columns[column.name]
                anew = case((begins_anew, incoming[column.name]), else_=merged)
                merged_columns[column.name] = anew
    if not merged_columns:
        return statement.on_conflict_do_nothing(index_elements=key_columns)
    return statement.on_conflict_do_update(index_elements=key_columns, set_=merged_columns)


_MERGES: Mapping[str, Callable[[Column[Any], Any], Any]] = {
    REPLACE: lambda known, incoming: func.coalesce(incoming, known),
    FIRST: func.coalesce,
    ADD: add,
    MIN: lambda known, incoming: case((incoming < known, incoming), else_=known),
    MAX: lambda known, incoming: case((incoming > known, incoming), else_=known),
}


def _merge_by_copy(connection: Connection, target: Table, rows: Sequence[Row]) -> None:
    stage = f"stage_{target.name}"
    connection.exec_driver_sql(f'CREATE TEMP TABLE "{stage}" (LIKE "{target.name}") ON COMMIT DROP')
    copy_rows(connection, stage, target.columns, rows)
    columns = (text(f'"{column.name}"') for column in target.columns)
    merge_from(connection, target, select(*columns).select_from(text(f'"{stage}"')))
    connection.exec_driver_sql(f'DROP TABLE "{stage}"')


def copy_rows(
    connection: Connection, table: str, table_columns: Iterable[Column[Any]], rows: Sequence[Row]
) -> None:
    """Send rows by COPY, which is written and read faster than statements with values.

    Each is a line of JSON without its brackets. That is CSV whose quotes are escaped in another
    way, and an encoder in C writes it several times as fast as one of CSV.
    """
    names = column_names(table_columns)
    listed = ", ".join(f'"{name}"' for name in names)
    form = r"""FORMAT csv, NULL 'null', ESCAPE '\'"""
    statement = f'COPY "{table}" ({listed}) FROM STDIN ({form})'
    cursor = connection.connection.cursor()
    with driver_errors(connection, statement), cursor.copy(statement) as copy:
        for start in range(0, len(rows), COPY_PAGE):
            copy.write(_lines(_values(rows[start : start + COPY_PAGE], names)))
    cursor.close()


def _lines(value_rows: Sequence[tuple[Value, ...]]) -> bytes:
    page = _encode_lines(value_rows)
    if b"\\" not in page:
        return page[1:-2].replace(b"]\n[", b"\n") + b"\n"
    # text that JSON writes in another way: line feeds, say
    return "".join(",".join(map(_field, row)) + "\n" for row in value_rows).encode()


def _field(cell: Value) -> str:
    if cell is None:
        return "null"
    if isinstance(cell, str):
        return '"' + cell.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(cell)


_encode_lines = msgspec.json.Encoder().encode_lines
