"""Both formats of the platform, read into one vocabulary of snapshots."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from ledger.errors import MalformedNotificationError
from ledger.ipn import form_v2, rest_v4
from ledger.ipn.authenticity import is_shop_id
from ledger.ipn.card_data_fields import without_card_data
from ledger.ipn.delivery import DecodedBody, Delivery, Limits, Notification, read_fields
from ledger.ipn.modes import MODES
from ledger.ipn.shops_and_keys import Shops
from ledger.ipn.snapshots import NotificationContent

_SOURCE = re.compile(r"[A-Z][A-Z0-9_]{0,39}")

Payload = Mapping[str, Any] | MalformedNotificationError
"""What a signature covers: the fields of a form, or the JSON of an answer; or why it is none."""


class Format(Protocol):
    """What the module of a format does."""

    NAME: str
    SOURCE_FIELD: str

    def matches(self, fields: Mapping[str, str]) -> bool: ...
    def claim(self, body: DecodedBody) -> tuple[str, str]: ...
    def verify(self, body: DecodedBody, shops: Shops) -> tuple[Notification, Payload]: ...
    def trust(
        self, body: DecodedBody, key_fingerprint: str, signed_tag: str
    ) -> tuple[Notification, Payload]: ...
    def translate(self, notification: Notification, payload: Any) -> NotificationContent: ...


FORMATS: tuple[Format, ...] = (rest_v4, form_v2)
_FORMAT_BY_NAME = {format_.NAME: format_ for format_ in FORMATS}


class Proven(NamedTuple):
    """A notification that a key has verified; nobody has looked inside yet."""

    notification: Notification
    payload: Payload
    body: DecodedBody


class Claim(NamedTuple):
    """What an unverified delivery says of itself; None for what is missing or malformed."""

    format: str | None
    shop_id: str | None
    mode: str | None
    source: str | None = None


def verify(delivery: Delivery, shops: Shops, limits: Limits) -> Proven:
    """Find the key that signed a delivery; nothing in it is read but who sent it.

    Errors: NotificationError.
    """
    format_, body = _decode(delivery, limits)
    return Proven(*format_.verify(body, shops), body)


def trust(delivery: Delivery, key_fingerprint: str, signed_tag: str, limits: Limits) -> Proven:
    """Take a delivery as verified that was so once, by a key that may be gone.

    Shape: `signed_tag` is computed anew, so that it can be compared with the one kept.
    Errors: NotificationError.
    """
    format_, body = _decode(delivery, limits)
    return Proven(*format_.trust(body, key_fingerprint, signed_tag), body)


def understand(proven: Proven) -> NotificationContent:
    """Read everything that a verified notification says. Errors: MalformedNotificationError."""
    notification = proven.notification
    format_ = _FORMAT_BY_NAME[notification.format]
    content = without_card_data(format_.translate(notification, proven.payload))
    if content.transactions or content.aliases or content.subscriptions:
        return content
    raise MalformedNotificationError(
        "identity-unreadable", "it names no transaction, no alias and no subscription"
    )


def read(
    delivery: Delivery, shops: Shops, limits: Limits
) -> tuple[Notification, NotificationContent]:
    """Verify a delivery and read what it says. Errors: NotificationError."""
    proven = verify(delivery, shops, limits)
    return proven.notification, understand(proven)


def read_trusted(
    delivery: Delivery, key_fingerprint: str, signed_tag: str, limits: Limits
) -> tuple[Notification, NotificationContent]:
    """Read again what was verified once, by a key that is gone. Errors: as `trust`."""
    proven = trust(delivery, key_fingerprint, signed_tag, limits)
    return proven.notification, understand(proven)


def claim_of(delivery: Delivery, limits: Limits) -> Claim:
    """Return what a refused delivery says of itself, as far as it can be read."""
    try:
        format_, body = _decode(delivery, limits)
        shop_id, mode = format_.claim(body)
    except MalformedNotificationError:
        return Claim(None, None, None)
    source = body.fields.get(format_.SOURCE_FIELD, "")
    return Claim(
        format_.NAME,
        shop_id if is_shop_id(shop_id) else None,
        mode if mode in MODES else None,
        source if _SOURCE.fullmatch(source) else None,
    )


def _decode(delivery: Delivery, limits: Limits) -> tuple[Format, DecodedBody]:
    fields = read_fields(delivery, limits)
    for format_ in FORMATS:
        if format_.matches(fields):
            return format_, DecodedBody(delivery, fields, limits)
    raise MalformedNotificationError("unknown-format", "neither vads_* nor kr-* fields")
