"""Exports as files that are sent while they are written."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from flask import Response, stream_with_context

from ledger import export as exporting
from ledger.export import Export
from ledger.queries.export_formats import CONTENT_TYPES, write_rows
from web.context import ledger


def download(export: Export, format_: str) -> Response:
    """Stream a file. Errors: those of `rows` and `write`, before the answer begins."""
    found = exporting.rows(ledger(), export)
    first = next(found, None)
    together: Iterator[Any] = iter(()) if first is None else chain([first], found)
    parts = write_rows(export.columns, format_, together)
    response = Response(stream_with_context(parts), content_type=CONTENT_TYPES[format_])
    response.headers["Content-Disposition"] = f'attachment; filename="{export.kind}.{format_}"'
    return response
