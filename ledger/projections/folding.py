"""Folds a batch of stored events into the rows it brings; pure, the same for live and rebuild."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Table

from ledger.ipn.storable import storable
from ledger.projections.view import ADD, FIRST, MAX, MIN, Projection, Row, StoredView, merge_of
from ledger.storage.mapper import EventMapper, StoredEntry, write_moment
from ledger.vocabulary import EVENT_CLASSES

StoredRow = tuple[int, str, int, str, bytes]
"""position, originator_id as 32 hex digits, originator_version, topic, state"""


class _Version(msgspec.Struct):
    class_version: int = 1


_decode = msgspec.json.Decoder(StoredView).decode
_decode_version = msgspec.json.Decoder(_Version).decode
_mapper = EventMapper()


@dataclass(frozen=True, slots=True)
class Poison:
    """An event that a view could not take."""

    position: int
    topic: str
    error: str


@dataclass
class Folded:
    """What a batch brings. Shape: rows by table, one per key, as they stand after the batch.

    `new` are those among them that begin in the batch, where a table has a row for each stream or
    for each event: no row of theirs can be there yet. `begins_at` is the first event's position.
    """

    rows: dict[Table, list[Row]] = field(default_factory=dict)
    new: dict[Table, list[Row]] = field(default_factory=dict)
    poison: list[Poison] = field(default_factory=list)
    begins_at: int = 0


def read_stored(stored: StoredRow) -> StoredView:
    """Read what views need of a stored event; old versions go through their upcasts."""
    position, originator_id, version, topic, state = stored
    current = _class_version(EVENT_CLASSES[topic])
    try:
        event = _decode(state)
        is_old = event.class_version != current
    except msgspec.ValidationError:  # an old version may lack what every event has today
        is_old = _decode_version(state).class_version != current
        if not is_old:
            raise
    if is_old:
        event = _upcast(stored)
    event.position = position
    event.originator_id = originator_id
    event.version = version
    event.topic = topic
    return event


@cache
def _class_version(event_class: type) -> int:
    return getattr(event_class, "class_version", 1)


def _upcast(stored: StoredRow) -> StoredView:
    _, originator_id, version, topic, state = stored
    event = _mapper.to_domain_event(StoredEntry(UUID(originator_id), version, topic, state))
    told = {name: _told(getattr(event, name)) for name in _SHARED if hasattr(event, name)}
    return StoredView(**told)


_SHARED = [
    name
    for name in StoredView.__struct_fields__
    if name not in ("class_version", "position", "originator_id", "version", "topic")
]


def _told(value: Any) -> Any:
    return write_moment(value) if isinstance(value, datetime) else value


def fold(
    projection: Projection,
    events: Sequence[StoredRow],
    read: Callable[[StoredRow], StoredView] = read_stored,
) -> Folded:
    """Bring events to the rows they leave; one that cannot be taken is set aside.

    Shape: `read` gives what it has read before, when several views are brought the same.
    """
    folders = {table: _Folder(table) for table in projection.tables}
    take = {table: folder.take for table, folder in folders.items()}
    folded = Folded(begins_at=events[0][0] if events else 0)
    for stored in events:
        try:
            brought = list(projection.rows(read(stored)))
        except Exception as error:  # noqa: BLE001  whatever it is, it must not stop the others
            folded.poison.append(poison(stored, error))
            continue
        for table, row in brought:
            take[table](row, stored)
    folded.rows = {table: list(one.rows.values()) for table, one in folders.items() if one.rows}
    folded.new = {table: one.new for table, one in folders.items() if one.new}
    return folded


def poison(stored: StoredRow, error: Exception) -> Poison:
    """Say why an event could not be taken, in words that every database stores."""
    return Poison(stored[0], stored[3], storable(f"{type(error).__name__}: {error}")[:500])


class _Folder:
    """Meets the rows of one table by key. What an event does not tell stays as it was."""

    def __init__(self, table: Table) -> None:
        self.rows: dict[Any, Row] = {}
        self.new: list[Row] = []
        keys = [str(column.name) for column in table.primary_key]
        self._is_of_events = keys == ["position"]
        self._key: Callable[[Row], Any] = itemgetter(*keys)
        self._special = {
            str(column.name): merge
            for column in table.columns
            if (merge := merge_of(column)) in (ADD, FIRST, MIN, MAX)
        }

    def take(self, row: Row, stored: StoredRow) -> None:
        key = self._key(row)
        known = self.rows.setdefault(key, row)
        if known is not row:
            self._merge(known, row)
        elif self._begins_with(stored, key):
            self.new.append(row)  # what comes later in the batch is merged into it

    def _merge(self, known: Row, row: Row) -> None:
        for name, value in row.items():
            if value is None:
                continue
            special = self._special.get(name)
            before = known.get(name)
            if special is not None and before is not None:
                value = _meet(special, before, value)
            known[name] = value

    def _begins_with(self, stored: StoredRow, key: Any) -> bool:
        if self._is_of_events:
            return bool(key == stored[0])
        return stored[2] == 1 and bool(key == stored[1])


def _meet(how: str, before: Any, value: Any) -> Any:
    if how == ADD:
        return before + value
    if how == FIRST:
        return before
    return min(before, value) if how == MIN else max(before, value)
