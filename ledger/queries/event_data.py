"""One event for a machine: in an answer, as a row of a file, under a filter."""

from collections.abc import Callable, Iterable
from operator import attrgetter, eq, ge, le, lt
from typing import Any

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.aggregates.event_catalogue import SENTENCES
from ledger.aggregates.event_fields import EventField, FieldKind, Output, fields_in
from ledger.instants import write_public_instant
from ledger.ipn.modes import Mode
from ledger.queries.export_formats import CellKind, Columns, ExportRow
from ledger.queries.filter_conditions import Comparison, narrowing
from ledger.queries.filter_declarations import EventFilter
from ledger.storage.event_store import RecordedEvent

_Read = Callable[[LedgerAggregate.Event], Any]


def known_after_seconds(event: LedgerAggregate.Event) -> float | None:
    """Return how long after the platform says it happened this ledger recorded it."""
    if event.occurred_at is None:
        return None
    return max(0.0, (event.timestamp - event.occurred_at).total_seconds())


_COMPUTED: dict[str, _Read] = {
    "type": attrgetter("TOPIC"),
    "sentence": lambda event: SENTENCES[type(event)],
    "kind": attrgetter("aggregate_class.KIND"),
    "mode": lambda event: Mode(event.mode).public,
    "moved": lambda event: list(event.facts) if event.moved is None else event.moved,
    "known_after_seconds": known_after_seconds,
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


def _readers(output: Output) -> dict[str, _Read]:
    return {field.name: _reader(field) for field in fields_in(output) if field.name != "position"}


_ANSWER, _DATA, _FILE = map(_readers, (Output.ANSWER, Output.DATA, Output.FILE))
_PAIRS = [field.name for field in fields_in(Output.DATA) if field.kind is FieldKind.PAIRS]


def event_data(recorded: RecordedEvent, *, with_details: bool = True) -> dict[str, Any]:
    """Return one event as the API answers it. Shape: `data` as its class defines it."""
    event = recorded.event
    data = {name: read(event) for name, read in _DATA.items() if name not in _PAIRS}
    if with_details:
        data |= {name: dict(_DATA[name](event)) for name in _PAIRS}
    answer = {name: read(event) for name, read in _ANSWER.items()}
    own = {"version": recorded.version, "sealed": recorded.sealed}
    own |= {} if recorded.erasure is None else {"erasure": recorded.erasure.words}
    return {"position": recorded.position, **answer, **own, "data": data}


# -- files --------------------------------------------------------------------------------------

_CELLS = dict.fromkeys(FieldKind, CellKind.JSON) | {
    FieldKind.TEXT: CellKind.TEXT,
    FieldKind.INTEGER: CellKind.INTEGER,
    FieldKind.FLAG: CellKind.FLAG,
    FieldKind.INSTANT: CellKind.TEXT,
}

EVENT_COLUMNS: Columns = {field.name: _CELLS[field.kind] for field in fields_in(Output.FILE)}


def event_row(recorded: RecordedEvent, columns: Iterable[str]) -> ExportRow:
    """Return one event as the row of a file that has these columns."""
    event = recorded.event
    return {
        name: recorded.position if name == "position" else _FILE[name](event) for name in columns
    }


# -- filters ------------------------------------------------------------------------------------

_SURPRISES = ("late", "contradiction", "odd", "suspected", "doubtful")
_STORED: dict[str, _Read] = {
    name: attrgetter(attribute)
    for name, attribute in {
        "shop_id": "shop_id",
        "mode": "mode",
        "type": "TOPIC",
        "kind": "aggregate_class.KIND",
        "rule": "rule",
        "reference": "reference",
        "is_late": "late",
        "is_contradiction": "contradiction",
        "is_odd": "odd",
        "is_suspected": "suspected",
        "is_doubtful": "doubtful",
        "basis": "basis",
        "recorded_at": "timestamp",
        "occurred_at": "occurred_at",
    }.items()
}
_AUDIT_TRAIL = _STORED | {
    "amount_minor": lambda event: event.facts.get("amount_minor"),
    "currency": lambda event: event.facts.get("currency"),
    "is_surprising": lambda event: any(getattr(event, name) for name in _SURPRISES),
}
"""Columns of the audit trail, read from an event."""


_IN_MEMORY: dict[Comparison, Callable[[Any, Any], bool]] = {
    Comparison.EQUAL: eq,
    Comparison.AMONG: lambda field, words: field in words,
    Comparison.SINCE: ge,
    Comparison.UNTIL: lt,
    Comparison.AT_LEAST: ge,
    Comparison.AT_MOST: le,
    Comparison.IS_SET: lambda field, _: bool(field),
}


def event_test(filter_: EventFilter) -> Callable[[LedgerAggregate.Event], bool]:
    """Return the test that an event passes exactly if the audit trail would list it."""
    tests = [
        (_AUDIT_TRAIL[condition.column], _IN_MEMORY[condition.comparison], value)
        for _, condition, value in narrowing(filter_)
    ]
    return lambda event: all(
        (field := read(event)) is not None and passes(field, value) for read, passes, value in tests
    )
