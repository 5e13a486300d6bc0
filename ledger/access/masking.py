"""Masks what is about a person for readers whose role does not include it."""

import re
from collections.abc import Callable, Mapping
from typing import Any

MASKED = "[masked]"

# A second fence beside `personal`: a shop may put a person's data where nobody expects it.
_NAME = re.compile(
    r"e-?mail|phone|address|street|zip|city|(first|last|full|holder|user|cust\w*)_?name"
    r"|\bip\b|(?<!pays)_ip\b|ipaddress|user_?info|user_?agent|birth|identity|proof_of_id|cust_|customer\."
    r"|ship_to|cardholder|\bpan\b|card_?number|expir(y|ation)_?(month|year)",
    re.IGNORECASE,
)
_NAMING = (
    r"[^@\s]+(?:@|%40)[^@\s]+\.[^@\s]+"  # an e-mail address, also in a link
    r"|\b\d{4,6}[Xx*]{4,}\d{2,4}\b"  # a card extract
)
_REFERENCE = re.compile(_NAMING)
_VALUE = re.compile(
    _NAMING + r"|\b(?:\d{1,3}\.){3}\d{1,3}\b"  # an IPv4 address
    r"|\b(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}\b",  # an IPv6 address
    re.IGNORECASE,
)


def masked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state, an event or a row as a reader without personal data may see it.

    Shape: the names of all fields stay, so that one can see what there would be to see. What a
    merchant chose as the name of an order or an alias may name a person, too.
    """
    return {name: _MASKS.get(name, _without_names)(value) for name, value in fields.items()}


def _without_names(fact: Any) -> Any:
    return MASKED if isinstance(fact, str) and _REFERENCE.search(fact) else fact


def _details(pairs: Any) -> Any:
    if isinstance(pairs, Mapping):
        return {name: _detail(name, text) for name, text in pairs.items()}
    return [[name, _detail(name, text)] for name, text in pairs]


def _detail(name: str, text: str) -> str:
    return MASKED if _NAME.search(name) or _VALUE.search(text) else text


def _all_masked(pairs: Any) -> Any:
    if isinstance(pairs, Mapping):
        return dict.fromkeys(pairs, MASKED)
    return [[name, MASKED] for name, _ in pairs]


def _each(nested: Any) -> Any:  # a list of orders holds only the number of transactions
    return [masked(fields) for fields in nested] if isinstance(nested, list) else nested


_MASKS: Mapping[str, Callable[[Any], Any]] = {
    "personal": _all_masked,
    "details": _details,
    "data": masked,
    "facts": masked,
    "links": masked,
    "original": lambda original: masked(original) if original else original,
    "transactions": _each,
    "changes": _each,
    "instalments": _each,
}
"""How a field that is no plain fact is masked, by its name."""
