"""Compare two generations of a read model row by row: counts, digests, and what differs."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, func, inspect, select
from sqlalchemy import column as column_
from sqlalchemy import table as table_

from ledger.projections.definition import Row
from ledger.projections.engine.generations import Generation, tables_of
from ledger.projections.engine.registry import projection

SAMPLE = 5
PAGE = 5000


@dataclass
class Difference:
    """How one table of two generations compares, over the columns that both have.

    Shape: `digests` are order-independent, 16 hex digits each; `sample` holds at most a few
    differing rows as (key, before, after), None for a row that only one has.
    """

    table: str
    columns: tuple[str, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    rows: list[int] = field(default_factory=lambda: [0, 0])
    digests: list[str] = field(default_factory=lambda: ["", ""])
    differing: int = 0
    sample: list[tuple[Any, Row | None, Row | None]] = field(default_factory=list)

    @property
    def is_identical(self) -> bool:
        return not (self.differing or self.only_before or self.only_after)

    @property
    def has_same_rows(self) -> bool:
        """Return True if the columns that both have hold the same rows."""
        return self.differing == 0


def compare(
    old_reader: Connection, old: Generation, new_reader: Connection, new: Generation
) -> list[Difference]:
    """Compare every table of two generations, each read within its own snapshot."""
    return [
        _compare_table(old_reader, f"{declared.name}_g{old.id}", new_reader, table, declared.name)
        for declared, table in tables_of(projection(new.name), new.id).items()
    ]


def _compare_table(
    old_reader: Connection, old_name: str, new_reader: Connection, new_table: Table, name: str
) -> Difference:
    new_columns = _column_names(new_reader, new_table.name)
    old_columns = _column_names(old_reader, old_name)
    key_columns = [column.name for column in new_table.primary_key]
    shared = tuple(column for column in new_columns if column in old_columns)
    difference = Difference(
        table=name,
        columns=shared,
        only_before=tuple(column for column in old_columns if column not in new_columns),
        only_after=tuple(column for column in new_columns if column not in old_columns),
    )
    if not set(key_columns) <= set(shared):  # rows with other keys are different rows
        difference.rows = [_count(old_reader, old_name), _count(new_reader, new_table.name)]
        difference.differing = sum(difference.rows)
        return difference
    old_rows = _rows(old_reader, old_name, shared, key_columns)
    new_rows = _rows(new_reader, new_table.name, shared, key_columns)
    _compare_rows(difference, key_columns, old_rows, new_rows)
    return difference


def _column_names(connection: Connection, table: str) -> list[str]:
    """Return the columns that a table really has, since other code may have created it."""
    inspector = inspect(connection)
    if not inspector.has_table(table):
        return []
    return [column["name"] for column in inspector.get_columns(table)]


def _count(connection: Connection, table: str) -> int:
    if not inspect(connection).has_table(table):
        return 0
    return int(connection.scalar(select(func.count()).select_from(table_(table))) or 0)


def _rows(
    connection: Connection, table: str, columns: tuple[str, ...], key_columns: list[str]
) -> Iterator[Row]:
    """Read rows in the order of their keys, which both databases are told to compare by bytes."""
    source = table_(table, *map(column_, columns))
    order = [source.c[name] for name in key_columns]
    if connection.dialect.name == "postgresql":
        order = [_sorted_by_bytes(connection, table, column) for column in order]
    query = select(source).order_by(*order).execution_options(yield_per=PAGE)
    for row in connection.execute(query).mappings():
        yield dict(row)


def _sorted_by_bytes(connection: Connection, table: str, column: Any) -> Any:
    types = {
        column_info["name"]: column_info["type"]
        for column_info in inspect(connection).get_columns(table)
    }
    return column.collate("C") if types[column.name].python_type is str else column


def _compare_rows(
    difference: Difference, key_columns: list[str], old_rows: Iterator[Row], new_rows: Iterator[Row]
) -> None:
    digests = [0, 0]
    for old, new in _row_pairs(old_rows, new_rows, key_columns):
        for side, row in enumerate((old, new)):
            if row is not None:
                difference.rows[side] += 1
                digests[side] = (digests[side] + _digest(row)) % 2**64
        if old != new:
            difference.differing += 1
            if len(difference.sample) < SAMPLE:
                key = tuple((old or new or {})[name] for name in key_columns)
                difference.sample.append((key, old, new))
    difference.digests = [f"{digest:016x}" for digest in digests]


def _row_pairs(
    old_rows: Iterator[Row], new_rows: Iterator[Row], key_columns: list[str]
) -> Iterator[tuple[Row | None, Row | None]]:
    """Pair rows of the same key, None where only the other side has it."""
    old, new = next(old_rows, None), next(new_rows, None)
    while old is not None or new is not None:
        order = _order(old, new, key_columns)
        yield old if order <= 0 else None, new if order >= 0 else None
        if order <= 0:
            old = next(old_rows, None)
        if order >= 0:
            new = next(new_rows, None)


def _order(old_row: Row | None, new_row: Row | None, key_columns: list[str]) -> int:
    """Return -1 if the old row comes before the new one, 1 if after, 0 if they have one key."""
    if old_row is None or new_row is None:
        return 1 if old_row is None else -1
    old_key, new_key = _sort_key(old_row, key_columns), _sort_key(new_row, key_columns)
    return (old_key > new_key) - (old_key < new_key)


def _sort_key(row: Row, key_columns: list[str]) -> tuple[Any, ...]:
    key = [row[name] for name in key_columns]
    return tuple(value.encode() if isinstance(value, str) else value for value in key)


def _digest(row: Row) -> int:
    line = "\x1f".join(f"{name}={value}" for name, value in row.items())
    return int.from_bytes(hashlib.blake2b(line.encode(), digest_size=8).digest(), "big")
