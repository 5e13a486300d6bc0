"""The JSON Schemas of events: one for each class, told apart by `type`."""

import re

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.aggregates.event_catalogue import EVENT_CLASSES, SENTENCES
from ledger.aggregates.event_fields import EventField, FieldKind, Output, fields_in
from ledger.storage.outcomes import Sealed
from web.api.fact_schemas import FACTS, JsonSchema, facts_schemas
from web.api.vocabulary import CLOSED, ERASURE, KNOWN, SEALED

EVENT = "Event"
_HEAD = "EventHead"
_UNKNOWN = "UnknownEvent"
_LINKS = "EventLinks"
_CHANGE: JsonSchema = {
    "type": "object",
    "required": ["name", "before", "after"],
    "properties": {
        "name": {"type": "string"},
        "before": {
            "type": ["string", "integer", "null"],
            "description": "null: it was not known",
        },
        "after": {"type": ["string", "integer", "null"]},
    },
}


def reference_to(name: str) -> JsonSchema:
    """Return a reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


EVENT_LINKS = reference_to(_LINKS)
"""The notification of an event and the evidence for it."""


def event_schema_name(topic: str) -> str:
    """Return the name of an event's schema. Shape: `TransactionCapturedEvent`."""
    return f"{''.join(word.title() for word in re.split('[.-]', topic))}Event"


def event_schemas() -> dict[str, JsonSchema]:
    """Return the schemas of events by name: of any, of each class, and of what they are made."""
    by_topic = {
        topic: event_schema_name(topic) for topic in sorted(EVENT_CLASSES, key=event_schema_name)
    }
    return {
        EVENT: _any_event(by_topic),
        _HEAD: _head(),
        _LINKS: {
            "type": "object",
            "required": ["notification", "evidence"],
            "properties": {"notification": {"type": "string"}, "evidence": {"type": "string"}},
        },
        "Change": _CHANGE,
        _UNKNOWN: _unknown(),
        **{name: _event(EVENT_CLASSES[topic]) for topic, name in by_topic.items()},
        **{_data_name(name): _data(name) for name in FACTS},
        **facts_schemas(),
    }


def _any_event(by_topic: dict[str, str]) -> JsonSchema:
    names = [*by_topic.values(), _UNKNOWN]
    return {
        "description": "One event. Its `type` says which, and so what its `data` holds. New types"
        f" may come: ignore what you do not know. In this document it is an `{_UNKNOWN}`.",
        "oneOf": [reference_to(name) for name in names],
        "discriminator": {
            "propertyName": "type",
            "mapping": {topic: reference_to(name)["$ref"] for topic, name in by_topic.items()},
        },
    }


def _head() -> JsonSchema:
    head_fields = [field for field in fields_in(Output.ANSWER) if field.name != "type"]
    return {
        "type": "object",
        "description": "What every event has beside its `type` and its `data`.",
        "required": [*(field.name for field in head_fields), "sealed", "links"],
        "properties": {
            **{field.name: field_schema(field) for field in head_fields},
            "sealed": {"type": "string", "enum": list(Sealed), "description": SEALED},
            "erasure": {"type": "string", "description": ERASURE},
            "links": EVENT_LINKS,
            "changes": {
                "type": "array",
                "items": reference_to("Change"),
                "description": "what it changed; in histories only",
            },
        },
    }


def _event(event_class: type[LedgerAggregate.Event]) -> JsonSchema:
    facts_name = next(name for name, facts in FACTS.items() if facts == event_class.FACTS)
    return _with_head(
        f"{SENTENCES[event_class]}.",
        {"type": "string", "const": event_class.TOPIC},
        reference_to(_data_name(facts_name)),
    )


def _unknown() -> JsonSchema:
    return _with_head(
        "An event of a type that this document does not know. Ignore it.",
        {"type": "string", "not": {"enum": list(EVENT_CLASSES)}},
        {"type": "object"},
    )


def _with_head(meaning: str, type_schema: JsonSchema, data_schema: JsonSchema) -> JsonSchema:
    own = {
        "type": "object",
        "required": ["type", "data"],
        "properties": {"type": type_schema, "data": data_schema},
    }
    return {"description": meaning, "allOf": [reference_to(_HEAD), own]}


def _data_name(facts_name: str) -> str:
    return facts_name.replace("Facts", "EventData")


def _data(facts_name: str) -> JsonSchema:
    data_fields = fields_in(Output.DATA)
    properties = {field.name: field_schema(field) for field in data_fields}
    return {
        "type": "object",
        "required": [field.name for field in data_fields if field.kind is not FieldKind.PAIRS],
        "properties": properties | {"facts": reference_to(facts_name)},
    }


_JSON_TYPES: dict[FieldKind, JsonSchema] = {
    FieldKind.TEXT: {"type": "string"},
    FieldKind.INTEGER: {"type": "integer"},
    FieldKind.REAL: {"type": "number"},
    FieldKind.FLAG: {"type": "boolean"},
    FieldKind.INSTANT: {"type": "string", "format": "date-time"},
    FieldKind.WORDS: {"type": "array", "items": {"type": "string"}},
    FieldKind.FACTS: {"type": "object"},
    FieldKind.PAIRS: {"type": "object", "additionalProperties": {"type": "string"}},
}


def field_schema(field: EventField) -> JsonSchema:
    """Return the schema of a field of events."""
    schema = _JSON_TYPES[field.kind] | {"description": field.meaning}
    if field.name in CLOSED:
        schema["enum"] = list(CLOSED[field.name])
    if field.name in KNOWN:
        schema["x-extensible-enum"] = list(KNOWN[field.name])
    return schema | {"type": [schema["type"], "null"]} if field.is_optional else schema
