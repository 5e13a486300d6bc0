"""Names that files are sent under: plain, so that any system stores them as they are."""

import re

from ledger.application import Ledger

_UNSAFE = re.compile(r"[^a-z0-9]+")


def plain_name(text: str) -> str:
    """Return a text as a part of a file's name: small letters, digits and hyphens."""
    return _UNSAFE.sub("-", text.lower()).strip("-")[:60]


def shop_in_name(ledger: Ledger, shop_id: str) -> str:
    """Return how the name of a file names a shop. Shape: `boutique`, or `shop-12345678`."""
    shop = ledger.shops.shop_by_id.get(shop_id)
    return plain_name(shop.name if shop else "") or f"shop-{plain_name(shop_id)}"
