"""Turn stored events into row changes: purely, alike when following and when rebuilding."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import add, itemgetter
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET
from sqlalchemy import Table

from ledger.aggregates.event_catalogue import EVENT_CLASSES
from ledger.instants import write_instant
from ledger.ipn.storable import storable
from ledger.projections.definition import (
    ADD,
    DOUBT,
    FIRST,
    MAX,
    MIN,
    REPLACE,
    EventRecord,
    Projection,
    Row,
    merge_of,
)
from ledger.storage.event_mapper import EventMapper, StoredEntry

StoredRow = tuple[int, str, int, str, bytes] | tuple[int, str, int, str, bytes, bytes | None]
"""position, originator_id as 32 hex digits, originator_version, topic, state; details if read"""


class _Version(msgspec.Struct):
    class_version: int = 1


_decode = msgspec.json.Decoder(EventRecord).decode
_decode_version = msgspec.json.Decoder(_Version).decode
_mapper = EventMapper()


@dataclass(frozen=True, slots=True)
class Poison:
    """An event that a read model could not apply, and skipped."""

    position: int
    topic: str
    error: str


@dataclass(frozen=True, slots=True)
class RowChanges:
    """The rows that a batch of events produces, by table.

    Shape: `rows_by_table` holds one row per key, as it stands after the batch. Where a table has a
    row for each stream or for each event, `new_rows_by_table` holds those among them that begin in
    the batch: their keys cannot be there yet. `begins_at` is the first event's position.
    """

    rows_by_table: dict[Table, list[Row]]
    new_rows_by_table: dict[Table, list[Row]]
    poison: list[Poison]
    begins_at: int


def decode_event(stored: StoredRow) -> EventRecord:
    """Decode what read models need of a stored event; upcast it when it is of an old version."""
    position, originator_id, version, topic, state, *rest = stored
    current = getattr(EVENT_CLASSES[topic], "class_version", 1)
    try:
        event = _decode(state)
        is_old = event.class_version != current
    except msgspec.ValidationError:  # an old version may lack what every event has today
        is_old = _decode_version(state).class_version != current
        if not is_old:
            raise
    if is_old:
        event = _upcast(stored)
    event.position, event.originator_id = position, originator_id
    event.version, event.topic = version, topic
    event.stored_details = rest[0] if rest else UNSET
    return event


def decode_once() -> Callable[[StoredRow], EventRecord]:
    """Return what decodes an event for the first read model, and remembers it for the next."""
    records: dict[int, EventRecord] = {}

    def decode(stored: StoredRow) -> EventRecord:
        if stored[0] not in records:
            records[stored[0]] = decode_event(stored)
        return records[stored[0]]

    return decode


def _upcast(stored: StoredRow) -> EventRecord:
    _, originator_id, version, topic, state, *_ = stored
    event = _mapper.to_domain_event(StoredEntry(UUID(originator_id), version, topic, state))
    fields = {name: getattr(event, name) for name in _STATE_FIELDS if hasattr(event, name)}
    return EventRecord(
        **{
            name: write_instant(fact) if isinstance(fact, datetime) else fact
            for name, fact in fields.items()
        }
    )


_STATE_FIELDS = {*EventRecord.__struct_fields__} - {*EventRecord.__annotations__}


def fold(
    model: Projection,
    stored_events: Sequence[StoredRow],
    decode: Callable[[StoredRow], EventRecord] = decode_event,
) -> RowChanges:
    """Return the row changes that stored events produce; skip events that cannot be applied.

    Shape: `decode` may return events it has decoded before, when several models read the same.
    """
    merged = {table: _MergedRows(table) for table in model.tables}
    skipped = []
    for stored in stored_events:
        try:
            produced = list(model.produce(decode(stored)))
        except Exception as error:  # noqa: BLE001  whatever it is, it must not stop other events
            skipped.append(poison(stored, error))
            continue
        for table, row in produced:
            merged[table].add(row, stored)
    return RowChanges(
        {table: list(rows.by_key.values()) for table, rows in merged.items() if rows.by_key},
        {table: rows.new_rows for table, rows in merged.items() if rows.new_rows},
        skipped,
        begins_at=stored_events[0][0] if stored_events else 0,
    )


def poison(stored: StoredRow, error: Exception) -> Poison:
    """Describe an event that could not be applied, in words that every database can store."""
    return Poison(stored[0], stored[3], storable(f"{type(error).__name__}: {error}")[:500])


class _MergedRows:
    """The rows of one table by key. A column that an event does not fill stays as it was."""

    def __init__(self, table: Table) -> None:
        self.by_key: dict[Any, Row] = {}
        self.new_rows: list[Row] = []
        key_columns = [str(column.name) for column in table.primary_key]
        self._is_of_events = key_columns == ["position"]
        self._key: Callable[[Row], Any] = itemgetter(*key_columns)
        self._is_doubted = DOUBT in table.columns
        self._replaced = {
            str(column.name) for column in table.columns if merge_of(column) == REPLACE
        }.difference(key_columns)
        self._merges = {
            str(column.name): _MERGES[merge_of(column)]
            for column in table.columns
            if merge_of(column) != REPLACE
        }

    def add(self, row: Row, stored: StoredRow) -> None:
        key = self._key(row)
        known = self.by_key.setdefault(key, row)
        if known is not row:
            self._merge(known, row)
        elif self._begins_with(stored, key):
            self.new_rows.append(row)  # later rows of the batch with this key are merged into it

    def _merge(self, known_row: Row, row: Row) -> None:
        if self._is_doubted and known_row[DOUBT] and not row[DOUBT]:
            for name in self._replaced:
                known_row.pop(name, None)
        for name, value in row.items():
            if value is None:
                continue
            merge = self._merges.get(name)
            earlier = known_row.get(name)
            if merge is not None and earlier is not None:
                value = merge(earlier, value)
            known_row[name] = value

    def _begins_with(self, stored: StoredRow, key: Any) -> bool:
        if self._is_of_events:
            return bool(key == stored[0])
        return stored[2] == 1 and bool(key == stored[1])


_MERGES: Mapping[str, Callable[[Any, Any], Any]] = {
    ADD: add,
    FIRST: lambda earlier, _later: earlier,
    MIN: min,
    MAX: max,
}
