"""`ledger confirm`: an operator vouches for one doubtful transaction."""

import getpass

import click

from ledger.cli.invocation import open_ledger
from ledger.ipn.lookalikes import printable
from ledger.ipn.modes import PUBLIC_MODES, Mode
from ledger.queries.event_sentences import describe
from ledger.queries.history import timeline
from ledger.queries.state import current_state
from ledger.recording.confirmation import REASON_LENGTH_MAX, Voucher


@click.command()
@click.argument("reference", metavar="UUID")
@click.option("--shop", "shop_id", required=True, help="Shop id.")
@click.option("--mode", type=click.Choice(PUBLIC_MODES, case_sensitive=False), required=True)
@click.option("--reason", required=True, help="Why it is believed; kept with the event.")
@click.option("--dry-run", is_flag=True, help="Only show what would be confirmed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def confirm(reference: str, shop_id: str, mode: str, reason: str, dry_run: bool, yes: bool) -> None:
    """Confirm a transaction (uuid or reference) that only doubtful forms have reported.

    Shows its history first. From then on it counts in orders and totals.
    """
    reason = reason.strip()
    if not 0 < len(reason) <= REASON_LENGTH_MAX:
        raise click.UsageError(f"--reason has 1 to {REASON_LENGTH_MAX} characters")
    confirmation = open_ledger().confirmation
    names = (shop_id, Mode(mode), reference)
    events = confirmation.doubtful_events(*names)
    click.echo(describe(current_state(events), timeline(events)))
    if dry_run:
        return
    if not yes:
        click.confirm("Does it count from now on?", abort=True, err=True)
    voucher = Voucher(f"{getpass.getuser()} (command line)", reason, len(events))
    positions = confirmation.confirm(*names, voucher)
    click.echo(f"{printable(reference)} confirmed at #{positions[0]}", err=True)
