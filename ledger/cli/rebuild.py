"""`ledger rebuild`: build read models anew beside the live ones, compare, and switch."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import click

from ledger.application import Ledger
from ledger.cli.invocation import INSTANT, open_ledger, workers_option
from ledger.cli.progress_bar import Meter
from ledger.projections.definition import Row
from ledger.projections.engine.compare import Difference
from ledger.projections.engine.rebuild import Rebuild, Rebuilt
from ledger.projections.engine.rebuild_as_of import write_as_of
from ledger.projections.engine.registry import PROJECTIONS, projection
from ledger.storage.database_location import obstacle


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@workers_option
@click.option("--dry-run", is_flag=True, help="Build and compare, but let nobody read it.")
@click.option("--no-compare", is_flag=True, help="Do not compare with the live one.")
@click.option("--as-of", type=INSTANT, help="The view as it was known then; needs --into.")
@click.option(
    "--into", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this SQLite file."
)
@click.pass_context
def rebuild(
    ctx: click.Context,
    names: tuple[str, ...],
    workers: int,
    dry_run: bool,
    no_compare: bool,
    as_of: datetime | None,
    into: Path | None,
) -> None:
    """Rebuild views (all of them by default) from the events, while the service goes on.

    A rebuild that was interrupted goes on where it was. Exits 1 when a rebuilt view differs from
    the live one of the same code.
    """
    for name in names:
        projection(name)  # refuses a name that is not there before anything begins
    if (as_of is None) != (into is None):
        raise click.UsageError("--as-of and --into belong together")
    if into and (reason := obstacle(f"sqlite:///{into}")):
        raise click.UsageError(f"--into cannot be written: {reason}")
    ledger = open_ledger()
    is_well = True
    for name in names or PROJECTIONS:
        if as_of is not None and into is not None:
            _write_as_of(ledger, name, as_of=as_of, into=into)
            continue
        with Meter(name) as meter:
            job = Rebuild(ledger, name, workers=workers, progress=meter)
            rebuilt = job.run(is_dry=dry_run, is_compared=not no_compare)
        is_well &= _report(rebuilt)
    ctx.exit(0 if is_well else 1)


def _write_as_of(ledger: Ledger, name: str, *, as_of: datetime, into: Path) -> None:
    with Meter(name, "events") as meter:
        count, poison = write_as_of(ledger, name, as_of=as_of, into=into, progress=meter)
    skipped = f"\t{len(poison)} events passed over" if poison else ""
    click.echo(f"{name}\t{count} events\t{into}{skipped}")


def _report(rebuilt: Rebuilt) -> bool:
    """Print the result; return False if the same code has built different rows."""
    state = "live" if rebuilt.is_live else "built, not read"
    verdict, is_well = _verdict(rebuilt)
    skipped = f"\t{rebuilt.poison} events passed over" if rebuilt.poison else ""
    click.echo(f"{rebuilt.generation.name}\t{verdict}\t{state} at {rebuilt.position}{skipped}")
    echo_differences(rebuilt.differences, indent="  ")
    return is_well


def _verdict(rebuilt: Rebuilt) -> tuple[str, bool]:
    if rebuilt.against is None:
        return "nothing to compare with", True
    if rebuilt.is_identical:
        return "identical", True
    if all(difference.has_same_rows for difference in rebuilt.differences):
        return "same rows, other columns", True
    same_code = rebuilt.against.fingerprint == rebuilt.generation.fingerprint
    return "different", not same_code


def echo_differences(differences: Iterable[Difference], *, indent: str = "") -> None:
    """Print a line for each table that was compared, and one for each row of its sample."""
    for difference in differences:
        click.echo(f"{indent}{_comparison(difference)}")
        for key, old_row, new_row in difference.sample:
            click.echo(f"{indent}  {key}: {_change(old_row, new_row)}")


def _comparison(difference: Difference) -> str:
    words = [
        f"{difference.table}: {difference.rows[0]} rows → {difference.rows[1]} rows",
        f"digest {difference.digests[0]} → {difference.digests[1]}",
        f"{difference.differing} differ",
    ]
    if difference.only_after:
        words.append(f"new columns: {', '.join(difference.only_after)}")
    if difference.only_before:
        words.append(f"gone columns: {', '.join(difference.only_before)}")
    return "; ".join(words)


def _change(old_row: Row | None, new_row: Row | None) -> str:
    if old_row is None or new_row is None:
        return "only in the new one" if old_row is None else "only in the old one"
    return ", ".join(
        f"{name} {old_row[name]!r} → {new_row[name]!r}"
        for name in new_row
        if old_row[name] != new_row[name]
    )
