"""What `ledger archive` does: it puts old months of sealed bodies into files elsewhere."""

from contextlib import closing
from datetime import date

import click

from ledger.cli.invocation import open_ledger
from ledger.cli.output import counted
from ledger.instants import utc_now
from ledger.sealing.archiving import DONE, archive_months


def put_elsewhere(month: date, address: str) -> None:
    """Archive each month before this one; print a line for each. Errors: LedgerError."""
    months = 0
    with closing(open_ledger()) as ledger:
        for step in archive_months(ledger.database, month, address, utc_now()):
            archive = step.archive
            if step.name != DONE:
                click.echo(f"{archive.month}: {step.name}", err=True)
                continue
            months += 1
            rows = counted(archive.row_count, "row")
            click.echo(f"{archive.month}: {rows}, {archive.file_bytes} bytes: {archive.address}")
    if not months:
        click.echo("nothing to archive", err=True)
