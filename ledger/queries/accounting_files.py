"""Writes an accountant's export as CSV, as two CSV files in a ZIP file, or as a workbook."""

import csv
import io
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import xlsxwriter

from ledger.application import Ledger
from ledger.errors import BadFilterError
from ledger.ipn.currencies import decimals_of
from ledger.ipn.money import decimal_text
from ledger.queries.accounting import (
    AMOUNTS,
    COLUMNS,
    INSTANTS,
    TOTAL_AMOUNTS,
    TOTAL_COLUMNS,
    AccountingExport,
    Totals,
)
from ledger.queries.export_formats import CHUNK_ROWS, CSV, ExportRow, HeldFile, chunks, csv_cell
from ledger.queries.transaction_sums import count_transactions

ZIP, XLSX = "zip", "xlsx"
ACCOUNTING_TYPES = {
    CSV: "text/csv; charset=utf-8",
    ZIP: "application/zip",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""The formats, and the content types of their files."""

SHEET_ROWS_MAX = 1_048_575
"""Rows of a sheet below its header. Source: Excel's specifications and limits."""
_CELL_CHARACTERS_MAX = 32_767
_READ_BYTES = 256 * 1024
_FIRST_SHEET_YEAR = 1900
_MARK = "\ufeff".encode()
"""Tells Excel that a CSV file is UTF-8."""


class TooManyRowsError(BadFilterError, code="too-many-rows"):
    """More rows than a sheet has."""

    def __init__(self, count: int) -> None:
        super().__init__(
            f"{count} rows do not fit into a sheet of a workbook, which has {SHEET_ROWS_MAX}:"
            " narrow the filters, as to one month, or take CSV"
        )


@dataclass(frozen=True, slots=True)
class AccountingWords:
    """How a file speaks to people of one language.

    Shape: `headers` and `total_headers` by column; `words_by_code` by column and code, what is in
    none stays as it is; `sheets` are the names of rows and totals; a day that does not begin with
    itself begins with the year.
    """

    delimiter: str
    decimal_mark: str
    is_day_first: bool
    headers: Mapping[str, str]
    total_headers: Mapping[str, str]
    sheets: tuple[str, str]
    words_by_code: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def word(self, column: str, code: Any) -> str | None:
        """Return a code in wording."""
        return None if code is None else self.words_by_code.get(column, {}).get(code, str(code))


def write_accounts(
    ledger: Ledger, export: AccountingExport, format_: str, wording: AccountingWords
) -> tuple[str, Iterator[bytes]]:
    """Return the name of an export's file, and its bytes, part by part.

    Shape: parts of a workbook are empty until all rows are in it.
    Errors: ViewNotBuiltError, TooManyRowsError.
    """
    if format_ == XLSX:
        with ledger.database.connect() as connection:
            count = count_transactions(connection, export.filter)
        if count > SHEET_ROWS_MAX:
            raise TooManyRowsError(count)
    name, added_up = export.file_name(ledger), Totals()
    rows = export.rows(ledger, added_up)
    if format_ == XLSX:
        return f"{name}.xlsx", _workbook(rows, added_up, wording)
    if format_ == ZIP:
        return f"{name}.zip", _zipped(name, rows, added_up, wording)
    return f"{name}.csv", _csv(COLUMNS, wording.headers, rows, wording)


# -- CSV ----------------------------------------------------------------------------------------


def _csv(
    columns: Sequence[str],
    headers: Mapping[str, str],
    rows: Iterable[ExportRow],
    wording: AccountingWords,
) -> Iterator[bytes]:
    yield _MARK
    lines = ([_csv_cell(name, row, wording) for name in columns] for row in rows)
    yield _lines([[headers[name] for name in columns]], wording)
    for chunk in chunks(lines, CHUNK_ROWS):
        yield _lines(chunk, wording)


def _lines(table_rows: Iterable[Sequence[Any]], wording: AccountingWords) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=wording.delimiter).writerows(table_rows)
    return text.getvalue().encode()


def _csv_cell(name: str, exported: ExportRow, wording: AccountingWords) -> str | int | float | None:
    cell = exported[name]
    if name in (*AMOUNTS, *TOTAL_AMOUNTS):  # ours, so that its sign is no formula
        if cell is None:
            return None
        return decimal_text(cell, exported["currency"] or "").replace(".", wording.decimal_mark)
    if name in INSTANTS:
        return None if cell is None else _written(cell, wording)
    return cell if isinstance(cell, int) else csv_cell(wording.word(name, cell))


