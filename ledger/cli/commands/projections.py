"""How `ledger projections` is called."""

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import DATABASE, DocumentedGroup
from ledger.cli.options import json_option


@click.group(cls=DocumentedGroup, short_help=SHORT_HELPS["projections"])
def projections() -> None:
    """Show the generations of the read models, compare them and prune them."""


@projections.command(
    short_help="Show where every generation stands.",
    variables=DATABASE,
    examples=("ledger projections status", "ledger projections status --json"),
)
@json_option
def status(as_json: bool) -> None:
    """Show every generation: its state, its position, its lag, and the events it passed over.

    The columns are view, generation, state, position, events behind, seconds behind, code and
    follower. A generation is stopped when its rebuild was stopped: it goes on with the next one.
    """
    from ledger.cli.projections import print_status

    print_status(as_json=as_json)


@projections.command(
    short_help="Compare the two newest generations of a read model.",
    variables=DATABASE,
    examples=("ledger projections compare orders", "ledger projections compare orders --json"),
)
@click.argument("name")
@json_option
@click.pass_context
def compare(ctx: click.Context, name: str, as_json: bool) -> None:
    """Compare the two newest generations of a read model as they stand.

    Rows also differ when one of the two is behind. The command exits 1 when rows differ, and 0
    when they do not or when there is nothing to compare with.
    """
    from ledger.cli.projections import print_comparison

    ctx.exit(print_comparison(name, as_json=as_json))


@projections.command(
    short_help="Drop generations that nobody reads any more.",
    variables=DATABASE,
    examples=("ledger projections prune", "ledger projections prune orders --force"),
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--force", is_flag=True, help="Also drop those that another version follows or will read."
)
def prune(names: tuple[str, ...], force: bool) -> None:
    """Drop generations that nobody reads any more: of all read models, or of those named.

    The command keeps what a server of another version follows, and for a day what another version
    builds or has built and does not read yet.
    """
    from ledger.cli.projections import print_pruned

    print_pruned(names, is_forced=force)
