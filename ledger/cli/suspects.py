"""What `ledger suspects` does: print what was probably not told, and what would bring it."""

from collections.abc import Sequence
from contextlib import closing

import click

from ledger.cli.invocation import open_ledger
from ledger.cli.output import counted, echo_json_lines, echo_table
from ledger.instants import utc_now
from ledger.projections.suspect_rules import Suspicion
from ledger.queries.filter_conditions import Filter
from ledger.queries.lists import Item
from ledger.queries.suspects import all_suspects

_COLUMNS = (
    *("certainty", "rule", "due at", "shop", "mode", "kind", "reference"),
    *("status", "expected", "remedies"),
)


def print_suspects(filters: Filter, *, as_json: bool) -> int:
    """Print every suspect; return the exit code. Errors: LedgerError."""
    with closing(open_ledger()) as ledger:
        items = list(all_suspects(ledger.database, filters, utc_now()))
    if as_json:
        echo_json_lines(items)
    else:
        echo_table(_COLUMNS, map(_cells, items))
    certain = sum(item["certainty"] == Suspicion.CERTAIN for item in items)
    click.echo(f"{counted(len(items), 'suspect')}, {certain} of them certain", err=True)
    return 1 if certain else 0


def _cells(item: Item) -> Sequence[object]:
    names = ("certainty", "rule", "due_at", "shop_id", "mode", "kind", "reference")
    status = item["status"] or (f"{item['missing_count']} missing" if item["missing_count"] else "")
    own = [item[name] for name in names]
    return [*own, status, item["expected"], ", ".join(item["remedies"])]
