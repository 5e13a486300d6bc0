"""`ledger projections`: show where read models stand, compare generations, drop what can go."""

from dataclasses import asdict
from typing import Any

import click
import orjson

from ledger.cli.invocation import json_option, open_ledger
from ledger.cli.rebuild import echo_differences
from ledger.projections.engine.compare import compare as compare_generations
from ledger.projections.engine.rebuild import snapshot
from ledger.projections.engine.registry import PROJECTIONS
from ledger.projections.engine.status import Status, live_pair, stale_views, statuses
from ledger.projections.engine.status import prune as prune_generations


@click.group()
def projections() -> None:
    """The read models: status, compare, prune."""


@projections.command()
@json_option
def status(as_json: bool) -> None:
    """Show every generation: state, position, lag, and the events it passed over."""
    ledger = open_ledger()
    shown = statuses(ledger)
    stale = stale_views(ledger)
    if as_json:
        data = {"generations": list(map(_data, shown)), "stale": stale}
        click.echo(orjson.dumps(data, option=orjson.OPT_INDENT_2))
        return
    for generation_status in shown:
        click.echo(_line(generation_status))
        for poison in generation_status.poison:
            click.echo(f"    passed over #{poison.position} {poison.topic}: {poison.error}")
    for name in stale:
        click.echo(f"{name}: not built for this code; run `ledger rebuild {name}`")


@projections.command()
@click.argument("name", type=click.Choice(list(PROJECTIONS)))
@json_option
@click.pass_context
def compare(ctx: click.Context, name: str, as_json: bool) -> None:
    """Compare the two newest generations of a view; exits 1 when rows differ.

    They are compared as they stand; rows also differ when one of them is behind.
    """
    ledger = open_ledger()
    pair = live_pair(ledger, name)
    if pair is None:
        click.echo("null" if as_json else f"{name}: one generation only, nothing to compare with")
        return
    with snapshot(ledger.database) as before, snapshot(ledger.database) as after:
        differences = compare_generations(before, pair[0], after, pair[1])
    if as_json:
        tables = [asdict(difference) for difference in differences]
        data = {"before": pair[0].id, "after": pair[1].id, "tables": tables}
        click.echo(orjson.dumps(data, option=orjson.OPT_INDENT_2))
    else:
        echo_differences(differences)
    ctx.exit(0 if all(difference.has_same_rows for difference in differences) else 1)


@projections.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--force", is_flag=True, help="Also those that another version uses or will use.")
def prune(names: tuple[str, ...], force: bool) -> None:
    """Drop generations that nobody reads any more.

    A generation that a server of another version follows is kept, and for a day one that another
    version builds or has built.
    """
    pruned = prune_generations(open_ledger(), names=names, is_forced=force)
    for generation in pruned.dropped:
        click.echo(f"dropped {generation}")
    for generation in pruned.kept:
        click.echo(f"kept {generation}; --force drops it too", err=True)
    click.echo(f"{len(pruned.dropped)} dropped", err=True)


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


def _line(generation_status: Status) -> str:
    generation, lag = generation_status.generation, generation_status.lag
    words = [
        f"{generation.name:<14} g{generation.id:<4} {generation.state:<9}",
        f"position {generation_status.position}, {lag} behind"
        f" ({generation_status.lag_seconds:.0f} s)",
        "this code" if generation_status.is_current else f"other code {generation.fingerprint}",
        "followed" if generation_status.is_followed else "not followed",
    ]
    return "  ".join(words)
