"""Compare two generations of a read model row by row: counts, digests, and what differs."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    FromClause,
    MetaData,
    Table,
    func,
    inspect,
    select,
)

from ledger.projections.definition import Row
from ledger.projections.engine.generations import Generation
from ledger.projections.engine.key_ranges import (
    EVERYTHING,
    KeyRange,
    ranges_of_ids,
    ranges_of_rows,
)
from ledger.projections.engine.writing import column_names

SAMPLE = 5
PAGE = 5000

Entry = tuple[tuple[Any, ...], int, Row]
"""What a row is ordered by, which side it is of, and the row."""


DifferingRow = tuple[tuple[Any, ...], Row | None, Row | None]
"""The key of a row, how it is before and after; None where there is none."""


@dataclass
class Difference:
    """How one table of two generations compares, over the columns that both have.

    Shape: `digests` are order-independent, 16 hex digits each; `sample` holds the first few
    differing rows, at most `sample_max`.
    """

    table: str
    columns: tuple[str, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    rows: list[int] = field(default_factory=lambda: [0, 0])
    digests: list[str] = field(default_factory=lambda: ["", ""])
    differing: int = 0
    sample: list[DifferingRow] = field(default_factory=list)
    sample_max: int = SAMPLE

    @property
    def is_identical(self) -> bool:
        return not (self.differing or self.only_before or self.only_after)

    @property
    def has_same_rows(self) -> bool:
        """Return True if the columns that both have hold the same rows."""
        return self.differing == 0


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared: a table or a query, and who reads its rows."""

    connection: Connection
    row_source: FromClause


def compare(
    old_reader: Connection, old: Generation, new_reader: Connection, new: Generation
) -> list[Difference]:
    """Compare every table of two generations, each read within its own snapshot."""
    return [
        compare_table(old_reader, old, new_reader, new, declared_table)
        for declared_table in new.tables
    ]


def compare_table(
    old_reader: Connection,
    old: Generation,
    new_reader: Connection,
    new: Generation,
    declared_table: Table,
    key_range: KeyRange = EVERYTHING,
) -> Difference:
    """Compare a table of two generations, or those of its rows whose keys are in a range."""
    sides = _stored_sides(old_reader, old, new_reader, new, declared_table)
    return compare_sides(declared_table, *sides, key_range)


