"""What `ledger confirm` does: an operator vouches for one doubtful transaction."""

import getpass

import click

from ledger.cli.invocation import open_ledger
from ledger.ipn.lookalikes import printable
from ledger.ipn.modes import Mode
from ledger.queries.event_sentences import describe
from ledger.queries.history import timeline
from ledger.queries.state import current_state
from ledger.recording.confirmation import REASON_LENGTH_MAX, Voucher


def vouch(
    shop_id: str, mode: str, reference: str, *, reason: str, is_dry_run: bool, is_agreed: bool
) -> None:
    """Show a doubtful history, ask, and confirm it. Errors: NotFoundError."""
    if not 0 < len(reason) <= REASON_LENGTH_MAX:
        raise click.UsageError(f"--reason has 1 to {REASON_LENGTH_MAX} characters")
    confirmation = open_ledger().confirmation
    events = confirmation.doubtful_events(shop_id, Mode(mode), reference)
    click.echo(describe(current_state(events), timeline(events)))
    if is_dry_run:
        return
    if not is_agreed:
        click.confirm("Does it count from now on?", abort=True, err=True)
    voucher = Voucher(f"{getpass.getuser()} (command line)", reason, len(events))
    positions = confirmation.confirm(shop_id, Mode(mode), reference, voucher)
    click.echo(f"{printable(reference)} confirmed at #{positions[0]}", err=True)
