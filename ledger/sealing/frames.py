"""One sealed frame: compressed by zstd with a shipped dictionary, then AES-256-GCM.

A dictionary is never removed or changed: each frame names the one it was made with. A new one gets
a file of its own beside it, and its id as the newest.
"""

import threading
from functools import cache
from pathlib import Path

from backports import zstd
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.errors import UnsealableError
from ledger.sealing.origin_secret import Commitments

DICTIONARIES = Path(__file__).with_name("dictionaries")
NEWEST_DICTIONARY = 998828988
LEVEL = 3
CONTENT_BYTES_MAX = 1 << 30
_NONCE = bytes(12)  # each key seals one message, and no other ever


def seal(secret: bytes, origin_id: str, what: str, content: bytes) -> bytes:
    """Compress and encrypt the content of an origin. Shape: opened by `open_frame` alone."""
    key = AESGCM(Commitments(secret).sealing_key)
    return key.encrypt(_NONCE, compressed(content), _associated(origin_id, what))


def open_frame(secret: bytes, origin_id: str, what: str, frame: bytes) -> bytes:
    """Return what was sealed. Errors: UnsealableError."""
    key = AESGCM(Commitments(secret).sealing_key)
    try:
        return decompressed(key.decrypt(_NONCE, frame, _associated(origin_id, what)))
    except (InvalidTag, zstd.ZstdError, ValueError, OSError):
        raise UnsealableError(f"the sealed {what} of {origin_id} cannot be opened") from None


def compressed(content: bytes) -> bytes:
    """Compress with the newest dictionary."""
    compressor: zstd.ZstdCompressor | None = getattr(_own, "compressor", None)
    if compressor is None:  # one for each thread: they cannot share one
        dictionary = _dictionary(NEWEST_DICTIONARY).as_digested_dict
        compressor = zstd.ZstdCompressor(level=LEVEL, zstd_dict=dictionary)
        _own.compressor = compressor
    return compressor.compress(content, mode=zstd.ZstdCompressor.FLUSH_FRAME)


def decompressed(frame: bytes) -> bytes:
    """Return what was compressed with any shipped dictionary. Errors: those of zstd; ValueError."""
    dictionary = _dictionary(zstd.get_frame_info(frame).dictionary_id)
    content = zstd.ZstdDecompressor(zstd_dict=dictionary).decompress(frame, CONTENT_BYTES_MAX)
    return bytes(content)


_own = threading.local()


@cache
def _dictionary(id_: int) -> zstd.ZstdDict:
    return zstd.ZstdDict((DICTIONARIES / f"{id_}.zstd-dictionary").read_bytes())


def _associated(origin_id: str, what: str) -> bytes:
    return f"{origin_id}\0{what}".encode()
