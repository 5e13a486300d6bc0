"""How `ledger export` is called."""

from datetime import date
from pathlib import Path

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import LEDGER, DocumentedGroup
from ledger.cli.filter_options import filter_options
from ledger.cli.options import DAY, Readable, mode_option, shop_id_option
from ledger.instants import read_zone
from ledger.queries.export_formats import FORMATS
from ledger.queries.filter_conditions import Filter
from ledger.queries.filter_declarations import EventFilter, NotificationFilter, TransactionFilter

_FORMAT = ("--notification-format",)
"""Here `--format` is that of the file."""


@click.group(cls=DocumentedGroup, short_help=SHORT_HELPS["export"])
def export() -> None:
    """Write events, transactions, notifications or settlements to a file, also for accountants.

    In CSV an apostrophe stands before text that begins like a formula.
    """


def _command(kind: str, filter_class: type[Filter], meaning: str, *examples: str) -> click.Command:
    @export.command(kind, help=meaning, short_help=meaning, variables=LEDGER, examples=examples)
    @click.option(
        "--file-format",
        "--format",
        "file_format",
        type=click.Choice(FORMATS),
        default="csv",
        show_default=True,
        help="Format of the file.",
    )
    @click.option("--personal", "has_personal", is_flag=True, help="Include personal data.")
    @click.option(
        "--output",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write to this file.  [default: standard output]",
    )
    @filter_options(filter_class, format=_FORMAT, notification_format=_FORMAT)
    def command(filter_: Filter, file_format: str, output: Path | None, **flags: bool) -> None:
        from ledger.cli.export import write

        write(kind, filter_, file_format, output, **flags)

    return command


_command(
    "events",
    EventFilter,
    "Export all events, oldest first, with their facts.",
    "ledger export events --file-format jsonl --output events.jsonl",
    "ledger export events --shop-id 12345678 --mode production --recorded-from 2026-03-01",
)
_command(
    "transactions",
    TransactionFilter,
    "Export all transactions as they stand, oldest first.",
    "ledger export transactions --output transactions.csv",
    "ledger export transactions --order-id CMD-2026-0310 --personal",
)
notifications = _command(
    "notifications",
    NotificationFilter,
    "Export all notifications, verified or not, oldest first.",
    "ledger export notifications --outcome quarantined --output quarantine.csv",
    "ledger export notifications --raw --file-format jsonl > bodies.jsonl",
)
_raw_help = "Include the bodies, in base64; they hold personal data."
notifications.params.insert(0, click.Option(["--raw", "has_raw"], is_flag=True, help=_raw_help))


@export.command(
    "accounting",
    short_help="Export transactions as an accountant files them: CSV, ZIP or XLSX.",
    variables=LEDGER,
    examples=(
        "ledger export accounting --mode production --from 2026-03-01 --until 2026-03-31"
        " --language fr --zone Europe/Paris --format xlsx",
        "ledger export accounting --mode test --format zip --output march.zip",
    ),
)
@click.option("--from", "first_day", type=DAY, help="First day of payments, in the zone.")
@click.option("--until", "last_day", type=DAY, help="Last day, included.")
@click.option(
    "--zone",
    type=Readable("zone", read_zone, "a time zone, for example Europe/Paris"),
    default="UTC",
    show_default=True,
    help="Time zone of all days and times.",
)
@click.option(
    "--language",
    type=click.Choice(("en", "fr")),
    default="en",
    show_default=True,
    help="Of headers and words; French has a decimal comma and semicolons.",
)
@click.option(
    "--file-format",
    "--format",
    "file_format",
    type=click.Choice(("csv", "zip", "xlsx")),
    default="csv",
    show_default=True,
    help="Rows; two CSV files, of rows and of totals; or a workbook with both.",
)
@click.option("--personal", "has_personal", is_flag=True, help="Mask no names of orders.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Write to this file, - for standard output.  [default: named by shop, mode and days]",
)
@filter_options(TransactionFilter)
def accounting(
    filter_: Filter,
    first_day: date | None,
    last_day: date | None,
    zone: str,
    language: str,
    file_format: str,
    output: Path | None,
    *,
    has_personal: bool,
) -> None:
    """Export transactions as an accountant files them, and print the name of the file.

    Amounts have the decimals of their currency, and refunds a minus sign. The column "Amount that
    counts" has those alone that were authorised or captured: it adds up. Times are those of a clock
    in the zone, to the second. Text that begins like a formula has an apostrophe before it in CSV.
    """
    from ledger.cli.export_accounting import write_accounting

    days = (first_day, last_day)
    assert isinstance(filter_, TransactionFilter)
    write_accounting(filter_, days, zone, language, file_format, output, has_personal=has_personal)


@export.command(
    "settlement",
    short_help="Export remittances and chargebacks, also as accounting entries.",
    variables=LEDGER,
    examples=(
        "ledger export settlement --mode production --from 2026-03-01 --until 2026-03-31",
        "ledger export settlement --mode production --from 2026-03-01 --until 2026-03-31"
        " --format entries --accounts accounts.toml --output entries.txt",
    ),
)
@shop_id_option("Shop id; may be left out when there is only one shop.")
@mode_option(required=True, help="The mode that is meant.")
@click.option("--from", "first_day", type=DAY, required=True, help="The first UTC day.")
@click.option("--until", "last_day", type=DAY, required=True, help="The last UTC day.")
@click.option(
    "--file-format",
    "--format",
    "file_format",
    type=click.Choice(("csv", "entries", "hledger")),
    default="csv",
    show_default=True,
    help="Rows; entries for accounting software; or a journal of hledger.",
)
@click.option(
    "--accounts",
    "accounts_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A TOML file with the accounts of the entries.  [default: French numbers]",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file.  [default: standard output]",
)
def settlement(
    shop_id: str | None,
    mode: str,
    first_day: date,
    last_day: date,
    file_format: str,
    accounts_file: Path | None,
    output: Path | None,
) -> None:
    """Export what the platform's files list of remittances and chargebacks of some days.

    `csv` has a row for each row of a bank journal. `entries` has balanced entries in the 18 columns
    of the French FEC: a file that accounting software imports, and not the legal FEC, which is of a
    whole year. `hledger` has the same entries as a journal, each payment with its uuid as a tag.
    What nobody can read is in no entry, and counted on standard error.
    """
    from ledger.cli.export_settlement import write_settlement

    if first_day > last_day:
        raise click.UsageError("--from is after --until")
    days = (first_day, last_day)
    write_settlement(shop_id, mode, days, file_format, accounts_file, output)
