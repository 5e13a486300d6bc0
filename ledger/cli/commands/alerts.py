"""How `ledger alerts` is called."""

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import DATABASE, DocumentedGroup
from ledger.cli.options import json_lines_option

_CHANNELS = (
    "LEDGER_ALERT_MAIL_TO",
    "LEDGER_ALERT_SMTP_URL",
    "LEDGER_ALERT_WEBHOOK_URL",
    "LEDGER_ALERT_WEBHOOK_SECRET",
)


@click.group(cls=DocumentedGroup, short_help=SHORT_HELPS["alerts"])
def alerts() -> None:
    """List what operators are told of by mail and webhook, and send a message on trial."""


@alerts.command(
    "list",
    short_help="List what holds, and when it was last told.",
    variables=(*DATABASE, *_CHANNELS),
    examples=("ledger alerts list", "ledger alerts list --json"),
)
@json_lines_option
def list_(as_json: bool) -> None:
    """List the conditions that need an operator, as the running service last saw them.

    The columns are kind, when it began and ended, when an operator was last told, how often that
    has failed since, and what it is.
    """
    from ledger.cli.alerts import print_alerts

    print_alerts(as_json=as_json)


@alerts.command(
    short_help="Send a message by every channel.",
    variables=(*DATABASE, *_CHANNELS),
    examples=("ledger alerts test",),
)
@click.pass_context
def test(ctx: click.Context) -> None:
    """Send a message by every channel that is set up, now.

    The command prints a line for each channel, and exits 1 when one of them did not take it.
    """
    from ledger.cli.alerts import send_test

    ctx.exit(send_test())
