"""`ledger notifications`: the inbox and the quarantine."""

import sys
from collections.abc import Iterable

import click
import orjson

from ledger.cli.invocation import filter_options, json_lines_option, json_option, open_ledger
from ledger.errors import NotFoundError
from ledger.ipn.lookalikes import printable
from ledger.ipn.refusal_reasons import REASONS
from ledger.queries.event_sentences import clock
from ledger.queries.evidence import explained
from ledger.queries.filter_declarations import NotificationFilter
from ledger.queries.notifications import list_notifications, notification_data, waiting
from ledger.recording.readmission import WAITING, ReadmissionTally
from ledger.recording.receipt import Receipt
from ledger.storage.inbox import Inbox, InboxRecord
from ledger.storage.outcomes import Outcome


@click.group()
def notifications() -> None:
    """Notifications: list and show them, and readmit what is in quarantine or undecided."""


@notifications.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--before", "before_id", help="Only deliveries older than this id.")
@json_lines_option
@filter_options(NotificationFilter)
def list_(filter_: NotificationFilter, limit: int, before_id: str | None, as_json: bool) -> None:
    """List deliveries, newest first."""
    ledger = open_ledger()
    with ledger.database.connect() as connection:
        rows = list_notifications(connection, filter_, before_id=before_id, limit=limit)
    for row in rows:
        click.echo(orjson.dumps(notification_data(row)) if as_json else _line(row))
    if not as_json:
        click.echo(f"{len(rows)} deliveries", err=True)


@notifications.command()
@click.argument("notification_id", metavar="ID")
@click.option("--raw", is_flag=True, help="Write the raw body to stdout, byte for byte.")
@json_option
def show(notification_id: str, raw: bool, as_json: bool) -> None:
    """Show one delivery: what became of it, who sent it, and its raw body."""
    ledger = open_ledger()
    with ledger.database.connect() as connection:
        row = Inbox(connection).get(notification_id)
    if row is None:
        raise NotFoundError(f"no delivery {printable(notification_id)}")
    if raw:
        sys.stdout.buffer.write(row.body or b"")
        return
    if as_json:
        click.echo(orjson.dumps(notification_data(row), option=orjson.OPT_INDENT_2))
        return
    for name, value in notification_data(row).items():
        click.echo(f"{name:<18} {printable(str(value))}")
    if row.reason:
        reason = explained(ledger, row) or row.reason
        click.echo(f"{'':<18} {REASONS.get(reason, '')}")


@notifications.command()
@click.argument("notification_id", metavar="[ID]", required=False)
@click.option("--reason", type=click.Choice(sorted(REASONS)), help="All that wait for this reason.")
@click.option("--all", "everything", is_flag=True, help="All that wait.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def readmit(notification_id: str | None, reason: str | None, everything: bool, yes: bool) -> None:
    """Try again what waits: quarantined deliveries, after a key was added, are verified again;
    undecided ones, after an upgrade, read again. What passes is recorded as of its arrival.

    Says first how many it would touch. Exits 1 when one that was named alone does not pass.
    """
    if sum([notification_id is not None, reason is not None, everything]) != 1:
        raise click.UsageError("name one delivery, or --reason, or --all")
    ledger = open_ledger(needs_shops=True)
    if notification_id is not None:
        tally = _show_all([(notification_id, ledger.readmit(notification_id))])
        raise SystemExit(1 if tally.refused else 0)
    ids = waiting(ledger, reason)
    click.echo(f"{len(ids)} deliveries wait", err=True)
    if ids and not yes:
        click.confirm("Try them again?", abort=True, err=True)
    _show_all(ledger.readmit_all(ids))


def _show_all(receipts: Iterable[tuple[str, Receipt | None]]) -> ReadmissionTally:
    """Show what becomes of each, while it does; another operator may have taken some meanwhile."""
    tally = ReadmissionTally()
    for id_, receipt in receipts:
        tally.add(receipt)
        if receipt is None:
            click.echo(f"{id_} does not wait any more", err=True)
        else:
            click.echo(f"{id_}\t{receipt.outcome}\t{receipt.reason or ''}")
    refused = tally.outcomes[Outcome.QUARANTINED]
    undecided = tally.outcomes[Outcome.UNDECIDED]
    rest = f", {undecided} still undecided" if undecided else ""
    click.echo(f"{tally.readmitted} readmitted, {refused} refused again{rest}", err=True)
    return tally


def _line(row: InboxRecord) -> str:
    columns = (row.id, clock(row.received_at), row.outcome, row.format, row.shop_id, row.mode)
    last = row.reason if row.outcome in WAITING else row.source
    return "\t".join(printable(str(column or "-")) for column in (*columns, last))
