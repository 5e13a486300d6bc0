"""One sealed frame: compressed by zstd with a shipped dictionary, then AES-256-GCM."""

from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.errors import UnsealableError
from ledger.sealing.origin_secret import Commitments
from ledger.storage.compression import Compression

COMPRESSION = Compression(Path(__file__).with_name("dictionaries"), newest=998828988)
_NONCE = bytes(12)  # each key seals one message, and no other ever


def seal(secret: bytes, origin_id: str, what: str, content: bytes) -> bytes:
    """Compress and encrypt the content of an origin. Shape: opened by `open_frame` alone."""
    key = AESGCM(Commitments(secret).sealing_key)
    return key.encrypt(_NONCE, COMPRESSION.compressed(content), _associated(origin_id, what))


def open_frame(secret: bytes, origin_id: str, what: str, frame: bytes) -> bytes:
    """Return what was sealed. Errors: UnsealableError."""
    key = AESGCM(Commitments(secret).sealing_key)
    try:
        return COMPRESSION.decompressed(key.decrypt(_NONCE, frame, _associated(origin_id, what)))
    except (InvalidTag, ValueError):
        raise UnsealableError(f"the sealed {what} of {origin_id} cannot be opened") from None


def _associated(origin_id: str, what: str) -> bytes:
    return f"{origin_id}\0{what}".encode()
