"""How `ledger verify` is called."""

from pathlib import Path

import click

from ledger.audit.check_names import CHECKS
from ledger.cli import SHORT_HELPS
from ledger.cli.documented import LEDGER, Documented
from ledger.cli.options import json_lines_option, scheduler_option, workers_option


@click.command(
    cls=Documented,
    short_help=SHORT_HELPS["verify"],
    variables=(*LEDGER, "LEDGER_MASTER_KEYS_FILE", "LEDGER_LOG_KEY_FILE"),
    examples=(
        "ledger verify",
        "ledger verify --only signatures --only streams --workers 2",
        "ledger verify --only log --checkpoint checkpoint",
        "ledger verify --first 100000 --json > faults.jsonl",
    ),
)
@click.option(
    "--first",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="POSITION",
    help="Begin at this event and at its delivery. Read models are compared whole.",
)
@click.option(
    "--only",
    type=click.Choice(CHECKS),
    multiple=True,
    help="Do this check alone; may be given several times.",
)
@click.option(
    "--checkpoint",
    "checkpoints",
    type=click.Path(dir_okay=False, path_type=Path),
    multiple=True,
    help="Compare the log with a checkpoint that was kept elsewhere; may be given several times.",
)
@workers_option
@scheduler_option
@json_lines_option
@click.pass_context
def verify(
    ctx: click.Context,
    *,
    first: int,
    only: tuple[str, ...],
    checkpoints: tuple[Path, ...],
    workers: int,
    scheduler: str | None,
    as_json: bool,
) -> None:
    """Check signatures, events, the signed log and read models against each other.

    The command prints a line for each fault: position, subject, reason, detail. What it cannot
    check, because a key has left the shops file, is a remark on standard error and no fault. The
    workers of a cluster have database, shops and keys from their own environment.
    It exits 0 when there is no fault, 1 when there is one.
    """
    from ledger.cli.verify import print_faults

    ctx.exit(
        print_faults(
            first=first,
            only=only or CHECKS,
            checkpoints=checkpoints,
            workers=workers,
            scheduler=scheduler,
            as_json=as_json,
        )
    )
