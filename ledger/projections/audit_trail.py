"""Show every event in order, one row each, for auditors who search by time, kind and oddity."""

from typing import Any

from msgspec.structs import asdict
from sqlalchemy import BigInteger, Column, Float, Integer, MetaData, Table, Text

from ledger.aggregates.event_fields import EventField, FieldKind, Output, fields_in
from ledger.instants import read_instant
from ledger.projections.definition import EventRecord, Projection, Row, Rows

_FIELDS = fields_in(Output.TRAIL)
_FLAGS = {
    field.name: f"is_{field.name}"
    for field in _FIELDS
    if field.kind in (FieldKind.FLAG, FieldKind.WORDS)
}
_TYPES = {
    FieldKind.TEXT: Text,
    FieldKind.INTEGER: Integer,
    FieldKind.REAL: Float,
    FieldKind.INSTANT: Text,
}


def _column(field: EventField) -> Column[Any]:
    if field.name in _FLAGS:
        return Column(_FLAGS[field.name], Integer, nullable=False)
    return Column(field.name, _TYPES[field.kind], nullable=field.is_optional)


audit_trail = Table(
    "audit_trail",
    MetaData(),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False),
    *(_column(field) for field in _FIELDS if field.name != "position"),
    info={
        "indexes": (
            ("shop_id", "mode", "position"),
            ("id", "version"),
            ("notification_id",),
            ("type", "position"),
            ("mode", "position"),
            ("rule", "position"),
            ("reference",),
            ("recorded_at",),
        ),
        "partial_indexes": {
            "is_late = 1": (("mode", "position"),),
            "is_contradiction = 1": (("mode", "position"),),
            "is_odd = 1": (("mode", "position"),),
        },
    },
)


def rows(event: EventRecord) -> Rows:
    """Produce the row of one event; fields that are no columns are left out."""
    row: Row = asdict(event)
    row["id"] = event.originator_id
    row["type"] = event.topic
    row["kind"] = event.topic.partition(".")[0]
    row["recorded_at"] = event.timestamp
    row["late_seconds"] = _late_seconds(event)
    for name, is_name in _FLAGS.items():
        row[is_name] = 1 if row[name] else 0
    yield audit_trail, row


def _late_seconds(event: EventRecord) -> float | None:
    if event.occurred_at is None:
        return None
    happened = read_instant(event.occurred_at)
    return max(0.0, (read_instant(event.timestamp) - happened).total_seconds())


PROJECTION = Projection("audit_trail", (audit_trail,), rows)
