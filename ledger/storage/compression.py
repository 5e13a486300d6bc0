"""Compresses by zstd with shipped dictionaries, which hold what many contents have in common.

A dictionary is never removed or changed: each frame names the one it was made with. A new one gets
a file of its own beside it, and its id as the newest.
"""

import threading
from functools import cache
from pathlib import Path

from backports import zstd

LEVEL = 3
CONTENT_BYTES_MAX = 1 << 30


class Compression:
    """Compresses with the newest dictionary of a folder, and reads what any of them made."""

    def __init__(self, folder: Path, newest: int) -> None:
        self.folder = folder
        self._newest = newest
        self._own = threading.local()

    def compressed(self, content: bytes) -> bytes:
        """Return a frame of zstd."""
        compressor: zstd.ZstdCompressor | None = getattr(self._own, "compressor", None)
        if compressor is None:  # one for each thread: they cannot share one
            dictionary = _dictionary(self.folder, self._newest).as_digested_dict
            compressor = zstd.ZstdCompressor(level=LEVEL, zstd_dict=dictionary)
            self._own.compressor = compressor
        return compressor.compress(content, mode=zstd.ZstdCompressor.FLUSH_FRAME)

    def decompressed(self, frame: bytes) -> bytes:
        """Return what was compressed. Errors: ValueError for what no shipped dictionary made."""
        try:
            dictionary = _dictionary(self.folder, zstd.get_frame_info(frame).dictionary_id)
            decompressor = zstd.ZstdDecompressor(zstd_dict=dictionary)
            return bytes(decompressor.decompress(frame, CONTENT_BYTES_MAX))
        except (zstd.ZstdError, OSError) as error:
            raise ValueError(f"no frame of a shipped dictionary: {error}") from error


@cache
def _dictionary(folder: Path, id_: int) -> zstd.ZstdDict:
    return zstd.ZstdDict((folder / f"{id_}.zstd-dictionary").read_bytes())
