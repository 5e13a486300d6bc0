"""Cut a table into ranges of its keys, so that several can compare it side by side."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, select, tuple_

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class KeyRange:
    """The rows whose key does not stand before `start`, but before `end`.

    Shape: each is the first values of a key, or None where the range has no bound.
    """

    start: Key | None = None
    end: Key | None = None

    def conditions(self, key_elements: Sequence[ColumnElement[Any]]) -> list[ColumnElement[bool]]:
        """Return the conditions on the columns of a key, in its order."""
        conditions = []
        if self.start is not None:
            conditions.append(tuple_(*key_elements[: len(self.start)]) >= tuple_(*self.start))
        if self.end is not None:
            conditions.append(tuple_(*key_elements[: len(self.end)]) < tuple_(*self.end))
        return conditions

    def holds(self, key: Key) -> bool:
        """Return True if a key stands in the range."""
        is_late_enough = self.start is None or key[: len(self.start)] >= self.start
        return is_late_enough and (self.end is None or key[: len(self.end)] < self.end)


EVERYTHING = KeyRange()
PARTS = 16
"""Into so many a small ledger is cut, as long as they have `SMALLEST` rows; a large one into more.
"""
SMALLEST, LARGEST = 500, 10_000
"""Rows of a part: it is to be worth a unit of its own, and to fit into memory."""


def part_size(row_count: int, *, largest: int = LARGEST) -> int:
    """Return how many of so many rows a part has, whoever does it."""
    return min(largest, max(SMALLEST, row_count // PARTS))


def ranges_of_ids(count: int) -> list[KeyRange]:
    """Cut the ids of streams, which are spread evenly, into so many ranges without reading one."""
    starts = [(f"{(number << 32) // count:08x}",) for number in range(1, count)]
    return _between(starts)


def ranges_of_positions(until: int, size: int) -> list[KeyRange]:
    """Cut positions, of which nearly all are there, into ranges of so many."""
    return _between([(start,) for start in range(size + 1, until + 1, size)])


def ranges_of_rows(
    connection: Connection,
    row_source: FromClause,
    key_elements: Sequence[ColumnElement[Any]],
    size: int,
) -> list[KeyRange]:
    """Cut rows into ranges of about so many, walking over their keys alone."""
    starts: list[Key] = []
    query = select(*key_elements).select_from(row_source).order_by(*key_elements).limit(1)
    start = connection.execute(query.offset(size)).first()
    while start is not None:
        starts.append(tuple(start))
        further = query.where(tuple_(*key_elements) > tuple_(*starts[-1])).offset(size - 1)
        start = connection.execute(further).first()
    return _between(starts)


def _between(starts: Sequence[Key]) -> list[KeyRange]:
    bounds: Iterator[tuple[Key | None, Key | None]]
    bounds = zip((None, *starts), (*starts, None), strict=True)
    return [KeyRange(start, end) for start, end in bounds]
