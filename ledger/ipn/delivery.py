"""One delivery: its raw body, its fields read strictly, and what its signature proved."""

from binascii import a2b_qp
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import unquote_to_bytes

from ledger.errors import MalformedNotificationError
from ledger.ipn.signature import digest

FORM_CONTENT_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What arrived, byte for byte, and how; nothing in it is believed yet.

    Shape: `mode` is TEST or PRODUCTION; it and `shop_id` are None at the address for all shops.
    `is_from_named_range` says that its sender is in the range of addresses named as the platform's.
    An imported one arrived at an older endpoint; `received_at` is when, as far as anybody claims.
    """

    id: str
    received_at: datetime
    body: bytes = field(repr=False)
    content_type: str = FORM_CONTENT_TYPE
    peer: str = ""
    shop_id: str | None = None
    mode: str | None = None
    is_from_named_range: bool = False
    is_imported: bool = False

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the raw body, 64 lower-case hex digits."""
        return digest(self.body)


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that a body may hold; more is refused unread."""

    fields_max: int = 10_000
    json_depth_max: int = 64


@dataclass(frozen=True, slots=True)
class DecodedBody:
    """A delivery with its fields. Shape: values by name, in wire order, nothing trimmed."""

    delivery: Delivery
    fields: Mapping[str, str]
    limits: Limits


@dataclass(frozen=True, slots=True)
class Notification:
    """A delivery that a key of its shop and mode has verified.

    Shape: `signed_tag` names exactly what the signature covers, so that a repeat
    is recognised whatever travels beside it. `signed_text_tag` names the text that was signed, so
    that the same values under other names are recognised; None where names are signed, too.
    """

    delivery: Delivery
    format: str
    shop_id: str
    mode: str
    source: str | None
    key_fingerprint: str
    signed_tag: str
    signed_text_tag: str | None = None


def read_fields(delivery: Delivery, limits: Limits) -> dict[str, str]:
    """Decode a form body. Shape: values by name, in wire order; blank ones kept, nothing trimmed.

    Errors: MalformedNotificationError for what is no form, no UTF-8, or names a field twice.
    """
    media_type = delivery.content_type.partition(";")[0].strip().lower()
    if media_type not in ("", FORM_CONTENT_TYPE):
        raise MalformedNotificationError("unsupported-content-type", "the body is not a form")
    if not delivery.body.strip():
        raise MalformedNotificationError("empty-body", "the body is empty")
    parts = delivery.body.split(b"&")
    if len(parts) > limits.fields_max:
        raise MalformedNotificationError("too-many-fields", f"{len(parts)} fields")
    pairs = [_field(encoded) for encoded in parts if encoded]
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise MalformedNotificationError("duplicate-field", "a field name occurs twice")
    return fields


def _field(encoded: bytes) -> tuple[str, str]:
    if b"%" not in encoded and b"+" not in encoded and encoded.isascii():
        ascii_name, _, ascii_value = encoded.decode("ascii").partition("=")
        return ascii_name, ascii_value
    name, _, value = encoded.partition(b"=")
    try:
        return _decode(name), _decode(value)
    except UnicodeDecodeError as error:
        raise MalformedNotificationError("invalid-utf-8", "a field is not valid UTF-8") from error


def _decode(encoded: bytes) -> str:
    encoded = encoded.replace(b"+", b" ")
    return (unescape(encoded) if b"%" in encoded else encoded).decode("utf-8")


def unescape(encoded: bytes) -> bytes:
    """Resolve percent-escapes; what is no escape stays.

    Mail escapes bytes in the same way behind another sign, and its decoder is written in C. It
    knows signs of its own as well: what holds one of those, or a `%` that is no escape and so did
    not become two bytes shorter, is left to the slower one.
    """
    if b"=" not in encoded and b"\r" not in encoded and b"\n" not in encoded:
        decoded = a2b_qp(encoded.replace(b"%", b"="))
        if len(encoded) - len(decoded) == 2 * encoded.count(b"%"):
            return decoded
    return unquote_to_bytes(encoded)
