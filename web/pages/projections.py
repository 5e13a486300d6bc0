"""The views: where they stand, what they passed over, and how two generations compare."""

from typing import Any

from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from ledger.projections.compare import compare
from ledger.projections.rebuild import snapshot
from ledger.projections.registry import PROJECTIONS
from ledger.projections.status import live_pair, stale_views, statuses
from web.context import ledger
from web.pages.blueprint import bp
from web.pages.rendering import render_in_parts
from web.security import only_for_operators


@bp.get("/<mode:mode>/projections")
def projections(mode: str) -> ResponseReturnValue:
    """Every generation of every view; they are of both modes."""
    return render_in_parts("projections.html", told=_standing)


@bp.get("/<mode:mode>/projections/<name>/compare")
@only_for_operators
def comparison(mode: str, name: str) -> ResponseReturnValue:
    """The two newest generations of a view, row by row as they stand."""
    if name not in PROJECTIONS:
        raise NotFound
    return render_in_parts("comparison.html", told=lambda: _compared(name), view=name)


def _standing() -> dict[str, Any]:
    found = statuses(ledger())
    pairs = {one.generation.name for one in found if live_pair(ledger(), one.generation.name)}
    return {"statuses": found, "stale": stale_views(ledger()), "pairs": pairs}


def _compared(name: str) -> dict[str, Any]:
    pair = live_pair(ledger(), name)
    if pair is None:
        return {"pair": None, "differences": []}
    database = ledger().database
    with snapshot(database) as before, snapshot(database) as after:
        return {"pair": pair, "differences": compare(before, pair[0], after, pair[1])}
