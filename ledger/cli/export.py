"""What `ledger export` does: it writes all rows of one kind to a file, in little memory."""

import os
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import click

from ledger.cli.access_notes import Read, note_reads
from ledger.cli.invocation import open_ledger
from ledger.cli.progress_bar import Meter
from ledger.queries import export as exporting
from ledger.queries.export import Export
from ledger.queries.export_formats import PARQUET, write_rows
from ledger.queries.filter_conditions import Filter


def write(kind: str, filter_: Filter, file_format: str, output: Path | None, **flags: bool) -> None:
    """Write an export to a file, or to standard output. Shape: `flags` are those of `Export`."""
    export = Export(kind, filter_, has_card_data=True, **flags)
    if output is None and file_format == PARQUET and sys.stdout.isatty():
        raise click.UsageError("Parquet is no text for a terminal: name a file with --output")
    with closing(open_ledger()) as ledger, Meter(export.kind, "rows") as meter:
        if export.has_personal or export.has_raw:
            note_reads(ledger, Read(f"export of {kind}"))
        total = exporting.total(ledger, export)
        rows = exporting.counted(
            exporting.rows(ledger, export), lambda done: meter("writing", done, max(total, done))
        )
        write_parts(write_rows(export.columns, file_format, rows), output)


def write_parts(parts: Iterable[bytes], output: Path | None) -> None:
    """Write the parts of a file to it, whole or not at all, or to standard output."""
    if output is None:
        sys.stdout.flush()
        for part in parts:
            sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()
        return
    partial = output.with_name(f"{output.name}.part")
    try:
        with partial.open("wb") as file:
            file.writelines(parts)
        os.replace(partial, output)  # nobody ever finds half a file under this name
    finally:
        partial.unlink(missing_ok=True)
