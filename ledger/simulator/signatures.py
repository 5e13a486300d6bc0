"""Sign calls as the platform does, by code of its own: a fault in the ledger's signatures shows.

Source: form-v2 reference, section 2.1; rest-v4 reference, section 2.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping


def form_signature(fields: Mapping[str, str], secret: str, *, is_sha1: bool = False) -> str:
    """Sign every `vads_` field. Shape: base64 of HMAC-SHA-256, or 40 hex digits of SHA-1."""
    names = sorted((name for name in fields if name.startswith("vads_")), key=str.encode)
    message = "+".join([*(fields[name] for name in names), secret]).encode()
    if is_sha1:
        return hashlib.sha1(message, usedforsecurity=False).hexdigest()
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


def rest_signature(answer: str, secret: str) -> str:
    """Sign a `kr-answer` exactly as it is sent. Shape: 64 hex digits of HMAC-SHA-256."""
    return hmac.new(secret.encode(), answer.encode(), hashlib.sha256).hexdigest()


def body_digest(body: bytes) -> str:
    """Return the SHA-256 of a body, under which the API shows it. Shape: 64 hex digits."""
    return hashlib.sha256(body).hexdigest()
