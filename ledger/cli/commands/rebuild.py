"""How `ledger rebuild` is called."""

from datetime import datetime
from pathlib import Path

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import DATABASE, Documented
from ledger.cli.options import INSTANT, scheduler_option, workers_option


@click.command(
    cls=Documented,
    short_help=SHORT_HELPS["rebuild"],
    variables=DATABASE,
    examples=(
        "ledger rebuild",
        "ledger rebuild orders totals --dry-run",
        "ledger rebuild --scheduler tcp://10.0.0.5:8786 --workers 32",
        "ledger rebuild transactions --as-of 2026-03-31 --into march.sqlite",
    ),
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@workers_option
@scheduler_option
@click.option("--dry-run", is_flag=True, help="Build and compare; let nobody read the result.")
@click.option("--no-compare", is_flag=True, help="Do not compare with the live one.")
@click.option("--as-of", type=INSTANT, help="The read model as it was known then; needs --into.")
@click.option(
    "--into", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this SQLite file."
)
@click.pass_context
def rebuild(
    ctx: click.Context,
    names: tuple[str, ...],
    workers: int,
    scheduler: str | None,
    dry_run: bool,
    no_compare: bool,
    as_of: datetime | None,
    into: Path | None,
) -> None:
    """Rebuild read models (all of them by default) from the events, while the service runs.

    A rebuild that was stopped goes on where it was. The command exits 1 when a rebuilt read model
    differs from the live one of the same code. The workers of a cluster have the address of the
    database from their own environment; --workers says how many parts they have at once.
    """
    from ledger.cli.rebuild import rebuild_all, write_all_as_of

    if (as_of is None) != (into is None):
        raise click.UsageError("--as-of and --into belong together")
    if as_of is not None and into is not None:
        write_all_as_of(names, as_of=as_of, into=into)
        return
    ctx.exit(
        rebuild_all(
            names,
            workers=workers,
            scheduler=scheduler,
            is_dry=dry_run,
            is_compared=not no_compare,
        )
    )
