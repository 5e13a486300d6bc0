"""The JSON Schema of what each event class holds in its `data`."""

from collections.abc import Mapping
from typing import Any

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.aggregates.alias import Alias
from ledger.aggregates.event_catalogue import SENTENCES
from ledger.aggregates.event_fields import EventField, FieldKind, Output, fields_in
from ledger.aggregates.subscription import Subscription
from ledger.ipn.snapshots import (
    ALIAS_FACTS,
    INSTALMENT_FACTS,
    SUBSCRIPTION_FACTS,
    TRANSACTION_FACTS,
)

JsonSchema = dict[str, Any]

_PLAN = (Subscription.Opened, Subscription.Refused)


def event_schemas() -> dict[str, JsonSchema]:
    """Return the schema of `data` of every event class, by its stored name."""
    return {
        event_class.TOPIC: _data_schema(event_class, sentence)
        for event_class, sentence in SENTENCES.items()
    }


def facts_of(event_class: type[LedgerAggregate.Event]) -> Mapping[str, str]:
    """Return the facts that an event of this class can hold, each with its meaning."""
    if issubclass(event_class, Alias.Event):
        return ALIAS_FACTS
    if issubclass(event_class, Subscription.Event):
        return SUBSCRIPTION_FACTS if event_class in _PLAN else INSTALMENT_FACTS
    return TRANSACTION_FACTS


def fact_schema(name: str, meaning: str) -> JsonSchema:
    """Return the schema of one fact. Shape: an amount is a whole number; any other number may have
    been sent as text that is none."""
    if name.endswith("_minor"):
        return {"type": "integer", "description": meaning}
    if name.endswith("number") and "authorisation" not in name:
        return {"type": ["integer", "string"], "description": meaning}
    return {"type": "string", "description": meaning}


_JSON_TYPES: dict[FieldKind, JsonSchema] = {
    FieldKind.TEXT: {"type": "string"},
    FieldKind.INTEGER: {"type": "integer"},
    FieldKind.REAL: {"type": "number"},
    FieldKind.FLAG: {"type": "boolean"},
    FieldKind.INSTANT: {"type": "string"},
    FieldKind.WORDS: {"type": "array", "items": {"type": "string"}},
    FieldKind.PAIRS: {"type": "object", "additionalProperties": {"type": "string"}},
}


def _data_schema(event_class: type[LedgerAggregate.Event], sentence: str) -> JsonSchema:
    data_fields = fields_in(Output.DATA)
    return {
        "type": "object",
        "description": f"{sentence}: what `data` of a `{event_class.TOPIC}` holds",
        "required": [field.name for field in data_fields if field.kind is not FieldKind.PAIRS],
        "properties": {field.name: _field_schema(field, event_class) for field in data_fields},
    }


def _field_schema(field: EventField, event_class: type[LedgerAggregate.Event]) -> JsonSchema:
    if field.kind is FieldKind.FACTS:
        facts = {
            name: fact_schema(name, meaning) for name, meaning in facts_of(event_class).items()
        }
        return {"type": "object", "properties": facts, "additionalProperties": False}
    schema = _JSON_TYPES[field.kind] | {"description": field.meaning}
    if field.is_optional:
        schema["type"] = [schema["type"], "null"]
    return schema
