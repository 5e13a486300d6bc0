"""Show every event in order, one row each, for auditors who search by time, kind and oddity."""

from typing import Any

from msgspec.structs import asdict
from sqlalchemy import BigInteger, Column, Float, Integer, MetaData, Table, Text

from ledger.aggregates.basis import ASKED
from ledger.aggregates.event_fields import EventField, FieldKind, Output, fields_in
from ledger.instants import read_instant
from ledger.projections.definition import EventRecord, Projection, Rows, fact_columns

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
    *fact_columns("amount_minor", "currency"),
    Column("is_surprising", Integer, nullable=False),
    info={
        "indexes": (
            ("shop_id", "mode", "position"),
            ("id", "version"),
            ("notification_id",),
            ("type", "position"),
            ("mode", "position"),
            ("rule", "position"),
            ("reference",),
            ("occurred_at",),
        ),
        "block_indexes": ("recorded_at",),
        "partial_indexes": {
            "is_surprising = 1": (("mode", "position"),),
            "is_late = 1": (("mode", "position"),),
            "is_contradiction = 1": (("mode", "position"),),
            "is_odd = 1": (("mode", "position"),),
            "is_suspected = 1": (("mode", "position"),),
            "is_doubtful = 1": (("mode", "position"),),
            f"basis = '{ASKED}'": (("mode", "position"),),
        },
    },
)


def rows(event: EventRecord) -> Rows:
    """Produce the row of one event; fields that are no columns are left out."""
    fields = asdict(event)
    flags = {is_name: 1 if fields[name] else 0 for name, is_name in _FLAGS.items()}
    own_columns = {
        "id": event.originator_id,
        "type": event.topic,
        "kind": event.topic.partition(".")[0],
        "recorded_at": event.timestamp,
        "basis": event.basis,
        "known_after_seconds": _known_after_seconds(event),
        "amount_minor": event.facts.get("amount_minor"),
        "currency": event.facts.get("currency"),
        "is_surprising": max(flags.values()),
    }
    yield audit_trail, fields | flags | own_columns


def _known_after_seconds(event: EventRecord) -> float | None:
    if event.occurred_at is None:
        return None
    after = read_instant(event.timestamp) - read_instant(event.occurred_at)
    return max(0.0, after.total_seconds())


PROJECTION = Projection("audit_trail", (audit_trail,), rows)
