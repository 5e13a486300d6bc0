"""Find out, for whoever looks at a refused delivery, that it was signed for another shop."""

from ledger.errors import NotificationError
from ledger.ipn.delivery import Delivery, Limits
from ledger.ipn.parse import claim_of, read
from ledger.ipn.shops_and_keys import Shops

UNEXPLAINED = frozenset({"signature-mismatch", "no-key"})
"""Reasons of a refusal behind which the key of another shop may be."""


def is_signed_for_another_shop(delivery: Delivery, shops: Shops, limits: Limits) -> bool:
    """Return True if a key of another shop made the signature of a delivery.

    Every key of every shop is tried, which takes long where there are thousands: only for one
    delivery that somebody asks about, never while a call waits for its answer.
    """
    claim = claim_of(delivery, limits)
    if claim.shop_id is None or claim.mode is None:
        return False
    if _refusal(delivery, shops, limits) not in UNEXPLAINED:
        return False
    keyring = shops.others_as(claim.shop_id, claim.mode)
    return _refusal(delivery, keyring, limits) not in UNEXPLAINED


def _refusal(delivery: Delivery, shops: Shops, limits: Limits) -> str | None:
    try:
        read(delivery, shops, limits)
    except NotificationError as refusal:
        return refusal.reason
    return None
