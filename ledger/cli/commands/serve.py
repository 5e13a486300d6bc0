"""How `ledger serve` is called."""

from typing import Any

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import LEDGER, Documented


@click.command(
    cls=Documented,
    short_help=SHORT_HELPS["serve"],
    variables=(*LEDGER, "LEDGER_SECRET_KEY", "LEDGER_ALLOWED_SOURCES"),
    examples=(
        "ledger serve --demo",
        "ledger serve --host 0.0.0.0 --port 8080 --workers 4",
        "ledger serve --only receiver --port 8001",
    ),
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Processes.  [default: 1 on SQLite, one per core on PostgreSQL]",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="Notifications that each process takes at once.  [default: 2 per core and 1, at most 8]",
)
@click.option(
    "--drain-seconds",
    type=click.IntRange(0, 300),
    default=0,
    show_default=True,
    help="On SIGTERM serve so long with /readyz saying no, then stop.",
)
@click.option(
    "--demo", "is_demo", is_flag=True, help="Serve synthetic shops and play every story to them."
)
@click.option(
    "--only",
    type=click.Choice(["receiver", "reader"]),
    help="Serve this part alone; a second process serves the other one.",
)
@click.option("--once", is_flag=True, help="With --demo: stop when the stories are played.")
@click.pass_context
def serve(ctx: click.Context, /, **options: Any) -> None:
    """Run the service until SIGTERM or SIGINT; finish what was accepted.

    On SIGHUP it reads the shops file again. An empty SQLite database is migrated first. The command
    exits 2 when something is wrong at the start.
    """
    from ledger.cli.serve import run

    if options["once"] and not options["is_demo"]:
        raise click.UsageError("--once needs --demo")
    if options["only"] and options["is_demo"]:
        raise click.UsageError("--demo serves both parts: leave --only out")
    ctx.exit(run(**options))
