"""Masks what is about a person for readers whose role does not include it."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ledger.ipn.card_data import HIDDEN as MASKED
from ledger.ipn.card_data import CardData, masked_text
from ledger.ipn.card_data_fields import is_identifying, masked_field

# A second fence beside `personal`: a shop may put a person's data where nobody expects it.
_PARTS_OF_NAMES = (
    *("email", "e-mail", "phone", "address", "street", "zip", "city", "birth", "identity"),
    *("firstname", "first_name", "lastname", "last_name", "fullname", "full_name"),
    *("holdername", "holder_name", "username", "user_name", "userinfo", "user_info"),
    *("useragent", "user_agent", "proof_of_id", "cust_", "customer.", "ship_to"),
    *("cardholder", "cardnumber", "card_number"),
    *("expirymonth", "expiry_month", "expiryyear", "expiry_year"),
    *("expirationmonth", "expiration_month", "expirationyear", "expiration_year"),
)
# Each regular expression begins with a sign that is found quickly, and reads from there what is
# bounded, or what holds no other such sign: so a text costs no more than its length.
_IP_OR_PAN = re.compile(r"ip\b(?:(?<=\bip)|(?<=_ip)(?<!pays_ip))|pan\b(?<=\bpan)")
_EMAIL = re.compile(r"@(?<=[^@\s]@)[^@\s]+\.[^@\s]")
_CARD_EXTRACT = re.compile(r"[Xx*](?<=\d{4}[Xx*])[Xx*]{3,}\d{2,4}\b")
_IPV4 = re.compile(r"\.(?<=\d\.)\d{1,3}\.\d{1,3}\.\d{1,3}\b")
_IPV6 = re.compile(r":(?<=[0-9a-f]:)(?:[0-9a-f]{1,4}:){3,6}[0-9a-f]{1,4}\b", re.IGNORECASE)
_PARTS = re.compile(r"/|\?\w+=")
_OWN_ID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
"""An id of ours, drawn by chance: one in six thousand seems to hold a security code (`CVV900`)."""
TEXT_MAX = 4096
"""Longer texts are masked whole: a stranger's text must not cost more than its length."""


def masked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state, an event or a row as a reader without personal data may see it.

    Shape: the names of all fields stay, so that one can see what there would be to see. What a
    merchant chose as the name of an order or an alias may name a person, too.
    """
    return {name: _MASKS.get(name, _without_names)(value) for name, value in fields.items()}


def masked_rows(items: Iterable[Mapping[str, Any]], *, is_search: bool) -> Iterator[dict[str, Any]]:
    """Yield rows as a reader without personal data may see them.

    What is masked is not found by a part of it: digit by digit that would tell all of it.
    """
    for row in map(masked, items):
        if not is_search or MASKED not in row.values():
            yield row


def _without_names(fact: Any) -> Any:
    if not isinstance(fact, str):
        return fact
    kinds = masked_text(fact)[1]
    if _OWN_ID.fullmatch(fact):
        kinds -= {CardData.SECURITY_CODE}
    return MASKED if _may_name(fact) or kinds else fact


def _may_name(text: str) -> bool:
    """Return True if a text may name a person: by an e-mail address, also in a link, or a card."""
    if len(text) > TEXT_MAX:
        return True
    return bool(_EMAIL.search(text.replace("%40", "@")) or _CARD_EXTRACT.search(text))


def _details(pairs: Any) -> Any:
    if isinstance(pairs, Mapping):
        return {name: _detail(name, text) for name, text in pairs.items()}
    return [[name, _detail(name, text)] for name, text in pairs]


def _detail(name: str, text: str) -> str:
    if _is_about_a_person(name) or _may_name(text) or _IPV4.search(text) or _IPV6.search(text):
        return MASKED
    # everywhere else card data was masked before the event was made
    has_card_data = is_identifying(name) and masked_field(name, text)[1] != text
    return MASKED if has_card_data else text


def _is_about_a_person(name: str) -> bool:
    if len(name) > TEXT_MAX:
        return True
    name = name.lower()
    if any(part in name for part in _PARTS_OF_NAMES) or ("cust" in name and "name" in name):
        return True
    return bool(_IP_OR_PAN.search(name))


def _all_masked(pairs: Any) -> Any:
    if isinstance(pairs, Mapping):
        return dict.fromkeys(pairs, MASKED)
    return [[name, MASKED] for name, _ in pairs]


def _addresses(links: Any) -> Any:
    """Mask addresses a part of which names a person; all of it together is no name."""
    return {
        name: MASKED if MASKED in map(_without_names, _PARTS.split(address)) else address
        for name, address in links.items()
    }


def _each(nested: Any) -> Any:  # a list of orders holds only the number of transactions
    return [masked(fields) for fields in nested] if isinstance(nested, list) else nested


_MASKS: Mapping[str, Callable[[Any], Any]] = {
    "personal": _all_masked,
    "details": _details,
    "data": masked,
    "facts": masked,
    "links": _addresses,
    "original": lambda original: masked(original) if original else original,
    "comparison": masked,
    "transactions": _each,
    "changes": _each,
    "instalments": _each,
}
"""How a field that is no plain fact is masked, by its name."""
