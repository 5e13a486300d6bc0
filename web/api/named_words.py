"""Names for the lists of words in the documents, so that a typed client has each of them once."""

from collections.abc import Mapping
from typing import Any

from web.api.event_schemas import reference_to
from web.api.fact_schemas import JsonSchema
from web.api.vocabulary import CLOSED, KNOWN, READMISSION_OUTCOMES, TOTAL_OUTCOMES, Words

_WORDS_BY_NAME: Mapping[str, Words] = {
    "Mode": CLOSED["mode"],
    "ObjectKind": CLOSED["kind"],
    "RuleCertainty": CLOSED["rule_certainty"],
    "Outcome": CLOSED["outcome"],
    "ReadmissionOutcome": READMISSION_OUTCOMES,
    "TotalOutcome": TOTAL_OUTCOMES,
    "EventType": KNOWN["type"],
    "Rule": KNOWN["rule"],
    "Reason": KNOWN["reason"],
    "NotificationFormat": KNOWN["format"],
}
_NAME_BY_WORDS = {frozenset(words): name for name, words in _WORDS_BY_NAME.items()}


def word_schemas() -> dict[str, JsonSchema]:
    """Return the schema of each list of words, by its name."""
    return {name: {"type": "string", "enum": list(words)} for name, words in _WORDS_BY_NAME.items()}


def with_named_words(described: Any) -> Any:
    """Return a part of the document that refers to each list of words by its name."""
    if isinstance(described, list):
        return [with_named_words(part) for part in described]
    if not isinstance(described, dict):
        return described
    words = described.get("enum", ())
    name = _NAME_BY_WORDS.get(frozenset(words).difference([None]))
    if name is None or "type" not in described:
        return {key: with_named_words(part) for key, part in described.items()}
    own = {key: part for key, part in described.items() if key not in ("type", "enum")}
    if None in words:
        return own | {"anyOf": [reference_to(name), {"type": "null"}]}
    return own | reference_to(name)
