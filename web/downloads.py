"""Sends exports as files while they are written."""

import zlib
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain

from flask import Response, request

from ledger.queries import export as exporting
from ledger.queries.export import Export
from ledger.queries.export_formats import CONTENT_TYPES, PARQUET, write_rows
from web.context import ledger
from web.streams import in_turn, stream

_GZIP = 16 + zlib.MAX_WBITS
"""What makes the library write gzip."""


def download(export: Export, format_: str) -> Response:
    """Stream a file. Errors: those of `rows`, `write_rows` and `stream`, before it begins."""
    is_text = format_ != PARQUET  # which is compressed by itself
    is_zipped = is_text and request.accept_encodings.quality("gzip") > 0
    parts = partial(_parts, export, format_, is_zipped=is_zipped)
    response = stream(parts, CONTENT_TYPES[format_])
    response.headers["Content-Disposition"] = f'attachment; filename="{export.kind}.{format_}"'
    if is_zipped:
        response.headers["Content-Encoding"] = "gzip"
    if is_text:
        response.vary.add("Accept-Encoding")
    return response


def _parts(export: Export, format_: str, *, is_zipped: bool) -> Iterator[bytes]:
    rest = exporting.rows(ledger(), export)
    first = next(rest, None)
    rows = iter(()) if first is None else chain([first], rest)
    parts = write_rows(export.columns, format_, rows)
    return in_turn(_zipped(parts) if is_zipped else parts)


def _zipped(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Compress a file so that whoever receives a part can read all of it."""
    zipper = zlib.compressobj(wbits=_GZIP)
    for part in parts:
        yield zipper.compress(part) + zipper.flush(zlib.Z_SYNC_FLUSH)
    yield zipper.flush()
