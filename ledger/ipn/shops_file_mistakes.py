"""What is wrong with a shops file, in a line each: which shop, key or label, what to write."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

_ENTRY = {"shops": "shop", "keys": "key", "labels": "label", "asking": "asking"}
_UNKNOWN = "Unknown field."
_WORDS = {
    "Missing data for required field.": "is missing",
    "Not a valid string.": 'must be text, in quotes: "…"',
    "Field may not be null.": "must not be empty",
}


def mistakes(
    messages: object, data: Mapping[str, Any], words_by_field: Mapping[str, tuple[str, ...]]
) -> list[str]:
    """Put what the schema refused in words. Shape: entries are counted from 1; no secret in it.

    `words_by_field` has the fields of a shop, a key, a label and an asking, and the words that a
    field may hold.
    """
    lines = list(_lines(messages, data, "", words_by_field))
    return [line for line in lines if not _is_explained(line, lines)]


def nearest(name: str, candidates: tuple[str, ...]) -> str:
    """Return the question whether a known name was meant; empty when none is near."""
    matches = get_close_matches(name, candidates, 1) or get_close_matches(
        name.upper(), candidates, 1
    )
    return f"; did you mean `{matches[0]}`?" if matches else ""


def _is_explained(line: str, spoken: list[str]) -> bool:
    """Return True if what is missing here is what another line takes a misspelt field for."""
    place, _, words = line.partition("`")
    name, _, verdict = words.partition("`")
    meant = f"did you mean `{name}`?"
    is_misspelt = any(
        each.startswith(f"{place}unknown") and each.endswith(meant) for each in spoken
    )
    return verdict == " is missing" and is_misspelt


def _lines(
    messages: object, data: Any, place: str, words_by_field: Mapping[str, tuple[str, ...]]
) -> Iterator[str]:
    if not isinstance(messages, Mapping):
        yield f"{place}: {messages}"
        return
    for name, more in messages.items():
        below = _below(data, name)
        if isinstance(more, Mapping) and name in _ENTRY:
            for number, each in more.items():
                entry = _entry(str(name), number, _below(below, number))
                yield from _lines(
                    each, _below(below, number), _joined(place, entry), words_by_field
                )
        elif isinstance(more, Mapping):
            yield from _lines(more, below, place, words_by_field)
        else:
            for message in more:
                words = _in_words(str(name), str(message), below, place, words_by_field)
                yield f"{place}: {words}" if place else words


def _in_words(
    name: str, message: str, value: Any, place: str, words_by_field: Mapping[str, tuple[str, ...]]
) -> str:
    if message == _UNKNOWN:
        of = place.rpartition(", ")[2].partition(" ")[0] or "file"
        return f"unknown field `{name}`{nearest(name, words_by_field[of])}"
    if name == "_schema":
        return "must be a table"
    if name in _ENTRY and message == "Not a valid list.":
        return f"`{name}` must be a list of tables: write [[{'shops.' * bool(place)}{name}]]"
    meant = nearest(value, words_by_field.get(name, ())) if isinstance(value, str) else ""
    return f"`{name}` {_WORDS.get(message, message)}{meant}"


def _entry(name: str, number: object, value: Any) -> str:
    """Name a shop by its id where that is one, anything else by its number, from 1."""
    id_ = str(_below(value, "id")) if name == "shops" else ""
    if id_.isascii() and id_.isdigit() and len(id_) <= 12:
        return f"shop {id_}"
    return f"{_ENTRY[name]} {int(str(number)) + 1}"


def _joined(*places: str) -> str:
    return ", ".join(filter(None, places))


def _below(data: Any, name: Any) -> Any:
    """Return what stands under a name or at a place; None when nothing does."""
    if isinstance(data, Mapping):
        return data.get(name)
    if isinstance(data, list) and isinstance(name, int):
        return data[name]
    return None
