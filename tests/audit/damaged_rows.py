"""Rows of read models that are made wrong, removed, or added where none belongs."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, tuple_, update

from ledger.projections.engine.writing import column_names

Change = Callable[[Connection, Table, dict[str, Any]], None]


def make_wrong(connection: Connection, table: Table, row: dict[str, Any]) -> None:
    """Change what a row says of its last column that has something to say."""
    key = column_names(table.primary_key)
    name = [name for name in row if name not in key and row[name] is not None][-1]
    value = row[name] + 1 if isinstance(row[name], int | float) else f"{row[name]}x"
    connection.execute(update(table).where(same(table, row)).values({name: value}))


def remove(connection: Connection, table: Table, row: dict[str, Any]) -> None:
    connection.execute(delete(table).where(same(table, row)))


def add_another(connection: Connection, table: Table, row: dict[str, Any]) -> None:
    name = column_names(table.primary_key)[-1]
    other = row[name] + 1_000_000 if isinstance(row[name], int) else f"{row[name]}x"
    connection.execute(insert(table).values(row | {name: other}))


def same(table: Table, row: dict[str, Any]) -> Any:
    return tuple_(*table.primary_key).in_([tuple(row[column.name] for column in table.primary_key)])
