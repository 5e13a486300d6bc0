"""What `ledger rebuild` does: build read models anew beside the live ones, compare, and switch."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path

import click

from ledger.application import Ledger
from ledger.cli.cluster import lent_workers
from ledger.cli.invocation import open_ledger
from ledger.cli.output import counted, painted
from ledger.cli.progress_bar import Meter
from ledger.cli.upgrade_steps import PRUNE, ROLL, echo_next, other_versions
from ledger.projections.definition import Row
from ledger.projections.engine.compare import Difference
from ledger.projections.engine.generations import outdated_views
from ledger.projections.engine.rebuild import Rebuild, Rebuilt, start_processes
from ledger.projections.engine.rebuild_as_of import write_as_of
from ledger.projections.engine.registry import PROJECTIONS, projection
from ledger.storage.database_location import obstacle


def rebuild_all(
    names: Sequence[str], *, workers: int, scheduler: str | None, is_dry: bool, is_compared: bool
) -> int:
    """Rebuild these read models, or all, and print each result; return the exit code.

    Errors: NotFoundError for a name that there is not, before anything begins.
    """
    is_well = True
    models = _named(names)
    ledger = open_ledger()
    try:
        with lent_workers(ledger, scheduler) as lent:
            for name in models:
                with Meter(name, "positions") as meter:
                    job = Rebuild(
                        ledger,
                        name,
                        workers=workers,
                        progress=meter,
                        start_workers=start_processes if lent is None else _stay(lent),
                        is_elsewhere=lent is not None,
                    )
                    rebuilt = job.run(is_dry=is_dry, is_compared=is_compared)
                is_well &= _report(rebuilt)
    except KeyboardInterrupt:
        click.echo("stopped; it goes on with the next `ledger rebuild`", err=True)
        return 1
    if not is_dry:
        _echo_next(ledger)
    return 0 if is_well else 1


def _stay(lent: Executor) -> Callable[[int], AbstractContextManager[Executor]]:
    """Return what starts workers that are there already, and stay."""
    return lambda _: nullcontext(lent)


def write_all_as_of(names: Sequence[str], *, as_of: datetime, into: Path) -> None:
    """Write these read models, or all, to a file as they were known at an instant."""
    models = _named(names)
    if reason := obstacle(f"sqlite:///{into}"):
        raise click.UsageError(f"--into cannot be written: {reason}")
    ledger = open_ledger()
    for name in models:
        with Meter(name, "events") as meter:
            count, poison = write_as_of(ledger, name, as_of=as_of, into=into, progress=meter)
        click.echo(f"{name}\t{counted(count, 'event')}\t{into}{_skipped(len(poison))}")


def _echo_next(ledger: Ledger) -> None:
    """Say what follows if servers of another version are there, as during an upgrade."""
    with ledger.database.connect() as connection:
        stale, (followed, left) = outdated_views(connection), other_versions(connection)
    if stale:
        click.echo(f"not built for this code yet: {', '.join(stale)}", err=True)
    elif followed or left:
        echo_next(*([ROLL] if followed else []), PRUNE)


def _named(names: Sequence[str]) -> list[str]:
    return [projection(name).name for name in names or PROJECTIONS]


def _skipped(count: int) -> str:
    return f"\t{counted(count, 'event')} passed over" if count else ""


def _report(rebuilt: Rebuilt) -> bool:
    """Print the result; return False if the same code has built different rows."""
    state = "live" if rebuilt.is_live else "built, not read"
    verdict, is_well = _verdict(rebuilt)
    words = (rebuilt.generation.name, painted(verdict), f"{state} at {rebuilt.position}")
    click.echo("\t".join(words) + _skipped(rebuilt.poison))
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
        f"{difference.table}: {difference.rows[0]} → {counted(difference.rows[1], 'row')}",
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
