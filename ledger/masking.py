"""Hides what is about a person from those whose role does not include it.

Personal fields are kept apart from the facts of the payment, so their place says what to hide. A
second fence looks at names and values of the platform's other fields, since a shop may have put
a person's data where nobody expects it.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

MASKED = "[masked]"

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


def masked(told: Mapping[str, Any]) -> dict[str, Any]:
    """An item, an event or a row as somebody without a right to personal data may see it.

    Shape: the names of all fields stay, so that one can see what there would be to see. What a
    merchant chose as the name of an order or an alias may name a person, too.
    """
    return {name: _MASKS.get(name, _without_names)(value) for name, value in told.items()}


def _without_names(value: Any) -> Any:
    """A fact without an e-mail address or a card number."""
    return MASKED if isinstance(value, str) and _REFERENCE.search(value) else value


def _details(told: Any) -> Any:
    """The platform's other fields. Shape: a mapping, or pairs of name and value."""
    if isinstance(told, Mapping):
        return {name: _detail(name, value) for name, value in told.items()}
    return [[name, _detail(name, value)] for name, value in told]


def _detail(name: str, value: str) -> str:
    return MASKED if _NAME.search(name) or _VALUE.search(value) else value


def _all_masked(told: Any) -> Any:
    if isinstance(told, Mapping):
        return dict.fromkeys(told, MASKED)
    return [[name, MASKED] for name, _ in told]


def _each(told: Any) -> Any:
    """Things within a thing; in a list of orders only their number is told."""
    return [masked(one) for one in told] if isinstance(told, list) else told


_MASKS: Mapping[str, Callable[[Any], Any]] = {
    "personal": _all_masked,
    "details": _details,
    "data": masked,
    "facts": masked,
    "links": masked,
    "original": lambda told: masked(told) if told else told,
    "transactions": _each,
    "changes": _each,
    "instalments": _each,
}
"""What is not a plain fact, by its name."""
