"""The fields that answers of the query API are made of."""

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any, get_type_hints

from marshmallow import EXCLUDE, Schema, fields, validate

from ledger.storage.outcomes import Outcome
from web.api.fact_schemas import JsonSchema, fact_schema

Fields = dict[str, fields.Field[Any]]


class Answer(Schema):
    """An answer may get more fields: whoever reads one ignores those that are unknown."""

    class Meta:
        unknown = EXCLUDE


def answer_schema(name: str, /, **answer_fields: fields.Field[Any]) -> type[Schema]:
    """Return the schema of an answer under the name that the documents give it."""
    return Answer.from_dict(answer_fields, name=name)


def text(
    meaning: str = "",
    *,
    none: bool = False,
    choices: Collection[str] = (),
    vocabulary: Collection[str] = (),
) -> fields.String:
    """Return a field of text.

    Shape: `none` allows null; `choices` are all that it can be, `vocabulary` what it is
    today, and may be more.
    """
    return fields.String(
        **_options(meaning, is_optional=none, choices=choices, vocabulary=vocabulary)
    )


def instant(meaning: str = "", *, none: bool = False) -> fields.DateTime:
    """Return a field of an instant. Shape: ISO 8601 in UTC."""
    return fields.DateTime(**_options(meaning, is_optional=none))


def day(meaning: str) -> fields.Date:
    """Return a field of a day of the calendar."""
    return fields.Date(**_options(meaning))


def number(meaning: str = "", *, none: bool = False) -> fields.Integer:
    """Return a field of whole numbers."""
    return fields.Integer(**_options(meaning, is_optional=none))


def flag(meaning: str = "") -> fields.Boolean:
    """Return a field that is true or false."""
    return fields.Boolean(**_options(meaning))


def words(meaning: str) -> fields.Dict:
    """Return a field that holds text by name."""
    return _TEXT_BY_NAME(**_options(meaning))


def fraction(meaning: str, *, none: bool = False) -> fields.Float:
    """Return a field of a number from 0 to 1."""
    return fields.Float(**_options(meaning, is_optional=none))


def texts(meaning: str, *, none: bool = False) -> fields.List[Any]:
    """Return a field that holds a list of texts."""
    return fields.List(fields.String(), **_options(meaning, is_optional=none))


def many(schema: type[Schema], meaning: str = "") -> fields.List[Any]:
    """Return a field that holds a list of objects."""
    return fields.List(fields.Nested(schema), **_options(meaning))


def nested(schema: type[Schema], meaning: str = "", *, none: bool = False) -> fields.Nested:
    """Return a field that holds an object."""
    return fields.Nested(schema, **_options(meaning, is_optional=none))


def by_schema(json_schema: JsonSchema) -> fields.Raw:
    """Return a field that a JSON Schema describes, or refers to."""
    metadata = {"allOf": [json_schema]} if "$ref" in json_schema else json_schema
    return fields.Raw(required=True, metadata=dict(metadata))


def facts(meanings: Mapping[str, str]) -> Fields:
    """Return a field for each fact of an object; null is a fact that no notification had."""
    schemas = {name: fact_schema(name, meaning) for name, meaning in meanings.items()}
    return {
        name: by_schema(schema | {"type": [schema["type"], "null"]})
        for name, schema in schemas.items()
    }


def only_alone(answer_fields: Fields, listed: Iterable[str] = ()) -> Fields:
    """Let fields be missing that an item of a list does not have; it has those that are `listed`.

    Shape: the same fields. The documents say of which of them one is sure.
    """
    for name in set(answer_fields).difference(listed):
        field = answer_fields[name]
        field.required = False
        meaning = f"{field.metadata.get('description', '')} (not in lists)".lstrip()
        field.metadata = {**field.metadata, "description": meaning}
    return answer_fields


def optional_day(meaning: str) -> fields.Date:
    """Return a field of a UTC day that nobody may have said."""
    return fields.Date(required=True, allow_none=True, metadata={"description": meaning})


def attributes(record_class: type[Any], names: str, /, **meanings: str) -> Fields:
    """Return a field for each of these attributes of a record (`"a b"`), as it is annotated."""
    hints = get_type_hints(record_class)
    return {name: _field_of_type(hints[name], meanings.get(name, "")) for name in names.split()}


_INTEGERS = partial(fields.List, fields.Integer())
_TEXT_BY_NAME = partial(fields.Dict, keys=fields.String(), values=fields.String())
_FIELD_BY_TYPE: Mapping[Any, Callable[..., fields.Field[Any]]] = Schema.TYPE_MAPPING | {
    Outcome: fields.String,
    tuple[int, ...]: _INTEGERS,
}


def _field_of_type(annotation: Any, meaning: str) -> fields.Field[Any]:
    plain = next((type_ for type_ in _FIELD_BY_TYPE if annotation == type_ | None), annotation)
    return _FIELD_BY_TYPE[plain](**_options(meaning, is_optional=plain != annotation))


def _options(
    meaning: str,
    *,
    is_optional: bool = False,
    choices: Collection[str] = (),
    vocabulary: Collection[str] = (),
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"description": meaning} if meaning else {}
    if vocabulary:
        metadata["x-extensible-enum"] = list(vocabulary)
    return {
        "required": True,
        "allow_none": is_optional,
        "validate": validate.OneOf(choices) if choices else None,
        "metadata": metadata,
    }
