"""Derives from the declarations of filters the parameters of the API, and so its documents."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from ledger.instants import read_since, read_until
from ledger.ipn.storable import INTEGER_MAX
from ledger.queries.filter_conditions import TEXT_MAX, Comparison, Condition, Filter, conditions_of

STORABLE = validate.Regexp(r"^[^\x00]*\Z", error="holds a character that nothing stored has")
_TEXT = (validate.Length(min=1, max=TEXT_MAX), STORABLE)
_INTEGER = validate.Range(-INTEGER_MAX, INTEGER_MAX)


class InstantParameter(fields.String):
    """An ISO 8601 instant; `read` says what a bare day means."""

    def __init__(self, read: Callable[[str], datetime], meaning: str, **more: Any) -> None:
        super().__init__(metadata={"format": "date-time", "description": meaning}, **more)
        self._read = read

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return self._read(super()._deserialize(value, *args, **kwargs))
        except ValueError as error:
            raise ValidationError("is no ISO 8601 instant, as 2026-03-10T09:15:00Z") from error


class AnyCaseParameter(fields.String):
    """A word that is accepted in any case."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return super()._deserialize(value, *args, **kwargs).lower()


def flag_parameter(meaning: str, **more: Any) -> fields.Boolean:
    """Return a parameter that is `true` or `false`, and nothing else."""
    return fields.Boolean(
        truthy={"true"}, falsy={"false"}, metadata={"description": meaning}, **more
    )


def schema_of(filter_class: type[Filter], *bases: type[Schema], name: str) -> type[Schema]:
    """Return the schema of a filter's parameters and those of `bases`.

    A parameter that nobody knows is refused.
    """
    parameters = {name: _parameter(each) for name, each in conditions_of(filter_class).items()}
    derived = Schema.from_dict(parameters, name=f"{name}Filter")
    meta = type("Meta", (), {"unknown": RAISE})
    return type(name, (*bases, derived), {"Meta": meta})


def _parameter(condition: Condition) -> fields.Field[Any]:
    return _PARAMETERS.get(condition.comparison, _text)(condition)


def _text(condition: Condition) -> fields.Field[Any]:
    allowed: Any = validate.OneOf(condition.choices) if condition.choices else _TEXT
    kind = AnyCaseParameter if condition.choices and condition.is_upper else fields.String
    return kind(validate=allowed, metadata=_described(condition))


def _words(condition: Condition) -> fields.Field[Any]:
    meaning = f"{condition.meaning}; may be given several times"
    return fields.List(_text(condition), metadata={"description": meaning})


def _described(condition: Condition) -> dict[str, str]:
    return {"description": condition.meaning}


_PARAMETERS: dict[Comparison, Callable[[Condition], fields.Field[Any]]] = {
    Comparison.AMONG: _words,
    Comparison.SINCE: lambda condition: InstantParameter(read_since, condition.meaning),
    Comparison.UNTIL: lambda condition: InstantParameter(read_until, condition.meaning),
    Comparison.FIRST_DAY: lambda condition: fields.Date(metadata=_described(condition)),
    Comparison.LAST_DAY: lambda condition: fields.Date(metadata=_described(condition)),
    Comparison.AT_LEAST: lambda condition: fields.Integer(
        validate=_INTEGER, metadata=_described(condition)
    ),
    Comparison.AT_MOST: lambda condition: fields.Integer(
        validate=_INTEGER, metadata=_described(condition)
    ),
    Comparison.IS_POSITIVE: lambda condition: flag_parameter(condition.meaning),
    Comparison.IS_SET: lambda condition: flag_parameter(condition.meaning),
}
