"""One order: its transactions as they stand, its refunds, its balance in each currency."""

from datetime import datetime

from flask import Response
from marshmallow import RAISE

from ledger.order import order, order_history
from ledger.timeline import timeline
from web.api.answers import NOT_CHANGED, a_blueprint, answer, tagged
from web.api.event_answers import HistoryAnswer
from web.api.items import history_event, links
from web.api.object_answers import OrderAnswer
from web.api.query_schemas import AsOfQuery
from web.context import ledger
from web.security import log_personal_read, redact_for_reader

bp = a_blueprint("orders", "Orders, each with all its transactions.")


@bp.route("/shops/<shop_id>/<mode>/orders/<name:name>")
@bp.arguments(AsOfQuery, location="query", unknown=RAISE)
@bp.alt_response(304, description=NOT_CHANGED)
@bp.response(200, OrderAnswer)
def get_order(asked: dict[str, datetime | None], shop_id: str, mode: str, name: str) -> Response:
    """An order: which transactions it has is read from a view, how they stand from their events."""
    found = order_history(ledger(), shop_id, mode.upper(), name, as_of=asked["as_of"])
    log_personal_read("order", shop_id=shop_id, mode=mode, reference=name)
    told = order(found, shop_id=shop_id, mode=mode, order_id=name)
    for one in told["transactions"]:
        one["links"] = links("transactions", shop_id, mode, one["reference"])
    told["links"] = links("orders", shop_id, mode, name)
    count = sum(len(one) for one in found.streams)
    return tagged(
        answer(redact_for_reader(told)), "order", count, found.position, found.view_position
    )


@bp.route("/shops/<shop_id>/<mode>/orders/<name:name>/history")
@bp.arguments(AsOfQuery, location="query", unknown=RAISE)
@bp.alt_response(304, description=NOT_CHANGED)
@bp.response(200, HistoryAnswer)
def get_order_history(
    asked: dict[str, datetime | None], shop_id: str, mode: str, name: str
) -> Response:
    """Everything told of an order's transactions, in the order in which we heard of it."""
    found = order_history(ledger(), shop_id, mode.upper(), name, as_of=asked["as_of"])
    log_personal_read("order-history", shop_id=shop_id, mode=mode, reference=name)
    entries = [entry for events in found.streams for entry in timeline(events)]
    entries.sort(key=lambda entry: entry.position)
    told = {"events": [history_event(entry) for entry in entries]}
    return tagged(answer(told), "order-history", len(entries), found.position)
