"""One order: its transactions as they stand, its refunds, its balance in each currency."""

from datetime import datetime

from flask import Response
from marshmallow import RAISE

from ledger.ipn.modes import Mode
from ledger.queries.history import timeline
from ledger.queries.orders import order, order_history
from web.api.event_answers import HistoryAnswer
from web.api.object_answers import OrderAnswer
from web.api.objects import history_event, links
from web.api.query_schemas import AsOfQuery
from web.api.responses import NOT_CHANGED, a_blueprint, answer, tagged
from web.authentication import log_personal_read, redact_for_reader
from web.context import ledger

bp = a_blueprint("orders", "Orders, each with all its transactions.")


AsOf = dict[str, datetime | None]


@bp.route("/shops/<shop_id>/<mode>/orders/<name:name>")
@bp.arguments(AsOfQuery, location="query", unknown=RAISE)
@bp.alt_response(304, description=NOT_CHANGED)
@bp.response(200, OrderAnswer)
def get_order(parameters: AsOf, shop_id: str, mode: str, name: str) -> Response:
    """Return an order with all its transactions, its refunds and its balances."""
    history = order_history(ledger(), shop_id, Mode(mode), name, as_of=parameters["as_of"])
    log_personal_read("order", shop_id=shop_id, mode=mode, reference=name)
    state = order(history, shop_id=shop_id, mode=mode, order_id=name)
    for transaction in state["transactions"]:
        transaction["links"] = links("transactions", shop_id, mode, transaction["reference"])
    state["links"] = links("orders", shop_id, mode, name)
    count = sum(map(len, history.histories))
    response = answer(redact_for_reader(state))
    return tagged(response, "order", count, history.position, history.view_position)


@bp.route("/shops/<shop_id>/<mode>/orders/<name:name>/history")
@bp.arguments(AsOfQuery, location="query", unknown=RAISE)
@bp.alt_response(304, description=NOT_CHANGED)
@bp.response(200, HistoryAnswer)
def get_order_history(parameters: AsOf, shop_id: str, mode: str, name: str) -> Response:
    """Return the history of all transactions of an order, in the order of its events."""
    history = order_history(ledger(), shop_id, Mode(mode), name, as_of=parameters["as_of"])
    log_personal_read("order-history", shop_id=shop_id, mode=mode, reference=name)
    entries = [entry for events in history.histories for entry in timeline(events)]
    entries.sort(key=lambda entry: entry.position)
    response = answer({"events": [history_event(entry) for entry in entries]})
    return tagged(response, "order-history", len(entries), history.position)
