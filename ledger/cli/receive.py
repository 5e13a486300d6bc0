"""What `ledger receive` does: it takes in the raw calls that an older endpoint kept."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

import click
from ulid import ULID

from ledger.application import Ledger
from ledger.cli.invocation import open_ledger
from ledger.cli.output import counted, echo_json_lines, echo_table
from ledger.cli.progress_bar import Meter
from ledger.cli.stored_calls import Reading, StoredCall, calls_in, files_in
from ledger.instants import instant_of_id, utc_now, write_public_instant
from ledger.ipn.delivery import Delivery
from ledger.ipn.parse import Proven
from ledger.recording.receipt import Receipt

GROUP = 200
"""Calls that are stored in one database transaction."""
VERIFIED, REFUSED = "verified", "refused"

Answer = dict[str, Any]
"""What became of one call, for a machine."""
_COLUMNS = ("name", "outcome", "reason")
Tally = Counter[tuple[str, str]]
"""How many calls had which outcome, for which reason."""


@dataclass(frozen=True, slots=True)
class Import:
    """How files are received. Shape: `received_at` is for calls that do not say so themselves."""

    received_at: datetime | None
    is_by_file_time: bool
    is_vouched: bool
    is_dry_run: bool


def receive_files(paths: Sequence[Path], wanted: Import, *, as_json: bool) -> int:
    """Receive the calls in files, and print what became of them; return the exit code."""
    now, tally = utc_now(), Tally()
    stage = "verified" if wanted.is_dry_run else "received"
    with closing(open_ledger(needs_shops=True)) as ledger, Meter("receive", "calls") as progress:
        received_at = wanted.received_at or now
        reading = Reading(ledger.settings.body_bytes_max, now, received_at, wanted.is_by_file_time)
        stored_calls = [call for path in files_in(paths) for call in calls_in(path, reading)]

        def answers() -> Iterator[Answer]:
            for answer in _answers(ledger, stored_calls, wanted):
                tally[answer["outcome"], answer["reason"] or ""] += 1
                yield answer
                progress(stage, tally.total(), len(stored_calls))

        if as_json:
            echo_json_lines(answers())
        else:
            shown = (answer for answer in answers() if answer["reason"])
            echo_table(_COLUMNS, ([answer[name] for name in _COLUMNS] for answer in shown))
    _summarise(tally)
    return 1 if any(outcome == REFUSED for outcome, _ in tally) else 0


def _answers(
    ledger: Ledger, stored_calls: Iterable[StoredCall], wanted: Import
) -> Iterator[Answer]:
    """Receive calls in the order of their arrival, those of one moment as they were read."""
    in_order = sorted(stored_calls, key=attrgetter("received_at"))
    yield from (_answer(call, REFUSED, call.fault) for call in in_order if call.fault)
    readable = [call for call in in_order if not call.fault]
    deliveries = _deliveries(readable, is_vouched=wanted.is_vouched)
    receive_all = ledger.preview if wanted.is_dry_run else ledger.receive_many
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


def _summarise(tally: Tally) -> None:
    """Say how many had which outcome, and why."""
    for (outcome, reason), number in sorted(tally.items()):
        click.echo(f"{number} {outcome}{f': {reason}' if reason else ''}", err=True)
    click.echo(counted(tally.total(), "call"), err=True)
