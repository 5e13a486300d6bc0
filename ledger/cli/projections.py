"""What `ledger projections` prints: where read models stand, and how generations differ."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from ledger.cli.invocation import open_ledger
from ledger.cli.output import counted, echo_document, echo_table
from ledger.cli.rebuild import echo_differences
from ledger.cli.upgrade_steps import PRUNE, ROLL, echo_next
from ledger.projections.engine.compare import compare
from ledger.projections.engine.generations import BUILDING
from ledger.projections.engine.registry import projection
from ledger.projections.engine.snapshots import snapshot
from ledger.projections.engine.status import Status, live_pair, prune, stale_views, statuses

_COLUMNS = (
    *("read model", "generation", "state", "position"),
    *("events behind", "seconds behind", "code", "follower"),
)


def print_status(*, as_json: bool) -> None:
    """Print every generation; what is to be done about them goes to standard error."""
    ledger = open_ledger()
    shown = statuses(ledger)
    stale = stale_views(ledger)
    if as_json:
        echo_document({"generations": list(map(_data, shown)), "stale": stale})
        return
    echo_table(_COLUMNS, map(_row, shown))
    for remark in (remark for generation_status in shown for remark in _remarks(generation_status)):
        click.echo(remark, err=True)
    for name in stale:
        click.echo(f"{name}: not built for this code; run `ledger rebuild {name}`", err=True)


def print_comparison(name: str, *, as_json: bool) -> int:
    """Print how the two newest generations differ; return the exit code."""
    projection(name)  # refuses a name that there is not
    ledger = open_ledger()
    pair = live_pair(ledger, name)
    if pair is None:
        if as_json:
            echo_document({"name": name, "before": None, "after": None, "tables": []})
        click.echo(f"{name}: one generation only, nothing to compare with", err=True)
        return 0
    with snapshot(ledger.database) as before, snapshot(ledger.database) as after:
        differences = compare(before, pair[0], after, pair[1])
    if as_json:
        tables = [asdict(difference) for difference in differences]
        ids = {"before": pair[0].id, "after": pair[1].id}
        echo_document({"name": name, **ids, "tables": tables})
    else:
        echo_differences(differences)
    return 0 if all(difference.has_same_rows for difference in differences) else 1


def print_pruned(names: tuple[str, ...], *, is_forced: bool) -> None:
    """Drop generations that nobody reads, and print which."""
    for name in names:
        projection(name)  # refuses a name that there is not
    pruned = prune(open_ledger(), names=names, is_forced=is_forced)
    for generation in pruned.dropped:
        click.echo(f"dropped {generation}")
    for generation in pruned.kept:
        click.echo(f"kept {generation}; --force drops it too", err=True)
    click.echo(f"{counted(len(pruned.dropped), 'generation')} dropped", err=True)
    if pruned.followed:
        echo_next(ROLL, PRUNE)


def _data(generation_status: Status) -> dict[str, Any]:
    generation = generation_status.generation
    return {
        "name": generation.name,
        "generation": generation.id,
        "fingerprint": generation.fingerprint,
        "state": generation.state,
        "position": generation_status.position,
        "lag": generation_status.lag,
        "lag_seconds": round(generation_status.lag_seconds, 3),
        "is_current": generation_status.is_current,
        "is_followed": generation_status.is_followed,
        "poison": list(map(asdict, generation_status.poison)),
    }


def _is_stopped(generation_status: Status) -> bool:
    """Return True if nobody carries on with a build: then it is behind, and that alarms nobody."""
    return generation_status.generation.state == BUILDING and not generation_status.is_followed


def _row(generation_status: Status) -> tuple[object, ...]:
    generation, is_stopped = generation_status.generation, _is_stopped(generation_status)
    lag = (generation_status.lag, f"{generation_status.lag_seconds:.0f}")
    return (
        generation.name,
        f"g{generation.id}",
        "stopped" if is_stopped else generation.state,
        generation_status.position,
        *((None, None) if is_stopped else lag),
        "this code" if generation_status.is_current else f"other code {generation.fingerprint}",
        "followed" if generation_status.is_followed else "not followed",
    )


def _remarks(generation_status: Status) -> Iterator[str]:
    generation = generation_status.generation
    name = f"{generation.name} g{generation.id}"
    if _is_stopped(generation_status) and generation_status.is_current:
        yield f"{name}: its rebuild was stopped; `ledger rebuild {generation.name}` goes on with it"
    for poison in generation_status.poison:
        yield f"{name}: passed over #{poison.position} {poison.topic}: {poison.error}"