def _written(at: datetime, wording: AccountingWords) -> str:
    """Return an instant as the clock of its zone has it. Shape: spreadsheets read it as a date."""
    day, _, clock = at.replace(tzinfo=None).isoformat(" ").partition(" ")
    return (
        f"{'/'.join(reversed(day.split('-')))} {clock}"
        if wording.is_day_first
        else f"{day} {clock}"
    )


def _zipped(
    file_name: str, rows: Iterable[ExportRow], added_up: Totals, wording: AccountingWords
) -> Iterator[bytes]:
    held = HeldFile()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open(f"{file_name}.csv", "w", force_zip64=True) as file:
            for part in _csv(COLUMNS, wording.headers, rows, wording):
                file.write(part)
                yield held.take()
        parts = _csv(TOTAL_COLUMNS, wording.total_headers, added_up.rows(), wording)
        archive.writestr(f"{file_name}_totals.csv", b"".join(parts))
    yield held.take()


# -- a workbook ---------------------------------------------------------------------------------


class _Sheet:
    """Writes rows below a header."""

    def __init__(self, book: Any, name: str, titles: Sequence[str], wording: AccountingWords):
        self._book, self._words = book, wording
        self._sheet = book.add_worksheet(name)
        self._formats: dict[str, Any] = {}
        self._row = 0
        self._sheet.freeze_panes(1, 0)
        self._sheet.set_column(0, len(titles) - 1, 18)
        bold = book.add_format({"bold": True})
        for place, header in enumerate(titles):
            self._sheet.write_string(0, place, header, bold)

    def add(self, columns: Sequence[str], exported: ExportRow) -> None:
        """Write a row. Errors: TooManyRowsError."""
        self._row += 1
        if self._row > SHEET_ROWS_MAX:
            raise TooManyRowsError(self._row)
        for place, name in enumerate(columns):
            if exported[name] is not None:
                self._write(place, name, exported)

    def _write(self, offset: int, name: str, exported: ExportRow) -> None:
        cell, place = exported[name], (self._row, offset)
        if name in (*AMOUNTS, *TOTAL_AMOUNTS):
            currency = exported["currency"] or ""
            self._sheet.write_number(
                *place, Decimal(decimal_text(cell, currency)), self._amounts(currency)
            )
        elif isinstance(cell, int):
            self._sheet.write_number(*place, cell)
        elif isinstance(cell, datetime) and cell.year >= _FIRST_SHEET_YEAR:
            self._sheet.write_datetime(*place, cell.replace(tzinfo=None), self._days())
        else:
            wording = self._words
            text = (
                _written(cell, wording) if isinstance(cell, datetime) else wording.word(name, cell)
            )
            self._sheet.write_string(*place, (text or "")[:_CELL_CHARACTERS_MAX])

    def _amounts(self, currency: str) -> Any:
        digits = decimals_of(currency)
        return self._format("#,##0" + ("." + "0" * digits if digits else ""))

    def _days(self) -> Any:
        day = "dd/mm/yyyy" if self._words.is_day_first else "yyyy-mm-dd"
        return self._format(f"{day} hh:mm:ss")

    def _format(self, pattern: str) -> Any:
        if pattern not in self._formats:
            self._formats[pattern] = self._book.add_format({"num_format": pattern})
        return self._formats[pattern]


def _workbook(
    rows: Iterable[ExportRow], added_up: Totals, wording: AccountingWords
) -> Iterator[bytes]:
    """Write rows to files of the system as they come, and yield nothing until all have come."""
    with tempfile.TemporaryFile() as file:
        with xlsxwriter.Workbook(file, {"constant_memory": True}) as book:
            sheet = _Sheet(
                book, wording.sheets[0], [wording.headers[name] for name in COLUMNS], wording
            )
            for count, row in enumerate(rows, 1):
                sheet.add(COLUMNS, row)
                if count % CHUNK_ROWS == 0:
                    yield b""  # so that others have their turn
            headers = [wording.total_headers[name] for name in TOTAL_COLUMNS]
            sheet = _Sheet(book, wording.sheets[1], headers, wording)
            for row in added_up.rows():
                sheet.add(TOTAL_COLUMNS, row)
        file.seek(0)
        while part := file.read(_READ_BYTES):
            yield part
