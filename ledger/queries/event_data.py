"""One event for a machine: in an answer, and as a row of a file."""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.aggregates.event_catalogue import SENTENCES
from ledger.aggregates.event_fields import EventField, FieldKind, Output, fields_in
from ledger.instants import write_public_instant
from ledger.ipn.modes import Mode
from ledger.queries.export_formats import CellKind, Columns, ExportRow
from ledger.storage.event_store import RecordedEvent

EventData = dict[str, Any]
_Read = Callable[[LedgerAggregate.Event], Any]
_Readers = dict[str, _Read]


def late_seconds(event: LedgerAggregate.Event) -> float | None:
    """Return how long after the platform says it happened this ledger recorded it."""
    if event.occurred_at is None:
        return None
    return max(0.0, (event.timestamp - event.occurred_at).total_seconds())


_COMPUTED: _Readers = {
    "type": lambda event: event.TOPIC,
    "sentence": lambda event: SENTENCES[type(event)],
    "kind": lambda event: event.aggregate_class.KIND,
    "mode": lambda event: Mode(event.mode).public,
    "moved": lambda event: list(event.facts) if event.moved is None else event.moved,
    "late_seconds": late_seconds,
}


def _reader(field: EventField) -> _Read:
    if field.name in _COMPUTED:
        return _COMPUTED[field.name]
    read: _Read = attrgetter(field.attribute or field.name)
    if field.kind is FieldKind.INSTANT:
        return lambda event: write_public_instant(at) if (at := read(event)) else None
    if field.kind in (FieldKind.WORDS, FieldKind.PAIRS):
        return lambda event: read(event) or []
    return read


def _readers(fields: Iterable[EventField]) -> _Readers:
    return {field.name: _reader(field) for field in fields if field.name != "position"}


_ANSWER = _readers(fields_in(Output.ANSWER))
_DATA = _readers(field for field in fields_in(Output.DATA) if field.kind is not FieldKind.PAIRS)
_PAIRS = _readers(field for field in fields_in(Output.DATA) if field.kind is FieldKind.PAIRS)
_FILE = _readers(fields_in(Output.FILE))


def event_data(recorded: RecordedEvent, *, with_details: bool = True) -> EventData:
    """Return one event as the API answers it. Shape: `data` as its class defines it."""
    event = recorded.event
    data = {name: read(event) for name, read in _DATA.items()}
    if with_details:
        data |= {name: dict(read(event)) for name, read in _PAIRS.items()}
    answer = {name: read(event) for name, read in _ANSWER.items()}
    return {"position": recorded.position, **answer, "data": data}


def event_row(recorded: RecordedEvent, columns: Iterable[str]) -> ExportRow:
    """Return one event as the row of a file that has these columns."""
    event = recorded.event
    return {
        name: recorded.position if name == "position" else _FILE[name](event) for name in columns
    }


_CELLS = {
    FieldKind.TEXT: CellKind.TEXT,
    FieldKind.INTEGER: CellKind.INTEGER,
    FieldKind.FLAG: CellKind.FLAG,
    FieldKind.INSTANT: CellKind.TEXT,
    FieldKind.WORDS: CellKind.JSON,
    FieldKind.FACTS: CellKind.JSON,
    FieldKind.PAIRS: CellKind.JSON,
}

EVENT_COLUMNS: Columns = {field.name: _CELLS[field.kind] for field in fields_in(Output.FILE)}
