"""The details of events as the database holds them: compressed, each by itself.

Names and values of the platform come again and again: with a dictionary that knows them, details
take a tenth of their room. Facts, which read models follow and people query, stay as they are.
"""

from pathlib import Path

from sqlalchemy import Dialect, LargeBinary
from sqlalchemy.types import TypeDecorator

from ledger.storage.compression import Compression

_COMPRESSION = Compression(Path(__file__).with_name("dictionaries"), newest=1838570272)


def compress_details(details_json: bytes | None) -> bytes | None:
    """Return what the column of an event's details holds, for those who write it themselves."""
    return None if details_json is None else _COMPRESSION.compressed(details_json)


def read_details(frame: bytes | None) -> bytes | None:
    """Return the details that a column holds, as JSON. Errors: ValueError for any other bytes."""
    return None if frame is None else _COMPRESSION.decompressed(frame)


class DetailsJson(TypeDecorator[bytes]):
    """JSON outside the database, a frame of zstd within. Errors: as `read_details`."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, details_json: bytes | None, dialect: Dialect) -> bytes | None:
        return compress_details(details_json)

    def process_result_value(self, frame: bytes | None, dialect: Dialect) -> bytes | None:
        return read_details(frame)
