"""Hides what is about a person from those whose role does not include it.

Personal fields are kept apart from the facts of the payment, so their place says what to hide. A
second fence looks at names and values of the platform's other fields, since a shop may have put
a person's data where nobody expects it.
"""

import re
from collections.abc import Mapping
from typing import Any

MASKED = "[masked]"

_NAME = re.compile(
    r"e-?mail|phone|address|street|zip|city|(first|last|full|holder|user|cust\w*)_?name"
    r"|\bip\b|(?<!pays)_ip\b|ipaddress|user_?info|user_?agent|birth|identity|proof_of_id|cust_|customer\."
    r"|ship_to|cardholder|\bpan\b|card_?number|expir(y|ation)_?(month|year)",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"[^@\s]+@[^@\s]+\.[^@\s]+"  # an e-mail address
    r"|\b\d{4,6}[Xx*]{4,}\d{2,4}\b"  # a card extract
    r"|\b(?:\d{1,3}\.){3}\d{1,3}\b"  # an IPv4 address
    r"|\b(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}\b",  # an IPv6 address
    re.IGNORECASE,
)


def masked(told: Mapping[str, Any]) -> dict[str, Any]:
    """An item or an event as somebody without a right to personal data may see it.

    Shape: the names of all fields stay, so that one can see what there would be to see.
    """
    hidden = dict(told)
    if "personal" in hidden:
        hidden["personal"] = dict.fromkeys(hidden["personal"], MASKED)
    if "details" in hidden:
        hidden["details"] = {
            name: MASKED if _NAME.search(name) or _VALUE.search(value) else value
            for name, value in hidden["details"].items()
        }
    if "data" in hidden:
        hidden["data"] = masked(hidden["data"])
    if "transactions" in hidden:
        hidden["transactions"] = [masked(one) for one in hidden["transactions"]]
    return hidden
