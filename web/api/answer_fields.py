"""The fields that answers of the query API are made of."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, get_type_hints

from marshmallow import Schema, fields, validate

from ledger.aggregates.event_fields import EventField, FieldKind, Output, fields_in
from ledger.queries.event_data import fact_schema
from ledger.storage.outcomes import Outcome

Fields = dict[str, fields.Field[Any]]


def answer_schema(name: str, /, **answer_fields: fields.Field[Any]) -> type[Schema]:
    """Return the schema of an answer under the name that the documents give it."""
    return Schema.from_dict(answer_fields, name=name)


def text(meaning: str = "", *, none: bool = False, choices: tuple[str, ...] = ()) -> fields.String:
    """Return a field of text. Shape: `none` allows null; `choices` are all that it can be."""
    return fields.String(**_options(meaning, is_optional=none, choices=choices))


def number(meaning: str = "", *, none: bool = False) -> fields.Integer:
    """Return a field of whole numbers."""
    return fields.Integer(**_options(meaning, is_optional=none))


def flag(meaning: str = "") -> fields.Boolean:
    """Return a field that is true or false."""
    return fields.Boolean(**_options(meaning))


def words(meaning: str) -> fields.Dict:
    """Return a field that holds text by name."""
    return _TEXT_BY_NAME(**_options(meaning))


def texts(meaning: str) -> fields.List[Any]:
    """Return a field that holds a list of texts."""
    return fields.List(fields.String(), **_options(meaning))


def many(schema: type[Schema]) -> fields.List[Any]:
    """Return a field that holds a list of objects."""
    return fields.List(fields.Nested(schema), required=True)


def facts(meanings: Mapping[str, str]) -> Fields:
    """Return a field for each fact of an object; null is a fact that no notification had."""
    return {
        name: number(meaning, none=True)
        if "integer" in fact_schema(name, meaning)["type"]
        else text(meaning, none=True)
        for name, meaning in meanings.items()
    }


def attributes(record_class: type[Any], names: str, /, **meanings: str) -> Fields:
    """Return a field for each of these attributes of a record (`"a b"`), as it is annotated."""
    hints = get_type_hints(record_class)
    return {name: _field_of_type(hints[name], meanings.get(name, "")) for name in names.split()}


def event_fields(output: Output) -> Fields:
    """Return a field for each field of events that an output shows."""
    return {field.name: _event_field(field) for field in fields_in(output)}


_INTEGERS = partial(fields.List, fields.Integer())
_TEXT_BY_NAME = partial(fields.Dict, keys=fields.String(), values=fields.String())
_FIELD_BY_TYPE: Mapping[Any, Callable[..., fields.Field[Any]]] = Schema.TYPE_MAPPING | {
    datetime: fields.String,
    Outcome: fields.String,
    tuple[int, ...]: _INTEGERS,
}
_FIELD_BY_KIND: Mapping[FieldKind, Callable[..., fields.Field[Any]]] = {
    FieldKind.TEXT: fields.String,
    FieldKind.INTEGER: fields.Integer,
    FieldKind.REAL: fields.Float,
    FieldKind.FLAG: fields.Boolean,
    FieldKind.INSTANT: fields.String,
    FieldKind.WORDS: partial(fields.List, fields.String()),
    FieldKind.FACTS: partial(fields.Dict, keys=fields.String()),
    FieldKind.PAIRS: _TEXT_BY_NAME,
}


def _field_of_type(annotation: Any, meaning: str) -> fields.Field[Any]:
    plain = next((type_ for type_ in _FIELD_BY_TYPE if annotation == type_ | None), annotation)
    return _FIELD_BY_TYPE[plain](**_options(meaning, is_optional=plain != annotation))


def _event_field(field: EventField) -> fields.Field[Any]:
    options = _options(field.meaning, is_optional=field.is_optional, choices=field.choices)
    is_required = field.kind is not FieldKind.PAIRS
    return _FIELD_BY_KIND[field.kind](**options | {"required": is_required})


def _options(
    meaning: str, *, is_optional: bool = False, choices: tuple[str, ...] = ()
) -> dict[str, Any]:
    return {
        "required": True,
        "allow_none": is_optional,
        "validate": validate.OneOf(choices) if choices else None,
        "metadata": {"description": meaning} if meaning else {},
    }
