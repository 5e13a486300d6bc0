"""`ledger export`: events, transactions or notifications to a file, in little memory."""

import os
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import click

from ledger.cli.filter_options import filter_options
from ledger.cli.open_ledger import open_ledger
from ledger.cli.progress_bar import Meter
from ledger.queries import export as exporting
from ledger.queries.export import Export
from ledger.queries.export_formats import FORMATS, PARQUET, write_rows
from ledger.queries.filter_declarations import EventFilter, NotificationFilter, TransactionFilter

Command = TypeVar("Command", bound=Callable[..., Any])


def file_options(command: Command) -> Command:
    """Give a command the options that all exports share."""
    for option in (
        click.option(
            "--output", type=click.Path(path_type=Path, dir_okay=False), help="Default: stdout."
        ),
        click.option("--personal", is_flag=True, help="Also what is about a person."),
        click.option("--format", "format_", type=click.Choice(FORMATS), default="csv"),
    ):
        command = option(command)
    return command


@click.group()
def export() -> None:
    """Write events, transactions or notifications as CSV, JSON lines or Parquet.

    In CSV, text that begins like a formula gets an apostrophe before it.
    """


@export.command()
@file_options
@filter_options(EventFilter)
def events(filter_: EventFilter, format_: str, output: Path | None, personal: bool) -> None:
    """Write every event in order, with its facts."""
    _write(Export(exporting.EVENTS, filter_, personal), format_, output)


@export.command()
@file_options
@filter_options(TransactionFilter)
def transactions(
    filter_: TransactionFilter, format_: str, output: Path | None, personal: bool
) -> None:
    """Write every transaction as it stands, in the order in which they were first seen."""
    _write(Export(exporting.TRANSACTIONS, filter_, personal), format_, output)


@export.command()
@click.option("--raw", is_flag=True, help="Also the bodies, in base64; they hold personal data.")
@file_options
@filter_options(NotificationFilter)
def notifications(
    filter_: NotificationFilter, format_: str, output: Path | None, personal: bool, raw: bool
) -> None:
    """Write every notification, verified or not, in the order of arrival."""
    _write(Export(exporting.NOTIFICATIONS, filter_, personal, raw), format_, output)


def _write(export: Export, format_: str, output: Path | None) -> None:
    if output is None and format_ == PARQUET and sys.stdout.isatty():
        raise click.UsageError("Parquet is no text for a terminal: name a file with --output")
    with closing(open_ledger()) as ledger, Meter(export.kind, "rows") as meter:
        total = exporting.total(ledger, export)
        rows = exporting.counted(
            exporting.rows(ledger, export), lambda done: meter("writing", done, max(total, done))
        )
        chunks = write_rows(export.columns, format_, rows)
        if output is None:
            sys.stdout.flush()
            _write_all(chunks, sys.stdout.buffer)
            return
        partial = output.with_name(f"{output.name}.part")
        try:
            with partial.open("wb") as file:
                _write_all(chunks, file)
            os.replace(partial, output)  # nobody ever finds half a file under this name
        finally:
            partial.unlink(missing_ok=True)


def _write_all(chunks: Iterable[bytes], file: BinaryIO) -> None:
    for chunk in chunks:
        file.write(chunk)
    file.flush()
