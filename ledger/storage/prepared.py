"""Statements that SQLite is given as they are: compiled once, then only bound.

To prepare one execution takes SQLAlchemy several times as long as SQLite needs to do it, and while
rows are written every other writer waits. Compiled, bound and read they are by SQLAlchemy's types.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import CompoundSelect, Connection, Row, Select, Table, insert
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import StatementError
from sqlalchemy.types import TypeEngine

from ledger.storage.database import padded

_DIALECT: Any = sqlite.dialect()

_Conversion = Callable[[Any], Any]


class _Statement(NamedTuple):
    """A text, and the names of the values that it takes in turn.

    Shape: each name with what makes of a value one of the driver's own.
    """

    text: str
    bindings: Sequence[tuple[str, _Conversion | None]]
    constants: dict[str, Any] = {}

    def bound(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        try:
            return tuple(
                bind(values[name]) if bind else values[name] for name, bind in self.bindings
            )
        except (TypeError, ValueError) as error:
            raise StatementError(
                str(error), self.text, None, error, hide_parameters=True
            ) from error


class PreparedQuery:
    """A query whose only parameters are lists."""

    def __init__(self, selection: Select[Any] | CompoundSelect[Any]) -> None:
        self._select = selection
        self._statement_by_sizes: dict[tuple[int, ...], _Statement] = {}
        self._readers = [
            (place, reader)
            for place, column in enumerate(selection.selected_columns)
            if (reader := _own(column.type).result_processor(_DIALECT, None))
        ]

    def rows(self, connection: Connection, **lists: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Return all rows, as tuples."""
        lists = {name: padded(values) for name, values in lists.items()}
        if connection.dialect.name != "sqlite":
            return [tuple(row) for row in connection.execute(self._select, lists)]
        statement = self._sized(lists)
        values = {
            f"{name}_{number}": value
            for name, each in lists.items()
            for number, value in enumerate(each, start=1)
        }
        parameters = statement.bound(values | statement.constants)
        return [self._read(row) for row in connection.exec_driver_sql(statement.text, parameters)]

    def _sized(self, lists: Mapping[str, Sequence[Any]]) -> _Statement:
        """Return the statement for lists of these lengths."""
        sizes = tuple(map(len, lists.values()))
        statement = self._statement_by_sizes.get(sizes)
        if statement is None:
            compiled = self._select.compile(dialect=_DIALECT)
            state = compiled.construct_expanded_state(lists)
            expanded = {
                name: list_name
                for list_name, names in state.parameter_expansion.items()
                for name in names
            }
            statement = self._statement_by_sizes[sizes] = _Statement(
                state.statement,
                [
                    (name, _binding(compiled.binds[expanded.get(name, name)].type))
                    for name in state.positiontup or ()
                ],
                {name: state.parameters[name] for name in state.parameters.keys() - expanded},
            )
        return statement

    def _read(self, table_row: Row[Any]) -> tuple[Any, ...]:
        values = list(table_row)
        for place, reader in self._readers:
            values[place] = reader(values[place])
        return tuple(values)


def insert_rows(
    connection: Connection, table: Table, table_rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows that all fill the same columns."""
    if not table_rows:
        return
    if connection.dialect.name != "sqlite":
        connection.execute(insert(table), list(table_rows))
        return
    statement = _inserting(table, tuple(table_rows[0]))
    connection.exec_driver_sql(statement.text, [statement.bound(row) for row in table_rows])


def insert_numbered(
    connection: Connection, table: Table, table_rows: Sequence[Mapping[str, Any]]
) -> list[int]:
    """Insert rows whose key counts up by itself. Shape: the keys, in the order given."""
    if not table_rows:
        return []
    if connection.dialect.name != "sqlite":
        adding = insert(table).returning(*table.primary_key, sort_by_parameter_order=True)
        return list(connection.scalars(adding, list(table_rows)))
    statement = _inserting(table, tuple(table_rows[0]))
    return [
        connection.exec_driver_sql(statement.text, statement.bound(row)).lastrowid
        for row in table_rows
    ]


@lru_cache
def _inserting(table: Table, names: Sequence[str]) -> _Statement:
    compiled = insert(table).compile(dialect=_DIALECT, column_keys=list(names))
    order = compiled.positiontup or ()
    return _Statement(str(compiled), [(name, _binding(table.c[name].type)) for name in order])


def _own(column_type: TypeEngine[Any]) -> TypeEngine[Any]:
    """Return the kind of a type that SQLite has."""
    return column_type.dialect_impl(_DIALECT)


def _binding(column_type: TypeEngine[Any]) -> _Conversion | None:
    return _own(column_type).bind_processor(_DIALECT)
