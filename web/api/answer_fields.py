"""The fields that answers of the query API are made of."""

from collections.abc import Mapping
from typing import Any

from marshmallow import fields, validate

from ledger.aggregates.event_fields import EventField, FieldKind
from ledger.ipn.modes import MODES, Mode
from ledger.queries.event_data import fact_schema


def text(meaning: str = "", *, none: bool = False, choices: tuple[str, ...] = ()) -> fields.String:
    """Return a field of text. Shape: `none` allows null; `choices` are all that it can be."""
    validator = validate.OneOf(choices) if choices else None
    return fields.String(
        required=True, allow_none=none, validate=validator, metadata=_described(meaning)
    )


def number(meaning: str = "", *, none: bool = False) -> fields.Integer:
    """Return a field of whole numbers."""
    return fields.Integer(required=True, allow_none=none, metadata=_described(meaning))


def flag(meaning: str = "") -> fields.Boolean:
    """Return a field that is true or false."""
    return fields.Boolean(required=True, metadata=_described(meaning))


def words(meaning: str = "") -> fields.Dict:
    """Return a field that holds text by name."""
    return fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata=_described(meaning),
    )


def mode() -> fields.String:
    """Return the field of the platform's mode."""
    return text(choices=tuple(Mode(mode).public for mode in MODES))


def facts(meanings: Mapping[str, str]) -> dict[str, fields.Field[Any]]:
    """Return a field for each fact of an object; null is a fact that no notification told."""
    return {
        name: number(meaning, none=True)
        if "integer" in fact_schema(name, meaning)["type"]
        else text(meaning, none=True)
        for name, meaning in meanings.items()
    }


_FIELD_CLASSES: Mapping[FieldKind, type[fields.Field[Any]]] = {
    FieldKind.TEXT: fields.String,
    FieldKind.INTEGER: fields.Integer,
    FieldKind.REAL: fields.Float,
    FieldKind.FLAG: fields.Boolean,
    FieldKind.INSTANT: fields.String,
}


def event_field(field: EventField) -> fields.Field[Any]:
    """Return the field of an answer that shows a field of events."""
    metadata = _described(field.meaning)
    if field.kind is FieldKind.WORDS:
        return fields.List(fields.String(), required=True, metadata=metadata)
    if field.kind is FieldKind.FACTS:
        return fields.Dict(keys=fields.String(), required=True, metadata=metadata)
    if field.kind is FieldKind.PAIRS:
        return fields.Dict(keys=fields.String(), values=fields.String(), metadata=metadata)
    validator = validate.OneOf(field.choices) if field.choices else None
    return _FIELD_CLASSES[field.kind](
        required=True, allow_none=field.is_optional, validate=validator, metadata=metadata
    )


def _described(meaning: str) -> dict[str, str]:
    return {"description": meaning} if meaning else {}
