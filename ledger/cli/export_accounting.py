"""What `ledger export accounting` does: it writes transactions as an accountant files them."""

from contextlib import closing
from datetime import date
from pathlib import Path

import click

from ledger.cli.access_notes import Read, note_reads
from ledger.cli.export import write_parts
from ledger.cli.invocation import open_ledger
from ledger.queries.accounting import AccountingExport, transactions_in_days
from ledger.queries.accounting_files import write_accounts
from ledger.queries.filter_declarations import TransactionFilter

STANDARD_OUTPUT = Path("-")


def write_accounting(
    transaction_filter: TransactionFilter,
    days: tuple[date | None, date | None],
    zone: str,
    language: str,
    file_format: str,
    output: Path | None,
    *,
    has_personal: bool,
) -> None:
    """Write the export to a file, named by its content if no name is given. Errors: LedgerError."""
    from web.pages.accounting_words import accounting_words

    export = AccountingExport(
        transactions_in_days(transaction_filter, *days, zone), zone, has_personal=has_personal
    )
    with closing(open_ledger()) as ledger:
        if has_personal:
            note_reads(ledger, Read("export for accounting"))
        name, parts = write_accounts(ledger, export, file_format, accounting_words(language, zone))
        file = output or Path(name)
        write_parts(parts, None if file == STANDARD_OUTPUT else file)
    if file != STANDARD_OUTPUT:
        click.echo(file)
