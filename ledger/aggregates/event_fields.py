"""The fields of an event, declared once: answers, files, schemas and read models follow from them.

An attribute of `LedgerAggregate.Event` is shown in every output. The table below adds what a class
cannot say: its public name, its meaning, its place, and where it is not shown.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from enum import Flag, StrEnum, auto
from typing import Any

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.aggregates.basis import ASKED, TOLD
from ledger.aggregates.event_catalogue import EVENT_CLASSES
from ledger.ipn.modes import PUBLIC_MODES
from ledger.ipn.snapshots import Fact, Pairs


class FieldKind(StrEnum):
    """What a field holds, from which each output knows how to write it."""

    TEXT = "text"
    INTEGER = "integer"
    REAL = "real"
    FLAG = "flag"
    INSTANT = "instant"
    WORDS = "words"
    FACTS = "facts"
    PAIRS = "pairs"


class Output(Flag):
    """Where a field is shown."""

    ANSWER = auto()  # an event of the API and of `ledger history --json`
    DATA = auto()  # the same, inside its `data`
    FILE = auto()  # a column of an exported file
    TRAIL = auto()  # a column of the audit trail, the read model with a row for each event
    EVERYWHERE = ANSWER | FILE | TRAIL


_WITHIN = Output.DATA | Output.FILE


@dataclass(frozen=True, slots=True)
class EventField:
    """One field of an event under its public name.

    Shape: `attribute` is its name in the event class, None for what is computed from the event.
    An optional field may be null; a list that is missing is shown empty.
    """

    name: str
    kind: FieldKind
    meaning: str = ""
    outputs: Output = Output.EVERYWHERE
    attribute: str | None = None
    is_optional: bool = False
    choices: tuple[str, ...] = ()


_KINDS: dict[Any, FieldKind] = {
    str: FieldKind.TEXT,
    int: FieldKind.INTEGER,
    float: FieldKind.REAL,
    bool: FieldKind.FLAG,
    datetime: FieldKind.INSTANT,
    list[str]: FieldKind.WORDS,
    dict[str, Fact]: FieldKind.FACTS,
    Pairs: FieldKind.PAIRS,
}
_ATTRIBUTES = {field.name: field.type for field in fields(LedgerAggregate.Event)}
_ATTRIBUTES |= {"originator_version": int, "timestamp": datetime}  # text in the library's class
_ATTRIBUTES |= {"basis": str}  # computed from `answered`


def _stored(attribute: str, meaning: str = "", /, *, name: str = "", **more: Any) -> EventField:
    """Declare an attribute of the event class. Errors: KeyError for a type nobody can write."""
    annotation: Any = _ATTRIBUTES[attribute]
    plain = next((type_ for type_ in _KINDS if annotation == type_ | None), annotation)
    kind = _KINDS[plain]
    is_optional = plain != annotation and kind not in (FieldKind.WORDS, FieldKind.PAIRS)
    return EventField(
        name or attribute, kind, meaning, attribute=attribute, is_optional=is_optional, **more
    )


_NAMED = (
    EventField("position", FieldKind.INTEGER, "its place in the whole ledger"),
    EventField(
        "type", FieldKind.TEXT, "the stored name of its class", choices=tuple(sorted(EVENT_CLASSES))
    ),
    EventField("sentence", FieldKind.TEXT, "what happened, in words", Output.ANSWER),
    EventField("kind", FieldKind.TEXT, "transaction, alias or subscription"),
    _stored("shop_id", "the shop it was sent to"),
    _stored("mode", "the platform's mode", choices=PUBLIC_MODES),
    _stored("reference", "what identifies its object at the shop"),
    _stored("originator_version", "its place in the history of its object", name="version"),
    _stored("occurred_at", "when it happened according to the platform"),
    _stored("timestamp", "since when this ledger knows", name="recorded_at"),
    _stored("received_at", "when its notification arrived", outputs=Output.ANSWER | Output.FILE),
    _stored("told_at", "the platform's time of the message", outputs=_WITHIN),
    EventField(
        "known_after_seconds",
        FieldKind.REAL,
        "from when it happened to when this ledger knew",
        Output.ANSWER | Output.TRAIL,
        is_optional=True,
    ),
    _stored("notification_id", "the notification it came from"),
    _stored("source", "the platform's source word", outputs=_WITHIN | Output.TRAIL),
    _stored("rule", "the Back Office rule it was sent under"),
    _stored("rule_certainty", "told, hinted or inferred"),
    _stored("late", "older than what was known"),
    _stored("contradiction", "contradicts what was known"),
    _stored("odd", "fields whose value could not be understood", outputs=_WITHIN | Output.TRAIL),
    _stored(
        "suspected",
        "card data that seems to be in a field, masked there",
        outputs=_WITHIN | Output.TRAIL,
    ),
    _stored(
        "doubtful",
        "why it may be no call of the platform; empty for a call",
        outputs=_WITHIN | Output.TRAIL,
    ),
    _stored(
        "derived",
        "facts that other fields stood in for; one that is sent replaces it",
        outputs=_WITHIN,
    ),
    _stored("basis", "what proves it: told by a signed call, or asked", choices=(TOLD, ASKED)),
    _stored(
        "unconfirmed",
        "facts that after it only answers to our own questions have reported",
        outputs=_WITHIN,
    ),
    _stored("facts", "what the snapshot said, by name", outputs=_WITHIN),
    _stored("moved", "names of the facts that became the state", outputs=Output.FILE),
    _stored("details", "the platform's other fields, verbatim", outputs=_WITHIN),
    _stored("personal", "fields about a person; masked for auditors", outputs=_WITHIN),
)
_KNOWN = {field.attribute for field in _NAMED}
_KNOWN |= {"originator_id", "answered"}  # shown as its reference, and as its basis

EVENT_FIELDS = (*_NAMED, *(_stored(name) for name in _ATTRIBUTES if name not in _KNOWN))
"""Every field of every event, in the order of a file. A new attribute comes last, everywhere."""


def fields_in(output: Output) -> tuple[EventField, ...]:
    """Return the fields that an output shows, in order."""
    return tuple(field for field in EVENT_FIELDS if output in field.outputs)
