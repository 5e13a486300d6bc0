"""The shape of each event class for machines, as JSON Schema."""

from collections.abc import Mapping
from typing import Any

from ledger.aggregates.alias import Alias
from ledger.aggregates.observed import Observed
from ledger.aggregates.subscription import Subscription
from ledger.formats.snapshot import (
    ALIAS_FACTS,
    INSTALMENT_FACTS,
    SUBSCRIPTION_FACTS,
    TRANSACTION_FACTS,
)
from ledger.vocabulary import SENTENCES

Shape = dict[str, Any]

_PAIRS: Shape = {"type": "object", "additionalProperties": {"type": "string"}}
_PLAN = (Subscription.Opened, Subscription.Refused)


def event_shapes() -> dict[str, Shape]:
    """What `data` holds. Shape: stored name of the event -> JSON Schema."""
    return {one.TOPIC: _shape(one, sentence) for one, sentence in SENTENCES.items()}


def facts_of(event_class: type[Observed.Event]) -> Mapping[str, str]:
    """The facts that an event of this class can tell, each with its meaning."""
    if issubclass(event_class, Alias.Event):
        return ALIAS_FACTS
    if issubclass(event_class, Subscription.Event):
        return SUBSCRIPTION_FACTS if event_class in _PLAN else INSTALMENT_FACTS
    return TRANSACTION_FACTS


def fact_shape(name: str, meaning: str) -> Shape:
    """One fact: amounts are whole numbers, other numbers may have been told as odd text."""
    if name.endswith("_minor"):
        return {"type": "integer", "description": meaning}
    if name.endswith("number") and "authorisation" not in name:
        return {"type": ["integer", "string"], "description": meaning}
    return {"type": "string", "description": meaning}


def _shape(event_class: type[Observed.Event], sentence: str) -> Shape:
    facts = {name: fact_shape(name, told) for name, told in facts_of(event_class).items()}
    return {
        "type": "object",
        "description": f"{sentence}: what `data` of a `{event_class.TOPIC}` holds",
        "required": ["source", "told_at", "odd", "facts"],
        "properties": {
            "source": {"type": ["string", "null"], "description": "the platform's source word"},
            "told_at": {
                "type": ["string", "null"],
                "description": "the platform's time of the message",
            },
            "odd": {
                "type": "array",
                "items": {"type": "string"},
                "description": "fields whose value could not be understood",
            },
            "facts": {"type": "object", "properties": facts, "additionalProperties": False},
            "details": _PAIRS | {"description": "the platform's other fields, verbatim"},
            "personal": _PAIRS | {"description": "fields about a person; masked for auditors"},
        },
    }
