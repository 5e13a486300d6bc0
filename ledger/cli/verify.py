"""`ledger verify`: proves that what is stored is what was received, or says where it is not."""

from contextlib import closing
from dataclasses import asdict

import click
import orjson

from ledger.audit.check_names import CHECKS
from ledger.audit.fault import Fault
from ledger.audit.run_checks import Audit
from ledger.cli.invocation import json_lines_option, open_ledger, workers_option
from ledger.cli.progress_bar import Meter
from ledger.ipn.lookalikes import printable


@click.command()
@click.option(
    "--first",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="POSITION",
    help="Begin at this event and the deliveries from there on. Read models are compared whole.",
)
@click.option("--only", type=click.Choice(CHECKS), multiple=True, help="Some of the checks.")
@workers_option
@json_lines_option
@click.pass_context
def verify(
    ctx: click.Context, *, first: int, only: tuple[str, ...], workers: int, as_json: bool
) -> None:
    """Check stored signatures, events and read models against each other; change nothing.

    Prints one line per fault: position, subject, reason and detail, separated by tabs. What could
    not be checked, because its key has left the shops file, is reported on stderr and is no fault.
    Exits 0 when clean, 1 when a fault was found.
    """
    count = 0
    with closing(open_ledger()) as ledger, Meter("verify", "rows") as meter:
        audit = Audit(ledger, first=first, only=only or CHECKS, workers=workers, progress=meter)
        for fault in audit.faults():
            count += 1
            click.echo(orjson.dumps(asdict(fault)) if as_json else _line(fault))
    for remark, number in sorted(audit.remarks.items()):
        click.echo(f"remark: {number} {remark}", err=True)
    checked = ", ".join(f"{number} rows of {check}" for check, number in audit.checked.items())
    click.echo(f"{count} faults ({checked})", err=True)
    ctx.exit(1 if count else 0)


def _line(fault: Fault) -> str:
    words = (fault.position or "-", fault.subject, fault.reason, fault.detail)
    return "\t".join(printable(str(word)) for word in words)
