"""The secrets of one origin: what each of them proves without showing it, and what it locks.

An origin is whatever caused events: a delivery, a later decision about one, an operator's act. It
has up to two secrets of 32 random bytes, one for its raw body and one for what its events say about
people. Whoever destroys a secret erases what stands under it, and every proof stays as it was.
"""

import hmac
import secrets
from dataclasses import dataclass, field

SECRET_BYTES = 32
BODY, PERSONAL = "body", "personal"
"""What a secret is about: the raw body, or the parts of events that may name a person."""


def new_secret() -> bytes:
    """Return a secret that nobody can guess."""
    return secrets.token_bytes(SECRET_BYTES)


def secret_name(origin_id: str, what: str) -> str:
    """Name a secret, so that none is opened in the place of another."""
    return f"{origin_id} {what}"


@dataclass(frozen=True, slots=True)
class Commitments:
    """Commits to contents without telling anything about them, by one secret.

    Source: RFC 2104. Each part has a salt of its own, so opening one part opens no other.
    """

    secret: bytes = field(repr=False)

    def salt(self, name: str) -> bytes:
        """Return the salt of a part, which opens its commitment."""
        return hmac.digest(self.secret, b"part\0" + name.encode(), "sha256")

    def commitment(self, name: str, content: bytes) -> str:
        """Commit to the content of a part. Shape: 64 lower-case hex digits."""
        label = name.partition(":")[0]
        return opened_commitment(self.salt(name), label, content)

    @property
    def sealing_key(self) -> bytes:
        """Return the key under which the content is sealed."""
        return hmac.digest(self.secret, b"seal", "sha256")


def opened_commitment(salt: bytes, label: str, content: bytes) -> str:
    """Return the commitment to a content by a salt, as anybody who has both can compute it."""
    return hmac.digest(salt, label.encode() + b"\0" + content, "sha256").hex()


def part_name(number: int) -> str:
    """Name the part of the n-th event of an origin, from 0; its label is `apart`."""
    return f"apart:{number}"