def cut_table(
    old_reader: Connection,
    old: Generation,
    new_reader: Connection,
    new: Generation,
    declared_table: Table,
    size: int,
) -> list[KeyRange]:
    """Cut a table of two generations into ranges of about `size` rows, each to compare alone.

    Shape: one range of everything where their rows have no key in common.
    """
    sides = _stored_sides(old_reader, old, new_reader, new, declared_table)
    key_columns = column_names(declared_table.primary_key)
    if any(name not in side.row_source.c for side in sides for name in key_columns):
        return [EVERYTHING]
    if key_columns[0] == "id":
        row_count = max(_count(side) for side in sides)
        return ranges_of_ids(-(-row_count // size) or 1)
    new_side = sides[1]
    return ranges_of_rows(new_reader, new_side.row_source, _in_bytes(new_side, key_columns), size)


def add_difference(difference_by_table: dict[str, Difference], following: Difference) -> None:
    """Add how the rows compare whose keys follow those of the same table that are there."""
    known = difference_by_table.setdefault(following.table, following)
    if known is not following:
        known.rows = [sum(counts) for counts in zip(known.rows, following.rows, strict=True)]
        pairs = zip(known.digests, following.digests, strict=True)
        known.digests = [_sum_digests(int(digest, 16) for digest in pair) for pair in pairs]
        known.differing += following.differing
        known.sample = (known.sample + following.sample)[: known.sample_max]


def compare_sides(
    declared_table: Table,
    old_side: Side,
    new_side: Side,
    key_range: KeyRange = EVERYTHING,
    *,
    cut_by: Sequence[str] = (),
    sample_max: int = SAMPLE,
) -> Difference:
    """Compare the rows of two sides that have the keys of a declared table.

    Shape: a range is one of the whole key, unless it is cut by other columns.
    """
    old_columns, new_columns = (
        [str(name) for name in side.row_source.c.keys()]  # noqa: SIM118  it iterates columns
        for side in (old_side, new_side)
    )
    key_columns = column_names(declared_table.primary_key)
    difference = Difference(
        table=declared_table.name,
        columns=tuple(name for name in new_columns if name in old_columns),
        only_before=tuple(name for name in old_columns if name not in new_columns),
        only_after=tuple(name for name in new_columns if name not in old_columns),
        sample_max=sample_max,
    )
    if set(key_columns) <= set(difference.columns):
        rows_by_side = []
        for side in (old_side, new_side):
            conditions = key_range.conditions(_in_bytes(side, cut_by or key_columns))
            rows_by_side.append(_rows(side, difference.columns, key_columns, conditions))
        _compare_rows(difference, key_columns, *rows_by_side)
    else:  # rows with other keys are different rows
        difference.rows = [_count(old_side), _count(new_side)]
        difference.differing = sum(difference.rows)
    return difference


def _stored_sides(
    old_reader: Connection,
    old: Generation,
    new_reader: Connection,
    new: Generation,
    declared_table: Table,
) -> tuple[Side, Side]:
    old_table = _stored_table(old_reader, f"{declared_table.name}_g{old.id}")
    new_table = _stored_table(new_reader, f"{declared_table.name}_g{new.id}")
    return Side(old_reader, old_table), Side(new_reader, new_table)


def _stored_table(connection: Connection, name: str) -> Table:
    """Return a table with the columns it really has, since other code may have created it."""
    schema = inspect(connection)
    columns = schema.get_columns(name) if schema.has_table(name) else []
    return Table(name, MetaData(), *(Column(each["name"], each["type"]) for each in columns))


def _count(compared_side: Side) -> int:
    query = select(func.count()).select_from(compared_side.row_source)
    return compared_side.connection.scalar(query) or 0 if len(compared_side.row_source.c) else 0


def _rows(
    compared_side: Side,
    columns: tuple[str, ...],
    key_columns: list[str],
    restrictions: Sequence[ColumnElement[bool]],
) -> Iterator[Row]:
    """Read rows in the order of their keys, which both databases compare by bytes."""
    query = select(*(compared_side.row_source.c[name] for name in columns)).where(*restrictions)
    query = query.order_by(*_in_bytes(compared_side, key_columns))
    rows = compared_side.connection.execute(query.execution_options(yield_per=PAGE))
    return (dict(zip(columns, row, strict=True)) for row in rows)


def _in_bytes(compared_side: Side, names: Sequence[str]) -> list[ColumnElement[Any]]:
    return [in_bytes(compared_side.connection, compared_side.row_source.c[name]) for name in names]


def in_bytes(connection: Connection, element: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a column that is compared by its bytes, as SQLite does anyway."""
    is_text = element.type.python_type is str
    return element.collate("C") if is_text and connection.dialect.name == "postgresql" else element


def _compare_rows(
    difference: Difference, key_columns: list[str], old_rows: Iterator[Row], new_rows: Iterator[Row]
) -> None:
    digests = [0, 0]
    sides = [_entries(side, rows, key_columns) for side, rows in enumerate((old_rows, new_rows))]
    for _, entries in groupby(merge(*sides, key=itemgetter(0)), key=itemgetter(0)):
        row_by_side = {side: row for _, side, row in entries}
        for side, row in row_by_side.items():
            difference.rows[side] += 1
            digests[side] += _digest(row)
        old, new = row_by_side.get(0), row_by_side.get(1)
        if old != new:
            difference.differing += 1
            if len(difference.sample) < difference.sample_max:
                key = tuple((old or new or {})[name] for name in key_columns)
                difference.sample.append((key, old, new))
    difference.digests = [_sum_digests([digest]) for digest in digests]


def _sum_digests(digests: Iterable[int]) -> str:
    return f"{sum(digests) % 2**64:016x}"


def _entries(side: int, rows: Iterator[Row], key_columns: list[str]) -> Iterator[Entry]:
    for row in rows:
        key = tuple(row[name] for name in key_columns)
        yield tuple(cell.encode() if isinstance(cell, str) else cell for cell in key), side, row


def _digest(row: Row) -> int:
    line = "\x1f".join(f"{name}={value}" for name, value in row.items())
    return int.from_bytes(hashlib.blake2b(line.encode(), digest_size=8).digest(), "big")
