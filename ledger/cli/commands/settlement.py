"""How `ledger settlement` is called."""

from datetime import date

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import LEDGER, Documented
from ledger.cli.options import DAY, json_option, mode_option, shop_id_option


@click.command(
    cls=Documented,
    short_help=SHORT_HELPS["settlement"],
    variables=LEDGER,
    examples=(
        "ledger settlement --mode production --from 2026-03-01 --until 2026-03-31",
        "ledger settlement --mode test --from 2026-03-10 --until 2026-03-10 --json",
    ),
)
@shop_id_option("Shop id; may be left out when there is only one shop.")
@mode_option(required=True, help="The mode that is meant.")
@click.option("--from", "first_day", type=DAY, required=True, help="The first UTC day.")
@click.option("--until", "last_day", type=DAY, required=True, help="The last UTC day.")
@json_option
@click.pass_context
def settlement(
    ctx: click.Context,
    shop_id: str | None,
    mode: str,
    first_day: date,
    last_day: date,
    as_json: bool,
) -> None:
    """Say which payments are in which remittance to the bank, with fees, and what is not known.

    The rows are those of bank journals that were imported. The command prints a line for each
    remittance: day, contract, number, rows, payments, refunds, fees, net, what the rows say more
    than the ledger knows, and the currency, all amounts in minor units. On standard error it names
    each row that is not known, differs or cannot be read, and counts chargebacks. A file changes no
    payment.

    The command exits 1 when a row is not explained, 0 when all are.
    """
    from ledger.cli.settlement import print_settlement

    if first_day > last_day:
        raise click.UsageError("--from is after --until")
    code = print_settlement(
        shop_id=shop_id, mode=mode, first_day=first_day, last_day=last_day, as_json=as_json
    )
    ctx.exit(code)
