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

_SOURCE = re.compile(r"[A-Z_]{1,40}")

Payload = Mapping[str, Any]
"""What a signature covers: the fields of a form, or the JSON of an answer."""


class Format(Protocol):
    """What the module of a format does."""

    NAME: str
    SOURCE_FIELD: str

    def matches(self, fields: Mapping[str, str]) -> bool: ...
    def claim(self, body: DecodedBody) -> tuple[str, str]: ...
    def verify(self, body: DecodedBody, shops: Shops) -> tuple[Notification, Payload]: ...
    def trust(
        self, body: DecodedBody, key_fingerprint: str, signed_digest: str
    ) -> tuple[Notification, Payload]: ...
    def translate(self, notification: Notification, payload: Payload) -> NotificationContent: ...


FORMATS: tuple[Format, ...] = (rest_v4, form_v2)


class Claim(NamedTuple):
    """What an unverified delivery says of itself; None for what is missing or malformed."""

    format: str | None
    shop_id: str | None
    mode: str | None
    source: str | None = None


def read(
    delivery: Delivery, shops: Shops, limits: Limits
) -> tuple[Notification, NotificationContent]:
    """Read a delivery strictly, verify it, and translate it. Errors: NotificationError."""
    format_, body = _decode(delivery, limits)
    return _translate(format_, *format_.verify(body, shops))


def read_trusted(
    delivery: Delivery, key_fingerprint: str, signed_digest: str, limits: Limits
) -> tuple[Notification, NotificationContent]:
    """Read again what was verified once, by a key that is gone. Errors: NotificationError.

    Shape: `signed_digest` is computed anew, so that it can be compared with the one kept.
    """
    format_, body = _decode(delivery, limits)
    return _translate(format_, *format_.trust(body, key_fingerprint, signed_digest))


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


def _translate(
    format_: Format, notification: Notification, payload: Payload
) -> tuple[Notification, NotificationContent]:
    content = without_card_data(format_.translate(notification, payload))
    if content.transactions or content.aliases or content.subscriptions:
        return notification, content
    raise MalformedNotificationError(
        "identity-unreadable", "it names no transaction, no alias and no subscription"
    )
