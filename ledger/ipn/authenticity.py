"""Find the key that made a signature, or say in one word why none did.

A refusal is explained by the other keys of the same shop alone: those of all shops would let a
stranger's call cost as much as there are shops. Who looks at a refused delivery learns the rest.
"""

from collections.abc import Callable

from ledger.errors import MalformedNotificationError, SignatureError, UnknownShopError
from ledger.ipn.delivery import Delivery
from ledger.ipn.modes import MODES
from ledger.ipn.shops_and_keys import Key, Shops


def is_shop_id(text: str) -> bool:
    """Return True if a text looks like a shop id."""
    return text.isascii() and text.isdigit() and len(text) in (8, 9)


def check_address(delivery: Delivery, shop_id: str, mode: str) -> None:
    """Refuse a claim that is malformed or is not the one of the address it was sent to.

    Errors: MalformedNotificationError, SignatureError.
    """
    if not is_shop_id(shop_id):
        raise MalformedNotificationError("invalid-shop-id", "the shop id is not 8 or 9 digits")
    if mode not in MODES:
        raise MalformedNotificationError("mode-unreadable", "the mode is not TEST or PRODUCTION")
    if delivery.shop_id not in (None, shop_id):
        raise SignatureError("shop-mismatch", f"the address belongs to shop {delivery.shop_id}")
    if delivery.mode not in (None, mode):
        raise SignatureError("mode-mismatch", f"the address is for {delivery.mode} only")


def verifying_key(
    shops: Shops,
    delivery: Delivery,
    shop_id: str,
    mode: str,
    key_kinds: tuple[str, ...],
    made_signature: Callable[[Key], bool],
) -> Key:
    """Return the key of this shop and mode that made the signature, among those valid on arrival.

    Errors: UnknownShopError without a shop or key to try; SignatureError when none of them did.
    """
    if shop_id not in shops.shop_by_id:
        raise UnknownShopError("unknown-shop", f"shop {shop_id} is not in the shops file")
    keys = shops.keys(shop_id, mode, *key_kinds, at=delivery.received_at)
    verified = [key for key in keys if made_signature(key)]  # tries all: no timing of which
    if verified:
        return verified[0]
    for key in filter(made_signature, shops.keys_of_other_mode(shop_id, mode, *key_kinds)):
        raise SignatureError("wrong-mode", f"signed with a {key.mode} key of this shop")
    if not keys:
        lack = f"shop {shop_id} has no valid key of kind {' or '.join(key_kinds)} for {mode}"
        raise UnknownShopError("no-key", lack)
    raise SignatureError("signature-mismatch", "no key of this shop and mode made this signature")
