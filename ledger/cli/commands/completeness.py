"""How `ledger completeness` is called."""

from datetime import date

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import LEDGER, Documented
from ledger.cli.options import DAY, json_option, mode_option, shop_id_option


@click.command(
    cls=Documented,
    short_help=SHORT_HELPS["completeness"],
    variables=LEDGER,
    examples=(
        "ledger completeness --mode production",
        "ledger completeness --mode test --from 2026-03-01 --until 2026-03-31 --json",
    ),
)
@shop_id_option("Shop id; may be left out when there is only one shop.")
@mode_option(required=True, help="The mode that is meant.")
@click.option("--from", "first_day", type=DAY, help="The first UTC day.  [default: 30 days ago]")
@click.option("--until", "last_day", type=DAY, help="The last UTC day.  [default: yesterday]")
@json_option
@click.pass_context
def completeness(
    ctx: click.Context,
    shop_id: str | None,
    mode: str,
    first_day: date | None,
    last_day: date | None,
    as_json: bool,
) -> None:
    """Say for each day whether it is proven that everything was told, by its newest report.

    A day is `proven` when a file lists all of it and every payment is known as it is listed; `gaps`
    when something is missing or behind; `partial` when files list a part, or hold what nobody can
    read; `unproven` without a file, and then there is no number. Days are UTC days.

    The command exits 1 when a day has gaps, or when a file is missing that came regularly.
    """
    from ledger.cli.reconcile import print_completeness

    if (first_day is None) != (last_day is None):
        raise click.UsageError("--from and --until go together")
    days = None if first_day is None or last_day is None else (first_day, last_day)
    ctx.exit(print_completeness(shop_id=shop_id, mode=mode, days=days, as_json=as_json))
