"""How a read model is declared: its tables, and the rows that one event brings to them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from typing import Any, Protocol

import msgspec
from sqlalchemy import Column, Index, Select, Table, text

from ledger.aggregates.observed import Observed
from ledger.vocabulary import EVENT_CLASSES

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


def _record_fields() -> list[tuple[str, Any, Any]]:
    """Return name, type and default of what is stored of an event, from the event classes."""
    by_name: dict[str, tuple[str, Any, Any]] = {}
    event_classes: list[type[Observed.Event]] = [Observed.Event, *EVENT_CLASSES.values()]
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


class StoredView(msgspec.defstruct("StoredFields", _record_fields())):  # type: ignore[misc]  # made from the event classes
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
