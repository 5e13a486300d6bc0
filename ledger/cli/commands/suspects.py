"""How `ledger suspects` is called."""

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import DATABASE, Documented
from ledger.cli.filter_options import filter_options
from ledger.cli.options import json_lines_option
from ledger.queries.filter_conditions import Filter
from ledger.queries.filter_declarations import SuspectFilter


@click.command(
    cls=Documented,
    short_help=SHORT_HELPS["suspects"],
    variables=DATABASE,
    examples=(
        "ledger suspects --mode production",
        "ledger suspects --shop 12345678 --certainty certain --json",
    ),
)
@json_lines_option
@filter_options(SuspectFilter)
@click.pass_context
def suspects(ctx: click.Context, filter_: Filter, as_json: bool) -> None:
    """List what was probably not told, by what was told alone, overdue longest first.

    A suspect is `certain` where nothing but missing news explains what was told; `likely` where
    something else seldom does; a `hint` where it may be older than the ledger, so that hints are
    listed from the second month of a shop on. Without suspects nothing is proven: see
    `ledger completeness`.

    The columns are certainty, rule, the instant by which news was due, shop, mode, kind and
    reference of the object, its status or how many numbers are missing, the news that is expected,
    and what would bring it.

    The command exits 1 when a suspect is certain.
    """
    from ledger.cli.suspects import print_suspects

    ctx.exit(print_suspects(filter_, as_json=as_json))
