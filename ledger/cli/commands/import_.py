"""How `ledger import` is called."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import LEDGER, Documented
from ledger.cli.options import DAY, json_lines_option, mode_option, shop_id_option


@click.command(
    "import",
    cls=Documented,
    short_help=SHORT_HELPS["import"],
    variables=(*LEDGER, "LEDGER_MASTER_KEYS_FILE"),
    examples=(
        "ledger import JT_BOUTIQUE_12345678_260310.csv",
        "ledger import --shop 12345678 --mode production --from 2026-03-10 --until 2026-03-10"
        " export.csv",
    ),
)
@click.argument(
    "paths",
    metavar="FILE...",
    nargs=-1,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@shop_id_option("The shop that a file is of, where the file does not say it.")
@mode_option(help="The mode that a file is of, where the file does not say it.")
@click.option("--from", "first_day", type=DAY, help="The first UTC day that a file lists whole.")
@click.option("--until", "last_day", type=DAY, help="The last UTC day that a file lists whole.")
@click.option(
    "--again",
    "is_again",
    is_flag=True,
    help="Import nothing; make anew what is stored of the rows about money.",
)
@json_lines_option
@click.pass_context
def import_(
    ctx: click.Context,
    paths: Sequence[Path],
    shop_id: str | None,
    mode: str | None,
    first_day: date | None,
    last_day: date | None,
    is_again: bool,
    as_json: bool,
) -> None:
    """Keep files of the platform, its journals and exports, to compare the ledger with them.

    FILE is a transactions, operations, bank, unpaid or merchant journal, or an export of the Back
    Office, also compressed by gzip. The command recognises kind, encoding, separator and columns;
    what it does not recognise it refuses as a whole, and says which labels to explain in the shops
    file. A file is kept sealed, and changes no payment, no order and no total. One that is here
    already is not kept twice.

    The command prints a line for each file. It exits 1 when one was refused.
    """
    from ledger.cli.journals import Addressee, import_journals, make_again

    if is_again == bool(paths):
        raise click.UsageError("name files, or --again without any")
    if is_again:
        make_again()
        return
    if (first_day is None) != (last_day is None):
        raise click.UsageError("--from and --until go together")
    if first_day is not None and last_day is not None and first_day > last_day:
        raise click.UsageError("--from is after --until")
    days = None if first_day is None or last_day is None else (first_day, last_day)
    ctx.exit(import_journals(paths, Addressee(shop_id, mode, days), as_json=as_json))
