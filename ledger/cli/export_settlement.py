"""What `ledger export settlement` does: rows, entries or a journal of what files list."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import click

from ledger.cli.export import write_parts
from ledger.cli.output import counted
from ledger.cli.settlement import read_settled
from ledger.queries.export_formats import CSV, CellKind, write_rows
from ledger.reconciliation.accounts import read_accounts
from ledger.reconciliation.entries import entries_of, left_out
from ledger.reconciliation.entry_files import BOOK_CURRENCY, fec_lines, hledger_lines
from ledger.reconciliation.remittances import SettledDays
from ledger.reconciliation.settlement_data import settlement_data

_OF_REMITTANCE = ("remitted_on", "contract", "number", "currency")
_TEXTS = (
    *("result", "certainty", "reference", "uuid", "trans_id", "order_id", "paid_on", "direction"),
    *("known_currency", "known_status", "file_id", "file_name"),
)
_NUMBERS = (
    *("gross_minor", "fee_minor", "net_minor", "known_amount_minor", "chargebacks_minor", "line"),
)
COLUMNS = dict.fromkeys((*_OF_REMITTANCE, *_TEXTS), CellKind.TEXT) | dict.fromkeys(
    _NUMBERS, CellKind.INTEGER
)


def write_settlement(
    shop_id: str | None,
    mode: str,
    days: tuple[date, date],
    file_format: str,
    accounts_file: Path | None,
    output: Path | None,
) -> None:
    """Write what files list of some days, in one of three formats. Errors: LedgerError."""
    accounts = read_accounts(accounts_file)
    settled = read_settled(shop_id, mode, *days)
    if file_format == CSV:
        write_parts(write_rows(COLUMNS, CSV, _rows(settled)), output)
        return
    entries = list(entries_of(settled, accounts))
    of_entries = file_format == "entries"
    lines = fec_lines(entries, accounts) if of_entries else hledger_lines(entries)
    write_parts((line.encode() for line in lines), output)
    if unread := left_out(settled, accounts):
        click.echo(f"{counted(unread, 'row')} in no entry: nobody can read the money", err=True)
    foreign = sum(entry.currency != BOOK_CURRENCY for entry in entries) if of_entries else 0
    if foreign:
        count = counted(foreign, "entry", "entries")
        click.echo(f"{count} left out: not in {BOOK_CURRENCY}, see --format hledger", err=True)


def _rows(settled: SettledDays) -> Iterator[dict[str, Any]]:
    count = sum(len(each.bank_lines) for each in settled.remittances)
    for remittance in settlement_data(settled, count)["remittances"]:
        own = {name: remittance[name] for name in _OF_REMITTANCE}
        for line in remittance["lines"]:
            yield own | line
