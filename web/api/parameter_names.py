"""The names that a question may use: others that are accepted, and what an unknown one meant."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from difflib import get_close_matches
from itertools import islice
from typing import Any

from marshmallow import Schema, ValidationError, fields, pre_load
from werkzeug.datastructures import MultiDict, iter_multi_items

from ledger.instants import write_public_instant
from ledger.queries.filter_conditions import Filter, narrowing

Pair = tuple[str, str]

UNKNOWN_MAX = 5
"""So many unknown names are answered: what each may have meant takes time to find out."""

_MESSAGES = {"required": "is missing", "null": "is null", "unknown": "is unknown"}
_INVALID: Mapping[type[fields.Field[Any]], str] = {
    fields.Integer: "must be a whole number",
    fields.Boolean: "must be true or false",
    fields.String: "must be text",
}


def parameters_of(filters: Filter) -> dict[str, Any]:
    """Return what narrows a list as the parameters of an address of the API."""
    return {name: _written(value) for name, _, value in narrowing(filters)}


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return write_public_instant(value)
    if isinstance(value, bool):
        return "true"
    return sorted(value) if isinstance(value, frozenset) else value


class Question(Schema):
    """What every question has in common: each message is a sentence whose subject is the name."""

    error_messages = {"unknown": _MESSAGES["unknown"], "type": "must be an object"}

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Let a field refuse in our words."""
        invalid = next((text for kind, text in _INVALID.items() if isinstance(field_obj, kind)), "")
        messages = _MESSAGES | ({"invalid": invalid} if invalid else {})
        field_obj.error_messages = field_obj.error_messages | messages


class Query(Question):
    """Parameters of an address. A filter has the name of its field; `shop` is another of `shop_id`.

    One that is unknown is refused, so that no misspelt filter answers with more than was wanted.
    """

    @pre_load
    def _by_field(self, written: Any, **_: Any) -> dict[str, Any]:
        texts = MultiDict(self.renamed(*pair) for pair in iter_multi_items(written.data))
        unknown = islice((name for name in texts if name not in self.fields), UNKNOWN_MAX)
        messages = {name: [self._unknown(name)] for name in unknown}
        if messages:
            raise ValidationError(messages)
        return {
            name: texts.getlist(name) if isinstance(self.fields[name], fields.List) else text
            for name, text in texts.items()
        }

    def renamed(self, name: str, text: str) -> Pair:
        """Return a parameter under the name of its field."""
        return ("shop_id" if name == "shop" and "shop_id" in self.fields else name), text

    def _unknown(self, name: str) -> str:
        meant = get_close_matches(name, self.fields, 1)
        return _MESSAGES["unknown"] + (f"; did you mean {meant[0]}" if meant else "")


def problems(messages: Any) -> Iterator[dict[str, str]]:
    """Yield what is wrong with a question, one sentence each.

    Shape: `parameter` or, in a body, `pointer` (RFC 6901) says where; `message` goes on from there.
    """
    for location, by_name in messages.items():
        key, prefix = ("pointer", "/") if location == "json" else ("parameter", "")
        if not isinstance(by_name, Mapping):
            yield {key: "", "message": "is no JSON"}
            continue
        for name, errors in by_name.items():
            where = "" if name == "_schema" else f"{prefix}{name}"
            yield from ({key: where, "message": message} for message in _flat(errors))


def sentence(problem: Mapping[str, str]) -> str:
    """Return a problem as a sentence."""
    where = problem.get("parameter") or problem.get("pointer", "").removeprefix("/") or "the body"
    return f"{where} {problem['message']}"


def _flat(errors: Any) -> Iterator[str]:
    """Yield the messages of a field; those of a list are told by index."""
    for error in errors.values() if isinstance(errors, Mapping) else errors:
        yield from [error] if isinstance(error, str) else _flat(error)
