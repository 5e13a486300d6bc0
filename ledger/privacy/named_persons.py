"""Tells whether one delivery names several persons, so that nobody is given the data of another."""

import unicodedata
from collections import defaultdict
from itertools import combinations

from ledger.privacy.identifiers import IdentifierKind, Scalars, identifiers_of_fields

_CUSTOMER, _SHIP_TO, _CARDHOLDER = "customer", "ship-to", "cardholder"
_ROLES = {
    "vads_cust_name": _CUSTOMER,
    "vads_cust_first_name": _CUSTOMER,
    "vads_cust_last_name": _CUSTOMER,
    "billingDetails.firstName": _CUSTOMER,
    "billingDetails.lastName": _CUSTOMER,
    "vads_ship_to_name": _SHIP_TO,
    "vads_ship_to_first_name": _SHIP_TO,
    "vads_ship_to_last_name": _SHIP_TO,
    "shippingDetails.firstName": _SHIP_TO,
    "shippingDetails.lastName": _SHIP_TO,
    "vads_card_holder_name": _CARDHOLDER,
    "cardDetails.cardHolderName": _CARDHOLDER,
    "paymentMethodDetails.cardHolderName": _CARDHOLDER,
}
"""Whose name a field holds, by the last two parts of its path."""


def names_several(scalars: Scalars) -> bool:
    """Return True if a delivery has two e-mail addresses, or names of different people.

    Shape: names are alike when all words of one are among those of the other, in any order.
    """
    identifiers = set(identifiers_of_fields(scalars))
    addresses = [each for each in identifiers if each.kind == IdentifierKind.EMAIL]
    words_by_role: defaultdict[str, set[str]] = defaultdict(set)
    for path, text in scalars:
        role = _ROLES.get(".".join(path.split(".")[-2:]))
        if role is not None:
            words_by_role[role] |= _words(text)
    names = filter(None, words_by_role.values())
    are_alike = all(ours <= theirs or theirs <= ours for ours, theirs in combinations(names, 2))
    return len(addresses) > 1 or not are_alike


def _words(text: str) -> set[str]:
    """Return the words of a name, without case and accents."""
    signs = unicodedata.normalize("NFKD", text.casefold())
    plain = (sign for sign in signs if not unicodedata.combining(sign))
    return set("".join(sign if sign.isalnum() else " " for sign in plain).split())
