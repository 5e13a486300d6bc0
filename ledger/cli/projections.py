"""`ledger projections`: where the views stand, how generations compare, and what can go."""

from dataclasses import asdict
from typing import Any

import click
import orjson

from ledger.cli.opening import open_ledger
from ledger.cli.rebuild import changes, told
from ledger.projections.compare import compare as compare_generations
from ledger.projections.rebuild import snapshot
from ledger.projections.registry import PROJECTIONS
from ledger.projections.status import Status, live_pair, stale_views, statuses
from ledger.projections.status import prune as prune_generations


@click.group()
def projections() -> None:
    """The read models: status, compare, prune."""


@projections.command()
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def status(as_json: bool) -> None:
    """Show every generation: state, position, lag, and the events it passed over."""
    ledger = open_ledger()
    found = statuses(ledger)
    stale = stale_views(ledger)
    if as_json:
        data = {"generations": [status_data(one) for one in found], "stale": stale}
        click.echo(orjson.dumps(data, option=orjson.OPT_INDENT_2))
        return
    for one in found:
        click.echo(_line(one))
        for poison in one.poison:
            click.echo(f"    passed over #{poison.position} {poison.topic}: {poison.error}")
    for name in stale:
        click.echo(f"{name}: not built for this code; run `ledger rebuild {name}`")


@projections.command()
@click.argument("name", type=click.Choice(list(PROJECTIONS)))
@click.option("--json", "as_json", is_flag=True, help="For machines.")
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
        tables = [asdict(one) for one in differences]
        data = {"before": pair[0].id, "after": pair[1].id, "tables": tables}
        click.echo(orjson.dumps(data, option=orjson.OPT_INDENT_2))
    for one in [] if as_json else differences:
        click.echo(told(one))
        for key, old, new in one.sample:
            click.echo(f"  {key}: {changes(old, new)}")
    ctx.exit(0 if all(one.has_same_rows for one in differences) else 1)


@projections.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--force", is_flag=True, help="Also those that a server still follows.")
def prune(names: tuple[str, ...], force: bool) -> None:
    """Drop generations that nobody reads any more."""
    dropped = prune_generations(open_ledger(), names=names, is_forced=force)
    for one in dropped:
        click.echo(f"dropped {one}")
    click.echo(f"{len(dropped)} dropped", err=True)


def status_data(one: Status) -> dict[str, Any]:
    """One generation for a machine."""
    return {
        "name": one.generation.name,
        "generation": one.generation.id,
        "fingerprint": one.generation.fingerprint,
        "state": one.generation.state,
        "position": one.position,
        "lag": one.lag,
        "lag_seconds": round(one.lag_seconds, 3),
        "is_current": one.is_current,
        "is_followed": one.is_followed,
        "poison": [asdict(poison) for poison in one.poison],
    }


def _line(one: Status) -> str:
    words = [
        f"{one.generation.name:<14} g{one.generation.id:<4} {one.generation.state:<9}",
        f"position {one.position}, {one.lag} behind ({one.lag_seconds:.0f} s)",
        "this code" if one.is_current else f"other code {one.generation.fingerprint}",
        "followed" if one.is_followed else "not followed",
    ]
    return "  ".join(words)
