"""`ledger receive`: takes the raw calls that an older endpoint kept into the ledger."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

import click
import orjson
from ulid import ULID

from ledger.application import Ledger
from ledger.cli.invocation import INSTANT, json_lines_option, open_ledger
from ledger.cli.progress_bar import Meter
from ledger.cli.stored_calls import Reading, StoredCall, calls_in, files_in
from ledger.instants import instant_of_id, utc_now, write_public_instant
from ledger.ipn.delivery import Delivery
from ledger.ipn.lookalikes import printable
from ledger.ipn.parse import Proven
from ledger.recording.receipt import Receipt

GROUP = 200
"""Calls that are stored in one database transaction."""
VERIFIED, REFUSED = "verified", "refused"

Answer = dict[str, Any]
"""What became of one call, for a machine."""
Tally = Counter[tuple[str, str]]
"""How many calls had which outcome, for which reason."""


@click.command()
@click.argument(
    "paths",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, allow_dash=True, path_type=Path),
)
@click.option(
    "--received-at",
    type=INSTANT,
    help="When calls arrived that do not say so themselves. Default: now.",
)
@click.option("--file-times", is_flag=True, help="They arrived when their file was last changed.")
@click.option(
    "--vouched",
    is_flag=True,
    help="You know that the platform sent every one of them: no form is doubtful.",
)
@click.option("--dry-run", is_flag=True, help="Only verify them; store nothing.")
@json_lines_option
def receive(
    paths: Sequence[Path],
    received_at: datetime | None,
    file_times: bool,
    vouched: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Receive raw calls that an older endpoint has kept, each verified by its signature.

    FILE is one raw body, or JSON lines with `body` (text) or `body_base64` and, if known,
    `received_at` (ISO 8601), `content_type` and `peer`; a folder with such files; `-` for standard
    input. Calls are recorded in the order of their times, then of their names, and verified by
    the keys of those times; they are marked as imported. What is known already is not stored
    again, and what is refused stays in its file: mend the reason and run it again.

    Prints what is refused or undecided. Exits 1 when something was refused.
    """
    if file_times and received_at:
        raise click.UsageError("--received-at or --file-times, not both")
    now, tally = utc_now(), Tally()
    with closing(open_ledger(needs_shops=True)) as ledger, Meter("receive", "calls") as progress:
        reading = Reading(ledger.settings.body_bytes_max, now, received_at or now, file_times)
        stored_calls = [call for path in files_in(paths) for call in calls_in(path, reading)]
        for answer in _answers(ledger, stored_calls, is_vouched=vouched, is_dry_run=dry_run):
            tally[answer["outcome"], answer["reason"] or ""] += 1
            _show(answer, as_json=as_json)
            progress("verified" if dry_run else "received", tally.total(), len(stored_calls))
    _summarise(tally)
    raise SystemExit(1 if any(outcome == REFUSED for outcome, _ in tally) else 0)


def _answers(
    ledger: Ledger, stored_calls: Iterable[StoredCall], *, is_vouched: bool, is_dry_run: bool
) -> Iterator[Answer]:
    """Receive calls in the order of their arrival, those of one moment as they were read."""
    in_order = sorted(stored_calls, key=attrgetter("received_at"))
    yield from (_answer(call, REFUSED, call.fault) for call in in_order if call.fault)
    readable = [call for call in in_order if not call.fault]
    deliveries = _deliveries(readable, is_vouched=is_vouched)
    receive_all = ledger.preview if is_dry_run else ledger.receive_many
    for first in range(0, len(readable), GROUP):
        group = slice(first, first + GROUP)
        yield from map(_answer_of, readable[group], receive_all(deliveries[group]))


def _deliveries(stored_calls: Sequence[StoredCall], *, is_vouched: bool) -> list[Delivery]:
    """Make imported deliveries. Shape: their ids are in their order, also within one moment."""
    ids = sorted(str(ULID.from_datetime(instant_of_id(call.received_at))) for call in stored_calls)
    return [
        Delivery(
            id=id_,
            received_at=call.received_at,
            body=call.body,
            content_type=call.content_type,
            peer=call.peer,
            is_from_named_range=is_vouched,
            is_imported=True,
        )
        for id_, call in zip(ids, stored_calls, strict=True)
    ]


def _answer_of(call: StoredCall, receipt: Receipt | Proven) -> Answer:
    if isinstance(receipt, Proven):
        return _answer(call, VERIFIED)
    if not receipt.is_kept:
        return _answer(call, REFUSED, receipt.reason)
    return _answer(call, receipt.outcome, receipt.reason, receipt.id)


def _answer(
    call: StoredCall, outcome: str, reason: str | None = None, id_: str | None = None
) -> Answer:
    received_at = write_public_instant(call.received_at)
    return {
        "name": call.name,
        "received_at": received_at,
        "outcome": outcome,
        "reason": reason,
        "id": id_,
    }


def _show(answer: Answer, *, as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps(answer))
    elif answer["reason"]:
        name, outcome, reason = answer["name"], answer["outcome"], answer["reason"]
        click.echo("\t".join(map(printable, (name, outcome, reason))))


def _summarise(tally: Tally) -> None:
    """Say how many had which outcome, and why."""
    for (outcome, reason), number in sorted(tally.items()):
        click.echo(f"{number} {outcome}{f': {reason}' if reason else ''}", err=True)
    click.echo(f"{tally.total()} calls", err=True)
