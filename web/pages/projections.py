"""The read models: where they stand, the events they skipped, and how two generations compare."""

from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from ledger.projections.engine.compare import compare
from ledger.projections.engine.registry import PROJECTIONS
from ledger.projections.engine.snapshots import snapshot
from ledger.projections.engine.status import live_pair, stale_views, statuses
from web.authentication import only_for_operators
from web.context import ledger
from web.pages.blueprint import bp
from web.pages.rendering import render


@bp.get("/<mode:mode>/projections")
def projections(mode: str) -> ResponseReturnValue:
    """List every generation of every read model; they are of both modes."""
    rows = statuses(ledger())
    pairs = {row.generation.name for row in rows if live_pair(ledger(), row.generation.name)}
    stale = stale_views(ledger())
    return render("projections.html", statuses=rows, stale=stale, pairs=pairs)


@bp.get("/<mode:mode>/projections/<name>/compare")
@only_for_operators
def comparison(mode: str, name: str) -> ResponseReturnValue:
    """Compare the two newest generations of a read model, row by row."""
    if name not in PROJECTIONS:
        raise NotFound
    pair = live_pair(ledger(), name)
    if pair is None:
        return render("comparison.html", view=name, pair=None)
    database = ledger().database
    with snapshot(database) as live, snapshot(database) as newest:
        differences = compare(live, pair[0], newest, pair[1])
    return render("comparison.html", view=name, pair=pair, differences=differences)
