"""Declare read models: their tables, and the rows that one event produces."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from typing import Any, Protocol

import msgspec
from sqlalchemy import BigInteger, Column, Index, Integer, Select, Table, Text, text

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.aggregates.basis import ASKED, TOLD
from ledger.aggregates.event_catalogue import EVENT_CLASSES
from ledger.aggregates.transaction import Transaction
from ledger.projections.details import Details, HarmlessDetail
from ledger.storage.columns import SUMMARISED, AsciiLower

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


def key_columns(*names: str) -> list[Column[Any]]:
    """Declare the columns of a primary key of texts."""
    return [Column(name, Text, primary_key=True) for name in names]


def fact_columns(*names: str) -> list[Column[Any]]:
    """Declare columns of the names of facts: texts, and amounts."""
    return [Column(name, BigInteger if name == "amount_minor" else Text) for name in names]


DOUBT = "is_doubtful"
"""A column of 1 while only doubtful notifications have filled a row, else 0. The first one that is
not doubtful fills the row anew, so that nothing remains of what the doubtful ones said."""


def doubt_column() -> Column[Any]:
    """Declare the column that says whether a row is doubtful; it never becomes so again."""
    return merged(MIN, DOUBT, Integer, nullable=False)


CONTINUED = "is_continued"
"""A column of 1 in the row of a stream that goes on in another one, which has all of it; else 0."""


def continued_column() -> Column[Any]:
    """Declare the column that says whether another row stands for this one."""
    return merged(MAX, CONTINUED, Integer, nullable=False)


def stream_columns(*own_columns: Column[Any]) -> tuple[Column[Any], ...]:
    """Declare the columns of a table with a row for each stream: its own, and the common ones."""
    return (
        Column("id", Text, primary_key=True),
        merged(FIRST, "shop_id", Text, nullable=False),
        merged(FIRST, "mode", Text, nullable=False),
        *own_columns,
        doubt_column(),
        Column("basis", Text, nullable=False),  # of the weakest of its facts
        merged(MIN, "first_seen_at", Text, nullable=False),
        Column("last_changed_at", Text, nullable=False),
        merged(ADD, "version", Integer, nullable=False),
    )


def _record_fields() -> list[tuple[str, Any, Any]]:
    """Return name, type and default of what is stored of an event, from the event classes."""
    classes: list[type[LedgerAggregate.Event]] = [LedgerAggregate.Event, *EVENT_CLASSES.values()]
    field_by_name = {field.name: field for class_ in reversed(classes) for field in fields(class_)}
    return [
        (
            name,
            _STORED_TYPES.get(field.type, field.type),
            msgspec.NODEFAULT if field.default is MISSING else field.default,
        )
        for name, field in field_by_name.items()
        if name not in _NOT_IN_STATE
    ]


_NOT_IN_STATE = {"originator_id", "originator_version", "details", "personal"}
_STORED_TYPES: dict[Any, Any] = {datetime: str, "datetime": str, datetime | None: str | None}


class EventRecord(msgspec.defstruct("StoredFields", _record_fields(), kw_only=True)):  # type: ignore[misc]  # made from the event classes
    """What read models read of a stored event: the fields of its class, and where it is stored.

    Shape: instants are text in UTC, as they are stored; a field that only other classes have holds
    the default that it has there.
    """

    class_version: int = 1
    position: int = 0
    originator_id: str = ""
    version: int = 0
    topic: str = ""
    stored_details: Details = msgspec.UNSET

    @property
    def first_seen_at(self) -> str:
        """Return since when its object is known: a stream that joins may be the older one."""
        timestamp: str = self.timestamp
        return min(timestamp, self.other_first_seen_at or timestamp)

    @property
    def is_continued(self) -> int:
        """Return 1 if its stream goes on in another one from here on, else 0."""
        return int(self.topic == Transaction.Continued.TOPIC)

    @property
    def is_doubtful(self) -> int:
        """Return 1 if the event came from a doubtful notification, else 0."""
        return 0 if self.doubtful is None else 1

    @property
    def basis(self) -> str:
        """Return what the event rests on: told or asked."""
        return ASKED if self.answered else TOLD

    def taken(self) -> Mapping[str, str | int]:
        """Return the facts that became the state."""
        all_facts: dict[str, str | int] = self.facts
        if self.moved is None:
            return all_facts
        return {name: all_facts[name] for name in self.moved}

    def detail(self, detail: HarmlessDetail) -> str | None:
        """Return a detail that a projection has named, if the event counts for the state.

        Shape: None for late news, for what contradicts, and for what is doubtful and moved no fact:
        it stands beside what others have established, and replaces nothing of it.
        """
        text = detail.within(self.stored_details)
        is_beside = bool(self.is_doubtful) and not self.taken()
        return None if self.late or self.contradiction or is_beside else text


def stream_row(event: EventRecord, fact_values: Mapping[str, Value]) -> Row:
    """Return a row with the common columns of a stream, and facts in columns of their names."""
    return {
        **fact_values,
        "id": event.originator_id,
        "shop_id": event.shop_id,
        "mode": event.mode,
        DOUBT: event.is_doubtful,
        "basis": ASKED if event.unconfirmed else TOLD,
        "first_seen_at": event.first_seen_at,
        "last_changed_at": event.timestamp,
        "version": 1 + event.other_version,
    }


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
    topics it reads; None reads all. `harmless_details` are what it reads beside facts.
    """

    name: str
    tables: tuple[Table, ...]
    produce: Callable[[EventRecord], Rows]
    groupings: tuple[Summed | Regrouped, ...] = ()
    kinds: tuple[str, ...] | None = None
    harmless_details: tuple[HarmlessDetail, ...] = ()

    @property
    def all_tables(self) -> tuple[Table, ...]:
        return self.tables + tuple(grouping.table for grouping in self.groupings)


def indexes_of(table: Table) -> list[Index]:
    """Make the secondary indexes of a read model's table, created after a bulk load.

    Shape: a condition in SQL limits a partial index to some rows; only a query that repeats it word
    for word is answered by the index. `any_case_indexes` names columns that are looked up in any
    case, `block_indexes` those that grow with each row: on PostgreSQL what is looked for is the few
    blocks that may hold it (BRIN), in a fiftieth of the room.
    """
    lists_by_condition = {None: table.info.get("indexes", ())} | table.info.get(
        "partial_indexes", {}
    )
    indexes = [
        (columns, None if condition is None else text(condition))
        for condition, column_lists in lists_by_condition.items()
        for columns in column_lists
    ]
    listed = [
        Index(
            f"ix_{table.name}_{number}",
            *(table.c[name] for name in columns),
            sqlite_where=where,
            postgresql_where=where,
        )
        for number, (columns, where) in enumerate(indexes)
    ]
    by_block = [
        Index(
            f"ix_{table.name}_{name}",
            table.c[name],
            postgresql_using="brin",
            postgresql_with=SUMMARISED,
        )
        for name in table.info.get("block_indexes", ())
    ]
    in_any_case = [
        Index(f"ix_{table.name}_{name}", AsciiLower(table.c[name]))
        for name in table.info.get("any_case_indexes", ())
    ]
    return listed + by_block + in_any_case
