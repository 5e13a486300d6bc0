"""How `ledger reconcile` is called."""

from datetime import date

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import LEDGER, Documented
from ledger.cli.options import DAY, json_option, mode_option, shop_id_option


@click.command(
    cls=Documented,
    short_help=SHORT_HELPS["reconcile"],
    variables=(*LEDGER, "LEDGER_MASTER_KEYS_FILE"),
    examples=(
        "ledger reconcile --mode production --from 2026-03-10 --until 2026-03-10",
        "ledger reconcile --mode test --from 2026-03-01 --until 2026-03-31 --resend",
        "ledger reconcile --due",
    ),
)
@shop_id_option("Shop id; may be left out when there is only one shop.")
@mode_option(help="The mode that is compared.")
@click.option("--from", "first_day", type=DAY, help="The first UTC day.")
@click.option("--until", "last_day", type=DAY, help="The last UTC day.")
@click.option("--resend", is_flag=True, help="Print only what to send again in the Back Office.")
@click.option("--due", is_flag=True, help="Make all reports that are due, of every shop.")
@json_option
@click.pass_context
def reconcile(
    ctx: click.Context,
    shop_id: str | None,
    mode: str | None,
    first_day: date | None,
    last_day: date | None,
    resend: bool,
    due: bool,
    as_json: bool,
) -> None:
    """Compare the payments of some days with the files of the platform that were imported.

    Each payment in a file is looked for in the ledger, and each in the ledger in the files. The
    command prints a line for each finding: what it is, how sure, UTC day, short number, order, what
    the file says and what the ledger says, and a cause where one can be seen. It keeps the report
    for ever, in the signed log too. The same files at the same position make the same report.

    With --due it makes the reports of all files that came since the last one, and of days with gaps
    for which events have come, prints a line for each, and nothing when none is due. A running
    service does the same every ten minutes.

    The command exits 1 when something was never told or is behind, 0 when nothing is missing.
    """
    from ledger.cli.reconcile import reconcile as reconcile_days
    from ledger.cli.reconcile import reconcile_due

    if due:
        if resend or any((shop_id, mode, first_day, last_day)):
            raise click.UsageError("--due finds shops and days by itself: name none of them")
        ctx.exit(reconcile_due(as_json=as_json))
    if mode is None or first_day is None or last_day is None:
        raise click.UsageError("name --mode, --from and --until, or --due")
    if first_day > last_day:
        raise click.UsageError("--from is after --until")
    days = (first_day, last_day)
    ctx.exit(reconcile_days(shop_id, mode, days, is_resend_only=resend, as_json=as_json))
