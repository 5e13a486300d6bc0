"""Compare two generations of a read model row by row: counts, digests, and what differs."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    MetaData,
    Table,
    column,
    func,
    inspect,
    select,
)

from ledger.projections.definition import Row
from ledger.projections.engine.generations import Generation
from ledger.projections.engine.writing import column_names

SAMPLE = 5
PAGE = 5000

Entry = tuple[tuple[Any, ...], int, Row]
"""What a row is ordered by, which side it is of, and the row."""


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
    differences = []
    for declared in new.tables:
        old_table = _stored_table(old_reader, f"{declared.name}_g{old.id}")
        new_table = _stored_table(new_reader, f"{declared.name}_g{new.id}")
        old_columns, new_columns = column_names(old_table.c), column_names(new_table.c)
        key_columns = column_names(declared.primary_key)
        difference = Difference(
            table=declared.name,
            columns=tuple(name for name in new_columns if name in old_columns),
            only_before=tuple(name for name in old_columns if name not in new_columns),
            only_after=tuple(name for name in new_columns if name not in old_columns),
        )
        if set(key_columns) <= set(difference.columns):
            old_rows = _rows(old_reader, old_table, difference.columns, key_columns)
            new_rows = _rows(new_reader, new_table, difference.columns, key_columns)
            _compare_rows(difference, key_columns, old_rows, new_rows)
        else:  # rows with other keys are different rows
            difference.rows = [_count(old_reader, old_table), _count(new_reader, new_table)]
            difference.differing = sum(difference.rows)
        differences.append(difference)
    return differences


def _stored_table(connection: Connection, name: str) -> Table:
    """Return a table with the columns it really has, since other code may have created it."""
    schema = inspect(connection)
    columns = schema.get_columns(name) if schema.has_table(name) else []
    return Table(name, MetaData(), *(Column(each["name"], each["type"]) for each in columns))


def _count(connection: Connection, table: Table) -> int:
    query = select(func.count()).select_from(table)
    return connection.scalar(query) or 0 if table.columns else 0


def _rows(
    connection: Connection, table: Table, columns: tuple[str, ...], key_columns: list[str]
) -> Iterator[Row]:
    """Read rows in the order of their keys, which both databases compare by bytes."""
    order: list[ColumnElement[Any]] = [table.c[name] for name in key_columns]
    if connection.dialect.name == "postgresql":
        order = [key.collate("C") if key.type.python_type is str else key for key in order]
    query: Any = select(*map(column, columns)).select_from(table).order_by(*order)
    rows = connection.execute(query.execution_options(yield_per=PAGE))
    return map(dict, rows.mappings())


def _compare_rows(
    difference: Difference, key_columns: list[str], old_rows: Iterator[Row], new_rows: Iterator[Row]
) -> None:
    digests = [0, 0]
    sides = [_entries(side, rows, key_columns) for side, rows in enumerate((old_rows, new_rows))]
    for _, entries in groupby(merge(*sides, key=itemgetter(0)), key=itemgetter(0)):
        row_by_side = {side: row for _, side, row in entries}
        for side, row in row_by_side.items():
            difference.rows[side] += 1
            digests[side] = (digests[side] + _digest(row)) % 2**64
        old, new = row_by_side.get(0), row_by_side.get(1)
        if old != new:
            difference.differing += 1
            if len(difference.sample) < SAMPLE:
                key = tuple((old or new or {})[name] for name in key_columns)
                difference.sample.append((key, old, new))
    difference.digests = [f"{digest:016x}" for digest in digests]


def _entries(side: int, rows: Iterator[Row], key_columns: list[str]) -> Iterator[Entry]:
    for row in rows:
        key = tuple(row[name] for name in key_columns)
        yield tuple(cell.encode() if isinstance(cell, str) else cell for cell in key), side, row


def _digest(row: Row) -> int:
    line = "\x1f".join(f"{name}={value}" for name, value in row.items())
    return int.from_bytes(hashlib.blake2b(line.encode(), digest_size=8).digest(), "big")
