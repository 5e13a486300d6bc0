"""`ledger export`: events, transactions or notifications to a file, in little memory."""

import os
import sys
from contextlib import closing
from pathlib import Path

import click

from ledger.cli.invocation import filter_options, open_ledger
from ledger.cli.progress_bar import Meter
from ledger.queries import export as exporting
from ledger.queries.export import EVENTS, NOTIFICATIONS, TRANSACTIONS, Export
from ledger.queries.export_formats import FORMATS, PARQUET, write_rows
from ledger.queries.filter_conditions import Filter
from ledger.queries.filter_declarations import EventFilter, NotificationFilter, TransactionFilter


@click.group()
def export() -> None:
    """Write events, transactions or notifications as CSV, JSON lines or Parquet.

    In CSV, text that begins like a formula gets an apostrophe before it.
    """


def _command(kind: str, filter_class: type[Filter], meaning: str) -> click.Command:
    @export.command(kind, help=meaning)
    @click.option("--format", "format_", type=click.Choice(FORMATS), default="csv")
    @click.option("--personal", "has_personal", is_flag=True, help="Also what is about a person.")
    @click.option(
        "--output", type=click.Path(path_type=Path, dir_okay=False), help="Default: stdout."
    )
    @filter_options(filter_class, format="--notification-format")
    def command(filter_: Filter, format_: str, output: Path | None, **flags: bool) -> None:
        _write(Export(kind, filter_, has_card_data=True, **flags), format_, output)

    return command


_command(EVENTS, EventFilter, "Write every event in order, with its facts.")
_command(
    TRANSACTIONS,
    TransactionFilter,
    "Write every transaction as it stands, in the order in which they were first seen.",
)
notifications = _command(
    NOTIFICATIONS,
    NotificationFilter,
    "Write every notification, verified or not, in the order of arrival.",
)
_raw_help = "Also the bodies, in base64; they hold personal data."
notifications.params.insert(0, click.Option(["--raw", "has_raw"], is_flag=True, help=_raw_help))


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
            for chunk in chunks:
                sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
            return
        partial = output.with_name(f"{output.name}.part")
        try:
            with partial.open("wb") as file:
                file.writelines(chunks)
            os.replace(partial, output)  # nobody ever finds half a file under this name
        finally:
            partial.unlink(missing_ok=True)
