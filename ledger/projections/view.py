"""How a read model is declared: its tables, and the rows that one event brings to them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from sqlalchemy import Column, Index, Select, Table, text

Value = str | int | float | None
Row = dict[str, Value]
Rows = Iterator[tuple[Table, Row]]

REPLACE = "replace"  # what is told later counts; what is not told stays
FIRST = "first"  # what was told first stays
ADD = "add"
MIN = "min"
MAX = "max"


def merged(how: str, *arguments: Any, **options: Any) -> Column[Any]:
    """A column that says how a later value of the same row meets an earlier one."""
    return Column(*arguments, info={"merge": how}, **options)


def merge_of(column: Column[Any]) -> str:
    return str(column.info.get("merge", REPLACE))


class StoredView(msgspec.Struct):
    """What views read of a stored event. Shape: moments are text in UTC, as they are stored."""

    timestamp: str
    notification_id: str
    received_at: str
    shop_id: str
    mode: str
    reference: str
    rule: str
    rule_certainty: str
    facts: dict[str, str | int]
    moved: list[str] | None = None
    source: str | None = None
    told_at: str | None = None
    occurred_at: str | None = None
    late: bool = False
    contradiction: bool = False
    odd: list[str] | None = None
    uuid: str | None = None
    status: str | None = None
    subscription_id: str = ""
    alias: str = ""
    class_version: int = 1
    position: int = 0
    originator_id: str = ""
    version: int = 0
    topic: str = ""

    def taken(self) -> Mapping[str, str | int]:
        """The facts that became the state."""
        if self.moved is None:
            return self.facts
        facts = self.facts
        return {name: facts[name] for name in self.moved}


@dataclass(frozen=True)
class Summed:
    """A table of sums over another: groups are large, so only differences are added.

    Shape: `select(source)` reads groups; its columns are those of `table`, measures that add up,
    or the minimum or maximum of rows that never change. `touched` names the column of the source
    that says which of its rows a batch has touched. A group whose `count` falls to 0 goes.
    """

    table: Table
    source: Table
    touched: str
    select: Callable[[Table], Select[Any]]


@dataclass(frozen=True)
class Regrouped:
    """A table of small groups over another: the groups touched are read again.

    Shape: `select(source)` reads groups, or only those that `keys` reads the keys of; its columns
    are those of `table`; `key` is the column by which groups are told apart enough to be read
    again. `keys(source, ids)` finds the keys of the groups that some rows of the source, by their
    `id`, belong to; `ids` reads these ids.
    """

    table: Table
    source: Table
    key: str
    select: "SelectGroups"
    keys: Callable[[Table, Select[Any]], Select[Any]]


class SelectGroups(Protocol):
    def __call__(self, source: Table, keys: Select[Any] | None = None, /) -> Select[Any]: ...


@dataclass(frozen=True)
class Projection:
    """One read model. Shape: `rows` gives what one event brings to `tables`; names that are no
    columns are passed over, columns that are not named are not told.

    `kinds` are the first words of the topics it reads; None reads all.
    """

    name: str
    tables: tuple[Table, ...]
    rows: Callable[[StoredView], Rows]
    groupings: tuple[Summed | Regrouped, ...] = ()
    kinds: tuple[str, ...] | None = None

    @property
    def all_tables(self) -> tuple[Table, ...]:
        return self.tables + tuple(one.table for one in self.groupings)


@dataclass(frozen=True, slots=True)
class IndexOf:
    """A secondary index. Shape: `where` is a condition in SQL; rows it does not hold for are left
    out of the index, and only a query that says the same word for word is answered by it."""

    columns: tuple[str, ...]
    where: str | None = None

    def made_on(self, table: Table, number: int) -> Index:
        """The same as an index of a table that has these columns."""
        where = None if self.where is None else text(self.where)
        columns = [table.c[name] for name in self.columns]
        name = f"ix_{table.name}_{number}"
        return Index(name, *columns, sqlite_where=where, postgresql_where=where)


def indexes_of(table: Table) -> list[IndexOf]:
    """The secondary indexes of a view's table; made after a rebuild has filled it."""
    whole = [IndexOf(columns) for columns in table.info.get("indexes", ())]
    partial = table.info.get("partial_indexes", {}).items()
    return whole + [IndexOf(columns, where) for where, several in partial for columns in several]
