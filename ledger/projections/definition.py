"""Declare read models: their tables, and the rows that one event produces."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from typing import Any, Protocol

import msgspec
from sqlalchemy import Column, Index, Select, Table, text

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.aggregates.event_catalogue import EVENT_CLASSES

Value = str | int | float | None
Row = dict[str, Value]
Rows = Iterator[tuple[Table, Row]]

REPLACE = "replace"  # a later value counts; a missing one leaves the earlier
FIRST = "first"  # the first value stays
ADD = "add"
MIN = "min"
MAX = "max"


def merged(how: str, *arguments: Any, **options: Any) -> Column[Any]:
    """Declare a column and how a later value of a row is merged with an earlier one."""
    return Column(*arguments, info={"merge": how}, **options)


def merge_of(column: Column[Any]) -> str:
    """Return how values of a column are merged."""
    return str(column.info.get("merge", REPLACE))


def _record_fields() -> list[tuple[str, Any, Any]]:
    """Return name, type and default of what is stored of an event, from the event classes."""
    by_name: dict[str, tuple[str, Any, Any]] = {}
    event_classes: list[type[LedgerAggregate.Event]] = [
        LedgerAggregate.Event,
        *EVENT_CLASSES.values(),
    ]
    for event_class in event_classes:
        for field in fields(event_class):
            if field.name not in _NOT_IN_STATE:
                type_ = _as_stored(field.type)
                default = msgspec.NODEFAULT if field.default is MISSING else field.default
                by_name.setdefault(field.name, (field.name, type_, default))
    return list(by_name.values())


_NOT_IN_STATE = {"originator_id", "originator_version", "details", "personal"}


def _as_stored(type_: Any) -> Any:
    if type_ == datetime | None:
        return str | None
    return str if type_ in (datetime, "datetime") else type_


class EventRecord(msgspec.defstruct("StoredFields", _record_fields())):  # type: ignore[misc]  # made from the event classes
    """What read models read of a stored event: the fields of its class, and where it is stored.

    Shape: instants are text in UTC, as they are stored; a field that only other classes have holds
    the default that it has there.
    """

    class_version: int = 1
    position: int = 0
    originator_id: str = ""
    version: int = 0
    topic: str = ""

    def taken(self) -> Mapping[str, str | int]:
        """Return the facts that became the state."""
        facts: dict[str, str | int] = self.facts
        return facts if self.moved is None else {name: facts[name] for name in self.moved}


@dataclass(frozen=True)
class Summed:
    """A table of sums over another: groups are large, so only differences are added.

    Shape: `select(source)` reads groups; its columns are those of `table`, measures that add up,
    or the minimum or maximum of rows that never change. `touched` names the column of the source
    by which the rows that a batch changes are selected. A group whose `count` falls to 0 goes.
    """

    table: Table
    source: Table
    touched: str
    select: Callable[[Table], Select[Any]]


@dataclass(frozen=True)
class Regrouped:
    """A table of small groups over another: the groups that a batch changes are read again.

    Shape: `select(source)` reads groups; `select(source, group_keys)` reads only those whose
    `key_column` is among the keys. The columns are those of `table`. `select_keys(source, row_ids)`
    reads the keys of the groups to which rows of the source, by their ids, belong.
    """

    table: Table
    source: Table
    key_column: str
    select: "SelectGroups"
    select_keys: Callable[[Table, Select[Any]], Select[Any]]


class SelectGroups(Protocol):
    def __call__(self, source: Table, group_keys: Select[Any] | None = None, /) -> Select[Any]: ...


@dataclass(frozen=True)
class Projection:
    """One read model.

    Shape: `produce` returns the rows of `tables` that one event produces; names that are no columns
    are ignored, columns that are not named stay as they are. `kinds` are the first words of the
    topics it reads; None reads all.
    """

    name: str
    tables: tuple[Table, ...]
    produce: Callable[[EventRecord], Rows]
    groupings: tuple[Summed | Regrouped, ...] = ()
    kinds: tuple[str, ...] | None = None

    @property
    def all_tables(self) -> tuple[Table, ...]:
        return self.tables + tuple(grouping.table for grouping in self.groupings)


@dataclass(frozen=True, slots=True)
class IndexOf:
    """A secondary index.

    Shape: `where` is a condition in SQL that limits the index to some rows; only a query that
    repeats it word for word is answered by the index.
    """

    columns: tuple[str, ...]
    where: str | None = None

    def made_on(self, table: Table, number: int) -> Index:
        """Return it as an index of this table."""
        where = None if self.where is None else text(self.where)
        columns = [table.c[name] for name in self.columns]
        name = f"ix_{table.name}_{number}"
        return Index(name, *columns, sqlite_where=where, postgresql_where=where)


def indexes_of(table: Table) -> list[IndexOf]:
    """Return the secondary indexes of a read model's table, created after a bulk load."""
    whole = [IndexOf(columns) for columns in table.info.get("indexes", ())]
    partial = [
        IndexOf(columns, where)
        for where, column_lists in table.info.get("partial_indexes", {}).items()
        for columns in column_lists
    ]
    return whole + partial
