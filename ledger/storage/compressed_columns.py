"""Columns whose contents the database holds compressed, each by itself.

What the platform says, and what the log says about it, is nearly the same in every call: with a
dictionary that knows it, a tenth of the room is enough for details and a third for entries, which
are hashes. Facts, which read models follow and people query, stay as they are.
"""

from pathlib import Path

from sqlalchemy import Dialect, LargeBinary
from sqlalchemy.types import TypeDecorator

from ledger.storage.compression import Compression

_DICTIONARIES = Path(__file__).with_name("dictionaries")
DETAILS = Compression(_DICTIONARIES, newest=1838570272)
LOG_ENTRIES = Compression(_DICTIONARIES, newest=1137535299)


def compress_details(details_json: bytes | None) -> bytes | None:
    """Return what the column of an event's details holds, for those who write it themselves."""
    return None if details_json is None else DETAILS.compressed(details_json)


def read_details(frame: bytes | None) -> bytes | None:
    """Return the details that a column holds, as JSON. Errors: ValueError for any other bytes."""
    return None if frame is None else DETAILS.decompressed(frame)


class Compressed(TypeDecorator[bytes]):
    """Bytes outside the database, a frame of zstd within.

    Shape: what is no frame is read as it is. Only a hand can have put it there, and whoever checks
    what it reads finds it.
    """

    impl = LargeBinary
    cache_ok = True

    def __init__(self, compression: Compression) -> None:
        super().__init__()
        self.compression = compression

    def process_bind_param(self, content: bytes | None, dialect: Dialect) -> bytes | None:
        return None if content is None else self.compression.compressed(content)

    def process_result_value(self, frame: bytes | None, dialect: Dialect) -> bytes | None:
        try:
            return None if frame is None else self.compression.decompressed(frame)
        except ValueError:
            return frame
