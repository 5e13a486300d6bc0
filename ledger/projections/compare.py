"""Compares two generations of a view row by row: counts, digests, and what differs."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, func, inspect, select
from sqlalchemy import column as column_
from sqlalchemy import table as table_

from ledger.projections.generations import Generation, tables_of
from ledger.projections.registry import projection
from ledger.projections.view import Row

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
        """Whether everything that both have columns for is the same."""
        return self.differing == 0


def compare(
    before: Connection, old: Generation, after: Connection, new: Generation
) -> list[Difference]:
    """Compare every table of two generations, each read within its own snapshot."""
    view = projection(new.name)
    return [
        _compare_table(before, f"{declared.name}_g{old.id}", after, table, declared.name)
        for declared, table in tables_of(view, new.id).items()
    ]


def _compare_table(
    before: Connection, old_name: str, after: Connection, new: Table, name: str
) -> Difference:
    new_columns, old_columns = _columns(after, new.name), _columns(before, old_name)
    keys = [one.name for one in new.primary_key]
    shared = tuple(one for one in new_columns if one in old_columns)
    told = Difference(
        table=name,
        columns=shared,
        only_before=tuple(one for one in old_columns if one not in new_columns),
        only_after=tuple(one for one in new_columns if one not in old_columns),
    )
    if not set(keys) <= set(shared):  # rows that are told apart otherwise are others
        told.rows = [_count(before, old_name), _count(after, new.name)]
        told.differing = sum(told.rows)
        return told
    old_rows = _rows(before, old_name, shared, keys)
    _merge(told, keys, old_rows, _rows(after, new.name, shared, keys))
    return told


def _columns(connection: Connection, name: str) -> list[str]:
    """Those the table has in truth, which other code may have made; none when it is not there."""
    found = inspect(connection)
    return [one["name"] for one in found.get_columns(name)] if found.has_table(name) else []


def _count(connection: Connection, name: str) -> int:
    if not inspect(connection).has_table(name):
        return 0
    return int(connection.scalar(select(func.count()).select_from(table_(name))) or 0)


def _rows(
    connection: Connection, name: str, columns: tuple[str, ...], keys: list[str]
) -> Iterator[Row]:
    """Rows in the order of their keys, which both databases are told to compare byte by byte."""
    source = table_(name, *(column_(one) for one in columns))
    is_postgresql = connection.dialect.name == "postgresql"
    order = [source.c[one] for one in keys]
    if is_postgresql:
        order = [_bytewise(connection, name, source.c[one]) for one in keys]
    query = select(source).order_by(*order).execution_options(yield_per=PAGE)
    for row in connection.execute(query).mappings():
        yield dict(row)


def _bytewise(connection: Connection, name: str, column: Any) -> Any:
    types = {one["name"]: one["type"] for one in inspect(connection).get_columns(name)}
    return column.collate("C") if types[column.name].python_type is str else column


def _merge(told: Difference, keys: list[str], before: Iterator[Row], after: Iterator[Row]) -> None:
    sums = [0, 0]
    one, other = next(before, None), next(after, None)
    while one is not None or other is not None:
        side = _side(one, other, keys)
        old, new = (one if side <= 0 else None), (other if side >= 0 else None)
        for index, row in enumerate((old, new)):
            if row is not None:
                told.rows[index] += 1
                sums[index] = (sums[index] + _digest(row)) % 2**64
        if old != new:
            told.differing += 1
            if len(told.sample) < SAMPLE:
                key = tuple((old or new or {})[name] for name in keys)
                told.sample.append((key, old, new))
        one = next(before, None) if side <= 0 else one
        other = next(after, None) if side >= 0 else other
    told.digests = [f"{one:016x}" for one in sums]


def _side(one: Row | None, other: Row | None, keys: list[str]) -> int:
    """-1 when the first row comes before the second, 1 when after, 0 when they have one key."""
    if one is None or other is None:
        return 1 if one is None else -1
    mine, theirs = _key(one, keys), _key(other, keys)
    return (mine > theirs) - (mine < theirs)


def _key(row: Row, keys: list[str]) -> tuple[Any, ...]:
    values = [row[name] for name in keys]
    return tuple(one.encode() if isinstance(one, str) else one for one in values)


def _digest(row: Row) -> int:
    told = "\x1f".join(f"{name}={value}" for name, value in row.items())
    return int.from_bytes(hashlib.blake2b(told.encode(), digest_size=8).digest(), "big")
