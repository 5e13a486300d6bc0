"""What `ledger verify` prints: each fault of what is stored, or that there is none."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import click

from ledger.application import Ledger
from ledger.audit.fault import Fault
from ledger.audit.run_checks import Audit
from ledger.audit.verifications import note_verification
from ledger.cli.alerts import tell_of_faults
from ledger.cli.cluster import lent_workers
from ledger.cli.invocation import open_ledger
from ledger.cli.output import counted, echo_json_lines, echo_table
from ledger.cli.progress_bar import Meter
from ledger.cli.proof import read_kept
from ledger.instants import utc_now

_COLUMNS = ("position", "subject", "reason", "detail")


def print_faults(
    *,
    first: int,
    only: tuple[str, ...],
    checkpoints: tuple[Path, ...],
    workers: int,
    scheduler: str | None,
    as_json: bool,
) -> int:
    """Print every fault as it is found; return the exit code."""
    count, kept = 0, list(map(read_kept, checkpoints))
    with (
        closing(open_ledger()) as ledger,
        lent_workers(ledger, scheduler) as lent,
        Meter("verify") as meter,
    ):
        audit = Audit(ledger, first=first, only=only, kept=kept, workers=workers, progress=meter)
        audit.is_elsewhere = lent is not None

        def faults() -> Iterator[Fault]:
            nonlocal count
            for fault in audit.faults(lent):
                count += 1
                yield fault

        if as_json:
            echo_json_lines(map(asdict, faults()))
        else:
            echo_table(_COLUMNS, map(_row, faults()))
        _note_the_end(ledger, audit)
        tell_of_faults(ledger.settings, count)
    for remark, number in sorted(audit.remarks.items()):
        click.echo(f"remark: {remark}: {number}", err=True)
    checked = ", ".join(
        f"{counted(number, 'row')} of {check}" for check, number in audit.checked.items()
    )
    summary = click.style(counted(count, "fault"), fg="red" if count else "green")
    click.echo(f"{summary} ({checked})", err=True)
    return 1 if count else 0


def _note_the_end(ledger: Ledger, audit: Audit) -> None:
    """Note the checks that looked at everything, and those of a part that found a fault."""
    ended = {
        check: audit.fault_count_by_check[check]
        for check in audit.only
        if audit.first == 1 or audit.fault_count_by_check[check]
    }
    if not note_verification(ledger.database, ended, utc_now()):
        click.echo("remark: nothing can be written here: this audit is not noted", err=True)


def _row(fault: Fault) -> tuple[object, ...]:
    return fault.position, fault.subject, fault.reason, fault.detail
