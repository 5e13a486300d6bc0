"""How `ledger notifications` is called."""

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import DATABASE, LEDGER, DocumentedGroup
from ledger.cli.filter_options import filter_options
from ledger.cli.options import json_lines_option, json_option
from ledger.ipn.refusal_reasons import REASONS
from ledger.queries.filter_declarations import NotificationFilter

_FORMAT = ("--format", "--notification-format")


@click.group(cls=DocumentedGroup, short_help=SHORT_HELPS["notifications"])
def notifications() -> None:
    """List and show notifications, and readmit those in quarantine or undecided."""


@notifications.command(
    "list",
    short_help="List notifications, newest first.",
    variables=DATABASE,
    examples=(
        "ledger notifications list --outcome quarantined --received-from 2026-03-10",
        "ledger notifications list --shop-id 12345678 --mode test --format rest-v4 --limit 10",
        "ledger notifications list --cursor 01JNZ8T4Q2V7M3K5X9C6B0D1EF --json",
    ),
)
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=50,
    show_default=True,
    help="List at most so many.",
)
@click.option(
    "--cursor",
    "--before",
    "cursor",
    metavar="ID",
    help="Go on after this notification: older ones.",
)
@json_lines_option
@filter_options(NotificationFilter, format=_FORMAT, notification_format=_FORMAT)
def list_(filter_: NotificationFilter, limit: int, cursor: str | None, as_json: bool) -> None:
    """List notifications, newest first.

    The columns are id, time of arrival, outcome, format, shop, mode, and the source or, where a
    notification waits, the reason.
    """
    from ledger.cli.notifications import print_list

    print_list(filter_, limit=limit, before_id=cursor, as_json=as_json)


@notifications.command(
    short_help="Show one notification, and what to do about it.",
    variables=LEDGER,
    examples=(
        "ledger notifications show 01JNZ8T4Q2V7M3K5X9C6B0D1EF",
        "ledger notifications show 01JNZ8T4Q2V7M3K5X9C6B0D1EF --raw > body",
    ),
)
@click.argument("notification_id", metavar="ID")
@click.option("--raw", is_flag=True, help="Write the raw body to stdout, byte for byte.")
@json_option
def show(notification_id: str, raw: bool, as_json: bool) -> None:
    """Show one notification: what became of it, who sent it, and what to do about its reason."""
    from ledger.cli.notifications import print_one

    print_one(notification_id, is_raw=raw, as_json=as_json)


@notifications.command(
    short_help="Verify again what waits, for example with a new key.",
    variables=LEDGER,
    examples=(
        "ledger notifications readmit 01JNZ8T4Q2V7M3K5X9C6B0D1EF",
        "ledger notifications readmit --reason no-key",
        "ledger notifications readmit --all --yes",
    ),
)
@click.argument("notification_id", metavar="[ID]", required=False)
@click.option("--reason", type=click.Choice(sorted(REASONS)), help="All that wait for this reason.")
@click.option("--all", "everything", is_flag=True, help="All that wait.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_lines_option
@click.pass_context
def readmit(
    ctx: click.Context,
    notification_id: str | None,
    reason: str | None,
    everything: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Verify quarantined notifications again, and decide undecided ones.

    What passes now, with a key that was added or after an upgrade, is recorded as of its arrival.
    The command first says how many wait, and asks. It prints id, outcome and reason, and exits 1
    when a notification that was named alone does not pass.
    """
    from ledger.cli.notifications import readmit_one, readmit_several

    if sum([notification_id is not None, reason is not None, everything]) != 1:
        raise click.UsageError("name one notification, or --reason, or --all")
    if notification_id is not None:
        ctx.exit(readmit_one(notification_id, as_json=as_json))
    readmit_several(reason, is_agreed=yes, as_json=as_json)
