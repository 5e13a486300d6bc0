"""Both formats of the platform, read into one vocabulary of snapshots."""

from typing import NamedTuple

from ledger.errors import MalformedNotificationError
from ledger.formats import form_v2, rest_v4
from ledger.formats.snapshot import Told
from ledger.modes import MODES
from ledger.notification import Delivery, Limits, Notification, Proof, read_fields
from ledger.shops import Shops
from ledger.verification import is_shop_id

FORMATS = (rest_v4, form_v2)
"""Each has NAME, matches(fields), claim(fields, limits), verify(delivery, fields, shops, limits),
and for what is read again without its key trust(delivery, fields, proof, limits); then
translate(…)."""


class Claim(NamedTuple):
    """What an unverified delivery says of itself; None for what is missing or malformed."""

    format: str | None
    shop_id: str | None
    mode: str | None


def read(delivery: Delivery, shops: Shops, limits: Limits) -> tuple[Notification, Told]:
    """Read a delivery strictly, verify it, and translate it. Errors: NotificationError."""
    fields = read_fields(delivery, limits)
    if rest_v4.matches(fields):
        notification, answer = rest_v4.verify(delivery, fields, shops, limits)
        return notification, rest_v4.translate(notification, answer)
    if form_v2.matches(fields):
        notification, told = form_v2.verify(delivery, fields, shops, limits)
        return notification, form_v2.translate(notification, told)
    raise MalformedNotificationError("unknown-format", "neither vads_* nor kr-* fields")


def read_trusted(delivery: Delivery, proof: Proof, limits: Limits) -> tuple[Notification, Told]:
    """Read again what was verified once, by a key that is gone. Errors: NotificationError.

    Shape: `signed_digest` is computed anew, so that it can be compared with the one kept.
    """
    fields = read_fields(delivery, limits)
    if rest_v4.matches(fields):
        notification, answer = rest_v4.trust(delivery, fields, proof, limits)
        return notification, rest_v4.translate(notification, answer)
    if form_v2.matches(fields):
        notification, told = form_v2.trust(delivery, fields, proof, limits)
        return notification, form_v2.translate(notification, told)
    raise MalformedNotificationError("unknown-format", "neither vads_* nor kr-* fields")


def claim_of(delivery: Delivery, limits: Limits) -> Claim:
    """What a refused delivery says it is, as far as it can be read, for the quarantine's list."""
    try:
        fields = read_fields(delivery, limits)
        format_ = next((one for one in FORMATS if one.matches(fields)), None)
        if format_ is None:
            return Claim(None, None, None)
        shop_id, mode = format_.claim(fields, limits)
    except MalformedNotificationError:
        return Claim(None, None, None)
    is_shop = is_shop_id(shop_id)
    return Claim(format_.NAME, shop_id if is_shop else None, mode if mode in MODES else None)
