"""What `ledger import` does: it keeps files of the platform, to be compared with the ledger."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import click

from ledger.application import Ledger
from ledger.cli.access_notes import Read, note_reads, user_name
from ledger.cli.invocation import open_ledger
from ledger.cli.output import counted, echo_json_lines, echo_table
from ledger.instants import utc_now, write_day
from ledger.ipn.modes import Mode
from ledger.reconciliation.files import KeptFile, chunks_of, import_file
from ledger.reconciliation.journal_error import JournalError
from ledger.reconciliation.money_again import make_money_again

IMPORTED, KNOWN, REFUSED = "imported", "already-imported", "refused"
_COLUMNS = ("file", "outcome", "id", "kind", "first_day", "last_day", "rows", "reason")


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whose a file is, where neither its name nor its heading says so."""

    shop_id: str | None
    mode: str | None
    days: tuple[date, date] | None


def import_journals(paths: Sequence[Path], addressee: Addressee, *, as_json: bool) -> int:
    """Keep files and print a line for each; return the exit code. Errors: SettingsError."""
    outcomes = []
    with closing(open_ledger(needs_shops=True)) as ledger:

        def answers() -> Iterator[dict[str, Any]]:
            for path in paths:
                answer = _import(ledger, path, addressee)
                outcomes.append(answer["outcome"])
                yield answer

        if as_json:
            echo_json_lines(answers())
        else:
            echo_table(_COLUMNS, ([each[name] for name in _COLUMNS] for each in answers()))
    refused = outcomes.count(REFUSED)
    click.echo(f"{counted(len(outcomes), 'file')}, {refused} refused", err=True)
    return 1 if refused else 0


def make_again() -> None:
    """Make anew what is stored of the files about money. Errors: LedgerError."""
    with closing(open_ledger(needs_shops=True)) as ledger:
        count = make_money_again(ledger)
    click.echo(f"{counted(count, 'file')} about money read again", err=True)


def _import(ledger: Ledger, path: Path, addressee: Addressee) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            imported = import_file(
                ledger,
                chunks_of(stream),
                path.name,
                by_whom=user_name(),
                now=utc_now(),
                shop_id=addressee.shop_id,
                mode=None if addressee.mode is None else Mode(addressee.mode).value,
                days=addressee.days,
            )
    except JournalError as error:
        click.echo(f"{path.name}: {error}", err=True)
        return dict.fromkeys(_COLUMNS) | {
            "file": path.name,
            "outcome": REFUSED,
            "reason": error.reason,
            "message": str(error),
        }
    kept_file = imported.file
    shop_id, mode = kept_file.shop_id, Mode(kept_file.mode).public
    note_reads(ledger, Read("file", kept_file.id, shop_id, mode))
    return _answer(path.name, IMPORTED if imported.is_new else KNOWN, kept_file)


def _answer(name: str, outcome: str, kept_file: KeptFile) -> dict[str, Any]:
    heading = kept_file.heading
    return {
        "file": name,
        "outcome": outcome,
        "id": kept_file.id,
        "kind": heading.journal_kind.value,
        "version": heading.version,
        "shop_id": kept_file.shop_id,
        "mode": Mode(kept_file.mode).public,
        "first_day": write_day(kept_file.first_day),
        "last_day": write_day(kept_file.last_day),
        "rows": heading.row_count,
        "encoding": heading.encoding,
        "separator": heading.separator,
        "reason": None,
    }
