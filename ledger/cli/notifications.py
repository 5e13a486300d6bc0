"""What `ledger notifications` does with the inbox and the quarantine."""

import sys
from collections.abc import Iterable, Iterator

import click

from ledger.application import Ledger
from ledger.cli.access_notes import Read, note_reads
from ledger.cli.invocation import open_ledger
from ledger.cli.output import counted, echo_document, echo_json_lines, echo_table, painted
from ledger.errors import NotFoundError
from ledger.ipn.lookalikes import printable
from ledger.ipn.modes import Mode
from ledger.ipn.refusal_reasons import REASONS
from ledger.queries.event_sentences import clock
from ledger.queries.evidence import explained, what_to_do
from ledger.queries.filter_declarations import NotificationFilter
from ledger.queries.notifications import list_notifications, notification_data, waiting
from ledger.queries.readable import find_delivery, refuse_erased
from ledger.recording.readmission import WAITING, ReadmissionTally
from ledger.recording.receipt import Receipt
from ledger.storage.inbox import InboxRecord
from ledger.storage.outcomes import Outcome

_COLUMNS = ("id", "received at", "outcome", "format", "shop", "mode", "source or reason")


def print_list(
    filter_: NotificationFilter, *, limit: int, before_id: str | None, as_json: bool
) -> None:
    """Print notifications, newest first; their number to stderr."""
    rows = list_notifications(open_ledger(), filter_, before_id=before_id, limit=limit)
    if as_json:
        echo_json_lines(map(notification_data, rows))
        return
    echo_table(_COLUMNS, map(_row, rows))
    click.echo(counted(len(rows), "notification"), err=True)


def print_one(notification_id: str, *, is_raw: bool, as_json: bool) -> None:
    """Print one notification, or its body alone. Errors: NotFoundError."""
    ledger = open_ledger()
    row = find_delivery(ledger, notification_id)
    if row is None:
        raise NotFoundError(f"no notification {printable(notification_id)}")
    note_reads(ledger, Read("raw", row.id, row.shop_id, row.mode and Mode(row.mode).public))
    if is_raw:
        refuse_erased(ledger, row)
        sys.stdout.buffer.write(row.body or b"")
        sys.stdout.buffer.flush()
    elif as_json:
        echo_document(notification_data(row))
    else:
        for name, text in _fields(row):
            click.echo(f"{name:<18} {painted(text) if name == 'outcome' else text}")
        for name, text in _explanation(ledger, row):
            click.echo(f"{name:<18} {text}")


def _fields(row: InboxRecord) -> Iterator[tuple[str, str]]:
    """Yield what is known of a notification, in words of a person; the rest is left out."""
    for name, value in (notification_data(row) | {"mode": row.mode}).items():
        if isinstance(value, bool):
            yield name, "yes" if value else "no"
        elif value not in (None, "", []):
            shown = value if isinstance(value, list) else [value]
            yield name, printable(", ".join(map(str, shown)))


def _explanation(ledger: Ledger, row: InboxRecord) -> Iterator[tuple[str, str]]:
    """Yield what the reason means, and what to do about it."""
    if not row.reason:
        return
    reason = explained(ledger, row) or row.reason
    if reason != row.reason:
        yield "better reason", reason
    yield "meaning", REASONS.get(reason, "")
    if row.outcome in WAITING:
        yield "what to do", what_to_do(ledger, row, reason)
        yield "", f"`ledger notifications readmit {row.id}` verifies it again"


def readmit_one(notification_id: str, *, as_json: bool) -> int:
    """Try one notification again; return the exit code. Errors: NotFoundError."""
    ledger = open_ledger(needs_shops=True)
    receipts = [(notification_id, ledger.readmit(notification_id))]
    return 1 if _print_receipts(receipts, as_json=as_json).refused else 0


def readmit_several(reason: str | None, *, is_agreed: bool, as_json: bool) -> None:
    """Say how many wait for a reason, or for any; ask, and try them again."""
    ledger = open_ledger(needs_shops=True)
    ids = waiting(ledger, reason)
    click.echo(counted(len(ids), "notification waits", "notifications wait"), err=True)
    if ids and not is_agreed:
        question = "Verify it again?" if len(ids) == 1 else "Verify them again?"
        click.confirm(question, abort=True, err=True)
    _print_receipts(ledger.readmit_all(ids), as_json=as_json)


def _print_receipts(
    receipts: Iterable[tuple[str, Receipt | None]], *, as_json: bool
) -> ReadmissionTally:
    """Print what becomes of each, while it does; another operator may have taken some meanwhile."""
    tally = ReadmissionTally()

    def results() -> Iterator[dict[str, str | None]]:
        for id_, receipt in receipts:
            tally.add(receipt)
            if receipt is None:
                click.echo(f"{id_} does not wait any more", err=True)
            else:
                yield {"id": id_, "outcome": receipt.outcome, "reason": receipt.reason}

    if as_json:
        echo_json_lines(results())
    else:
        echo_table(("id", "outcome", "reason"), (list(result.values()) for result in results()))
    refused = tally.outcomes[Outcome.QUARANTINED]
    undecided = tally.outcomes[Outcome.UNDECIDED]
    rest = f", {undecided} still undecided" if undecided else ""
    click.echo(f"{tally.readmitted} readmitted, {refused} refused again{rest}", err=True)
    return tally


def _row(row: InboxRecord) -> tuple[object, ...]:
    last = row.reason if row.outcome in WAITING else row.source
    at = clock(row.received_at)
    return row.id, at, row.outcome, row.format, row.shop_id, row.mode, last
