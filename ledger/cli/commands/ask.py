"""How `ledger ask` is called."""

from typing import Any

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import LEDGER, Documented
from ledger.cli.options import json_option, mode_option, shop_id_option


@click.command(
    cls=Documented,
    short_help=SHORT_HELPS["ask"],
    variables=(*LEDGER, "LEDGER_MASTER_KEYS_FILE"),
    examples=(
        "ledger ask --mode production",
        "ledger ask --mode production --order-id CMD-2026-0001",
        "ledger ask --mode production --recent 3 --dry-run",
    ),
)
@shop_id_option("Shop id; may be left out when there is only one shop.")
@mode_option(required=True, help="The mode that is asked about.")
@click.option("--order-id", help="Ask about this order, now.")
@click.option("--uuid", help="Ask about this transaction, now.")
@click.option(
    "--recent",
    type=click.IntRange(1, 30),
    metavar="DAYS",
    help="Ask once about each order that was first heard of in so many days, too.",
)
@click.option(
    "--questions",
    "questions_max",
    type=click.IntRange(1, 500),
    default=1,
    show_default=True,
    help="Ask so many at most, waiting in between.",
)
@click.option(
    "--again", "is_again", is_flag=True, help="Ask although wrong credentials have stopped it."
)
@click.option("--dry-run", is_flag=True, help="Only show what would be asked, and when.")
@json_option
@click.pass_context
def ask(ctx: click.Context, /, *, dry_run: bool, **options: Any) -> None:
    """Ask the platform about what was perhaps never told, by its reading services.

    The shops file has to allow it (`[[shops.asking]]`). Without an order or a transaction the
    command asks about what the newest reports say was never told or is behind, when it is due: 75
    minutes, 6 hours, 1, 3 and 7 days after it should have been told. It prints a line for each
    question: service, what it is about, why, outcome, reason, and the positions of the events.

    Nothing but reading services can be called. What is answered becomes events that say that they
    were asked for; the platform's own call confirms them later.

    The command exits 1 when a question was refused or failed.
    """
    from ledger.cli.ask import ask_platform, show_due

    if options["order_id"] and options["uuid"]:
        raise click.UsageError("give --order-id or --uuid, not both")
    if dry_run:
        show_due(**{name: options[name] for name in ("shop_id", "mode", "recent", "as_json")})
        return
    ctx.exit(ask_platform(**options))
