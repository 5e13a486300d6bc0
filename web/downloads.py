"""Sends exports as files while they are written."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain

from flask import Response, request

from ledger.queries import export as exporting
from ledger.queries.accounting import AccountingExport
from ledger.queries.accounting_files import ACCOUNTING_TYPES, AccountingWords, write_accounts
from ledger.queries.export import Export
from ledger.queries.export_formats import CONTENT_TYPES, CSV, PARQUET, write_rows
from web.context import ledger
from web.streams import in_turn, stream

_GZIP = 16 + zlib.MAX_WBITS
"""What makes the library write gzip."""


def download(export: Export, format_: str) -> Response:
    """Stream a file. Errors: those of `rows`, `write_rows` and `stream`, before it begins."""
    name = f"{export.kind}.{format_}"
    is_text = format_ != PARQUET  # which is compressed by itself
    return _sent(name, CONTENT_TYPES[format_], partial(_parts, export, format_), is_text=is_text)


def download_accounts(export: AccountingExport, format_: str, wording: AccountingWords) -> Response:
    """Stream a file for accountants. Errors: those of `write_accounts` and `stream`."""
    name, parts = write_accounts(ledger(), export, format_, wording)
    content_type = ACCOUNTING_TYPES[format_]
    return _sent(name, content_type, lambda: parts, is_text=format_ == CSV)


def _sent(
    name: str, content_type: str, make_parts: Callable[[], Iterable[bytes]], *, is_text: bool
) -> Response:
    """Stream parts as a file; text is compressed for whoever understands it."""
    is_zipped = is_text and request.accept_encodings.quality("gzip") > 0
    zip_ = _zipped if is_zipped else iter
    response = stream(lambda: filter(None, in_turn(zip_(make_parts()))), content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    if is_zipped:
        response.headers["Content-Encoding"] = "gzip"
    if is_text:
        response.vary.add("Accept-Encoding")
    return response


def _parts(export: Export, format_: str) -> Iterator[bytes]:
    rest = exporting.rows(ledger(), export)
    first = next(rest, None)
    rows = iter(()) if first is None else chain([first], rest)
    return write_rows(export.columns, format_, rows)


def _zipped(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Compress a file so that whoever receives a part can read all of it."""
    zipper = zlib.compressobj(wbits=_GZIP)
    for part in parts:
        yield zipper.compress(part) + zipper.flush(zlib.Z_SYNC_FLUSH)
    yield zipper.flush()
