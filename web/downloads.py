"""Sends exports as files while they are written."""

from itertools import chain

from flask import Response, stream_with_context

from ledger.queries import export as exporting
from ledger.queries.export import Export
from ledger.queries.export_formats import CONTENT_TYPES, write_rows
from web.context import ledger


def download(export: Export, format_: str) -> Response:
    """Stream a file. Errors: those of `rows` and `write_rows`, before the answer begins."""
    rest = exporting.rows(ledger(), export)
    first = next(rest, None)
    rows = iter(()) if first is None else chain([first], rest)
    chunks = write_rows(export.columns, format_, rows)
    response = Response(stream_with_context(chunks), content_type=CONTENT_TYPES[format_])
    response.headers["Content-Disposition"] = f'attachment; filename="{export.kind}.{format_}"'
    return response
