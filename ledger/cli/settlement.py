"""What `ledger settlement` does: it prints the remittances of some days, as files list them."""

from contextlib import closing
from datetime import date
from typing import Any

import click

from ledger.cli.access_notes import Read, note_reads
from ledger.cli.invocation import only_shop, open_ledger
from ledger.cli.output import counted, echo_document, echo_table
from ledger.ipn.modes import Mode
from ledger.reconciliation.remittances import SettledDays, settled_days
from ledger.reconciliation.report_store import Scope
from ledger.reconciliation.settlement_data import settlement_data

_COLUMNS = ("remitted_on", "contract", "number", "rows", "payments", "refunds", "fee", "net")
_LAST_COLUMNS = ("difference", "currency")


def print_settlement(
    *, shop_id: str | None, mode: str, first_day: date, last_day: date, as_json: bool
) -> int:
    """Print the remittances of some days; return the exit code. Errors: LedgerError."""
    settled = read_settled(shop_id, mode, first_day, last_day)
    document = settlement_data(settled)
    if as_json:
        echo_document(document)
    else:
        echo_table((*_COLUMNS, *_LAST_COLUMNS), map(_cells, document["remittances"]))
    _name_unexplained(document)
    count = counted(len(document["chargebacks"]), "chargeback")
    click.echo(f"{counted(len(document['remittances']), 'remittance')}, {count}", err=True)
    return 0 if settled.is_explained else 1


def read_settled(shop_id: str | None, mode: str, first_day: date, last_day: date) -> SettledDays:
    """Read the remittances of some days, and note it in the access log. Errors: LedgerError."""
    with closing(open_ledger(needs_shops=True)) as ledger:
        scope = Scope(shop_id or only_shop(ledger), Mode(mode).value, first_day, last_day)
        with ledger.database.connect() as connection:
            settled = settled_days(connection, scope)
        days = f"{first_day} to {last_day}"
        note_reads(ledger, Read("settlement", days, scope.shop_id, Mode(mode).public))
    return settled


def _cells(remittance: dict[str, Any]) -> list[object]:
    names = ("remitted_on", "contract", "number", "rows")
    amounts = ("payments", "refunds", "fee", "net", "difference")
    return [
        *(remittance[name] for name in names),
        *(remittance[f"{name}_minor"] for name in amounts),
        remittance["currency"],
    ]


def _name_unexplained(document: dict[str, Any]) -> None:
    for remittance in document["remittances"]:
        for line in remittance["lines"]:
            if line["result"] != "matched":
                where = f"{line['file_name']} line {line['line']}"
                click.echo(f"{line['result']}: {line['trans_id'] or '-'}, {where}", err=True)
    if document["left_out"]:
        click.echo(f"{document['left_out']} more rows are not listed", err=True)
