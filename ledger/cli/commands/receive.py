"""How `ledger receive` is called."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import LEDGER, Documented
from ledger.cli.options import INSTANT, json_lines_option


@click.command(
    cls=Documented,
    short_help=SHORT_HELPS["receive"],
    variables=LEDGER,
    examples=(
        "ledger receive --dry-run calls.jsonl",
        "ledger receive --file-times --vouched calls/",
        "ledger receive --received-at 2026-03-10T09:15:00Z - < body.txt",
    ),
)
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
    help="When those calls arrived that do not say it themselves.  [default: now]",
)
@click.option("--file-times", is_flag=True, help="They arrived when their file was last changed.")
@click.option(
    "--vouched",
    is_flag=True,
    help="You know that the platform sent every one of them: no form is doubtful.",
)
@click.option("--dry-run", is_flag=True, help="Only verify them; store nothing.")
@json_lines_option
@click.pass_context
def receive(
    ctx: click.Context,
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
    input. Calls are recorded in the order of their times, then of their names. The keys of those
    times verify them, and they are marked as imported. The ledger does not store again what it
    knows; what it refuses stays in its file: mend the reason and run the command again.

    The command prints what is refused or undecided: name, outcome, reason. With --json it prints
    every call. It exits 1 when something was refused.
    """
    from ledger.cli.receive import Import, receive_files

    if file_times and received_at:
        raise click.UsageError("--received-at or --file-times, not both")
    wanted = Import(received_at, is_by_file_time=file_times, is_vouched=vouched, is_dry_run=dry_run)
    ctx.exit(receive_files(paths, wanted, as_json=as_json))
