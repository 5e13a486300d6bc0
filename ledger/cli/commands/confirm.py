"""How `ledger confirm` is called."""

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import LEDGER, Documented
from ledger.cli.options import mode_option, shop_id_option


@click.command(
    cls=Documented,
    short_help=SHORT_HELPS["confirm"],
    variables=LEDGER,
    examples=(
        "ledger confirm 6c7c2a4b0f6e4d0f8a6a5b1c2d3e4f50 --shop-id 12345678 --mode test"
        " --reason 'seen in the Back Office'",
        "ledger confirm 6c7c2a4b0f6e4d0f8a6a5b1c2d3e4f50 --shop-id 12345678 --mode test"
        " --reason 'only to look' --dry-run",
    ),
)
@click.argument("reference", metavar="UUID")
@shop_id_option("Shop id.", required=True)
@mode_option(required=True, help="Mode of the transaction.")
@click.option("--reason", required=True, help="Why you believe it; kept with the event.")
@click.option("--dry-run", is_flag=True, help="Only show what would be confirmed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def confirm(reference: str, shop_id: str, mode: str, reason: str, dry_run: bool, yes: bool) -> None:
    """Confirm a transaction (uuid or reference) that only doubtful forms have reported.

    The command shows the history first. From then on the transaction counts in orders and totals.
    """
    from ledger.cli.confirm import vouch

    reason = reason.strip()
    vouch(shop_id, mode, reference, reason=reason, is_dry_run=dry_run, is_agreed=yes)
