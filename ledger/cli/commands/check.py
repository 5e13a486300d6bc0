"""How `ledger check` is called."""

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import LEDGER, Documented
from ledger.cli.options import json_option


@click.command(
    cls=Documented,
    short_help=SHORT_HELPS["check"],
    variables=(*LEDGER, "LEDGER_SECRET_KEY", "LEDGER_ALLOWED_SOURCES"),
    examples=("ledger check", "ledger check --verbose", "ledger check --json"),
)
@click.option("--verbose", "-v", is_flag=True, help="Show how to mend what is a long list.")
@json_option
@click.pass_context
def check(ctx: click.Context, *, verbose: bool, as_json: bool) -> None:
    """Check settings, shops, keys, database, migrations and read models; change nothing.

    The command prints a line for each finding: ok, warning or fault. It also names the kinds of
    notification that a shop has never sent; --verbose adds the Back Office rules that send them.

    It exits 0 when the service can run, 2 when something is at fault.
    """
    from ledger.cli.check import print_findings

    ctx.exit(print_findings(is_verbose=verbose, as_json=as_json))
