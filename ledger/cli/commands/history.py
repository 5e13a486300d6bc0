"""How `ledger history` is called."""

from datetime import datetime

import click

from ledger.cli import SHORT_HELPS
from ledger.cli.documented import LEDGER, Documented
from ledger.cli.options import INSTANT, json_option, mode_option, shop_id_option
from ledger.ipn.kinds import KINDS


@click.command(
    cls=Documented,
    short_help=SHORT_HELPS["history"],
    variables=LEDGER,
    examples=(
        "ledger history transaction 6c7c2a4b0f6e4d0f8a6a5b1c2d3e4f50 --shop-id 12345678",
        "ledger history alias d7b8763dc6673c88ff8869633d2aa754 --mode test --as-of 2026-03-10",
        "ledger history subscription 20260310abcdef --json",
    ),
)
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name", metavar="ID")
@shop_id_option("Shop id; may be left out when there is only one shop.")
@mode_option(help="Look at this mode alone.  [default: both]")
@click.option(
    "--as-of",
    type=INSTANT,
    help="Show the history as it was known then (ISO 8601; a day is whole).",
)
@json_option
def history(
    kind: str,
    name: str,
    shop_id: str | None,
    mode: str | None,
    as_of: datetime | None,
    as_json: bool,
) -> None:
    """Show the whole history of a transaction (uuid or reference), alias or subscription.

    With --json the document is {"item", "events"}; it is an array of them when the name has
    several histories, for example one in each mode.
    """
    from ledger.cli.history import print_history

    print_history(kind, name, shop_id=shop_id, mode=mode, as_of=as_of, as_json=as_json)
