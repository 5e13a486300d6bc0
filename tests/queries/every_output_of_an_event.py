"""Writes one event in every output, as JSON; run in a process of its own."""

import sys
from datetime import UTC, datetime
from uuid import UUID

import orjson

from ledger.aggregates.transaction import Transaction
from ledger.projections import audit_trail
from ledger.projections.engine.folding import decode_event
from ledger.queries.event_data import EVENT_COLUMNS, event_data, event_row
from ledger.storage.event_mapper import EventMapper
from ledger.storage.event_store import RecordedEvent
from web.api.event_schemas import event_schemas

noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
event = Transaction.Captured(
    originator_id=UUID(int=1),
    originator_version=1,
    timestamp=noon,
    received_at=noon,
    notification_id="n",
    shop_id="12345678",
    mode="TEST",
    reference="r",
    rule="alias",
    rule_certainty="told",
    facts={"status": "CAPTURED"},
)
recorded = RecordedEvent(7, event)
stored = EventMapper().to_stored_event(event)
record = decode_event((7, UUID(int=1).hex, 1, stored.topic, stored.state, None))
((table, row),) = audit_trail.rows(record)
sys.stdout.buffer.write(
    orjson.dumps(
        {
            "answer": event_data(recorded),
            "answer schema": list(event_schemas()["EventHead"]["properties"]),
            "file": dict(event_row(recorded, EVENT_COLUMNS)),
            "columns": EVENT_COLUMNS,
            "record": {name: getattr(record, name) for name in record.__struct_fields__},
            "audit trail": {name: row[name] for name in map(str, table.columns.keys())},
        }
    )
)
