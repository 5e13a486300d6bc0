"""Sends exports as files while they are written."""

from collections.abc import Iterator
from functools import partial
from itertools import chain

from flask import Response

from ledger.queries import export as exporting
from ledger.queries.export import Export
from ledger.queries.export_formats import CONTENT_TYPES, write_rows
from web.context import ledger
from web.streams import in_turn, stream


def download(export: Export, format_: str) -> Response:
    """Stream a file. Errors: those of `rows`, `write_rows` and `stream`, before it begins."""
    response = stream(partial(_parts, export, format_), CONTENT_TYPES[format_])
    response.headers["Content-Disposition"] = f'attachment; filename="{export.kind}.{format_}"'
    return response


def _parts(export: Export, format_: str) -> Iterator[bytes]:
    rest = exporting.rows(ledger(), export)
    first = next(rest, None)
    rows = iter(()) if first is None else chain([first], rest)
    return in_turn(write_rows(export.columns, format_, rows))
