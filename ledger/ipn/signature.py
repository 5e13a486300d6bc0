"""Canonical bytes of both formats, and their signatures; constant time, no I/O."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from operator import itemgetter


def signed_fields(fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the fields that a form signature covers, in byte order of their names."""
    signed = (field for field in fields.items() if field[0].startswith("vads_"))
    return sorted(signed, key=itemgetter(0))  # text sorts as its bytes in UTF-8 do


def form_text(fields: Mapping[str, str]) -> str:
    """Return what a form signature covers, without the key.

    Shape: values of every `vads_` field, empty ones too, in byte order of the names, joined by `+`.
    Source: form-v2 reference, section 2.1.
    """
    return "+".join(value for _, value in signed_fields(fields))


def sign_form_hmac(text: str, secret: str) -> str:
    """Sign a form text with HMAC-SHA-256. Shape: 44 characters of base64."""
    message = f"{text}+{secret}".encode()
    return base64.b64encode(hmac.digest(secret.encode(), message, "sha256")).decode()


def sign_form_sha1(text: str, secret: str) -> str:
    """Sign a form text with the deprecated SHA-1 scheme. Shape: 40 lower-case hex digits."""
    message = f"{text}+{secret}".encode()
    return hashlib.sha1(message, usedforsecurity=False).hexdigest()


def sign_rest(text: str, secret: str) -> str:
    """Sign a `kr-answer` exactly as given. Shape: 64 lower-case hex digits."""
    return hmac.digest(secret.encode(), text.encode(), "sha256").hex()


def is_same(received: str, computed: str) -> bool:
    """Compare two signatures in constant time, whatever characters the received one holds."""
    return hmac.compare_digest(received.encode(errors="surrogatepass"), computed.encode())


def digest(message: bytes) -> str:
    """Return the SHA-256 of some bytes. Shape: 64 lower-case hex digits."""
    return hashlib.sha256(message).hexdigest()
