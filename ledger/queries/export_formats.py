"""Writes rows as a CSV, JSON lines or Parquet file, part by part in little memory."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import chain, islice
from typing import Any, TypeVar

import orjson

from ledger.errors import MissingExtraError

CSV = "csv"
JSONL = "jsonl"
PARQUET = "parquet"
CONTENT_TYPES = {
    CSV: "text/csv; charset=utf-8",
    JSONL: "application/x-ndjson",
    PARQUET: "application/vnd.apache.parquet",
}
FORMATS = tuple(CONTENT_TYPES)

CHUNK_ROWS = 500
"""Rows of one part of a CSV or JSON lines file."""
GROUP_ROWS = 20_000
"""Rows of one row group of a Parquet file; so many are held in memory."""


class CellKind(StrEnum):
    """What the cells of a column hold. JSON cells are text in CSV and Parquet."""

    TEXT = "text"
    INTEGER = "integer"
    FLAG = "flag"
    JSON = "json"


Cell = Any
ExportRow = Mapping[str, Cell]
Row = TypeVar("Row")
Columns = Mapping[str, CellKind]
"""The columns of a file by name, in order."""


def write_rows(columns: Columns, format_: str, rows: Iterable[ExportRow]) -> Iterator[bytes]:
    """Return the file's bytes, part by part. Errors: MissingExtraError, before the first part."""
    if format_ == PARQUET:
        return _parquet(columns, rows, _pyarrow())
    return _WRITERS[format_](columns, rows)


# -- CSV and JSON lines -------------------------------------------------------------------------

_SIGNS = "=+@＝＋－＠-"
_BEGINNINGS = re.compile(rf"""\A(?=[ "']*[\t\r\n{_SIGNS}])|(?<=[;\t\r\n])(?=[ "']*[{_SIGNS}])""")
"""The places before a formula where a cell begins, for whoever divides columns at `;` or tabs too.

Quotes that are doubled in CSV, and blanks, may vanish from the beginning of a cell.
"""


def _csv(columns: Columns, rows: Iterable[ExportRow]) -> Iterator[bytes]:
    header: list[Cell] = list(columns)
    lines = ([csv_cell(row.get(name)) for name in columns] for row in rows)
    for chunk in chain([[header]], chunks(lines, CHUNK_ROWS)):
        text = io.StringIO(newline="")
        csv.writer(text).writerows(chunk)
        yield text.getvalue().encode()


def csv_cell(cell: Cell) -> str | int | float | None:
    """Return a cell that a spreadsheet shows and never runs.

    Shape: an apostrophe stands before a formula at the start and after every `;`, tab and line end;
    an apostrophe of the text's own there gets a second one, so that taking away one at each of
    these places gives the text back. Numbers stay numbers, also negative ones.
    """
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, dict | list):
        cell = orjson.dumps(cell).decode()
    if isinstance(cell, str):
        return _BEGINNINGS.sub("'", cell)
    assert cell is None or isinstance(cell, int | float)
    return cell


def _jsonl(columns: Columns, rows: Iterable[ExportRow]) -> Iterator[bytes]:
    for chunk in chunks(rows, CHUNK_ROWS):
        lines = (orjson.dumps({name: row.get(name) for name in columns}) for row in chunk)
        yield b"".join(line + b"\n" for line in lines)


_WRITERS = {
    CSV: _csv,
    JSONL: _jsonl,
}


def chunks(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """Yield rows in lists of this size, the last one as long as it is."""
    remaining = iter(rows)
    return iter(lambda: list(islice(remaining, size)), [])


# -- Parquet ------------------------------------------------------------------------------------


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        message = "Parquet needs pyarrow, which is not installed: pip install 'pyarrow>=20'"
        raise MissingExtraError(message) from error
    return pyarrow


def _parquet(columns: Columns, rows: Iterable[ExportRow], pyarrow: Any) -> Iterator[bytes]:
    """Yield after every row group, so that a file of any size passes through."""
    types = {
        CellKind.TEXT: pyarrow.string(),
        CellKind.INTEGER: pyarrow.int64(),
        CellKind.FLAG: pyarrow.bool_(),
        CellKind.JSON: pyarrow.string(),
    }
    schema = pyarrow.schema([(name, types[kind]) for name, kind in columns.items()])
    sink = HeldFile()
    with pyarrow.parquet.ParquetWriter(sink, schema) as writer:
        for group in chunks(rows, GROUP_ROWS):
            cells = {name: [_parquet_cell(row.get(name)) for row in group] for name in columns}
            writer.write_table(pyarrow.table(cells, schema=schema))
            yield sink.take()
    yield sink.take()


def _parquet_cell(cell: Cell) -> Cell:
    return orjson.dumps(cell).decode() if isinstance(cell, dict | list) else cell


class HeldFile(io.RawIOBase):
    """A file that holds what was written until it is taken."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._taken = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._taken + len(self._held)

    def write(self, data: Any) -> int:
        self._held += data
        return len(data)

    def close(self) -> None:
        """Stay open: the last bytes are taken after the writer has closed it."""

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken = bytes(self._held)
        self._taken += len(taken)
        self._held.clear()
        return taken
