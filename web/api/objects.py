"""One transaction, alias or subscription, and its history, straight from its events."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Response
from marshmallow import RAISE

from ledger.access.readers import Reader
from ledger.ipn.modes import Mode
from ledger.queries.find_by_name import ALIAS, SUBSCRIPTION, TRANSACTION, events_known, find_stream
from ledger.queries.history import TimelineEntry, history_data, timeline
from ledger.queries.state import State, current_state
from ledger.storage.event_store import RecordedEvent
from web.api.answers import AliasAnswer, HistoryAnswer, SubscriptionAnswer, TransactionAnswer
from web.api.query_schemas import ItemQuery, SubscriptionQuery
from web.api.responses import NOT_CHANGED, a_blueprint, answer, link, tagged
from web.authentication import log_personal_read, redact_for_reader
from web.context import ledger

bp = a_blueprint("items", "Objects as they stand, and as they stood on any day.")

PLURAL = {TRANSACTION: "transactions", ALIAS: "aliases", SUBSCRIPTION: "subscriptions"}

Query = dict[str, Any]


@bp.route("/shops/<shop_id>/<mode>/transactions/<name:name>")
@bp.arguments(ItemQuery, location="query", unknown=RAISE)
@bp.alt_response(304, description=NOT_CHANGED)
@bp.response(200, TransactionAnswer)
def get_transaction(query: Query, shop_id: str, mode: str, name: str) -> Response:
    """Return a transaction, by its uuid or by the reference that stands in for it."""
    return _state(TRANSACTION, shop_id, mode, name, query)


@bp.route("/shops/<shop_id>/<mode>/transactions/<name:name>/history")
@bp.arguments(ItemQuery, location="query", unknown=RAISE)
@bp.alt_response(304, description=NOT_CHANGED)
@bp.response(200, HistoryAnswer)
def get_transaction_history(query: Query, shop_id: str, mode: str, name: str) -> Response:
    """Return the history of a transaction, event by event, with what each event changed."""
    return _history(TRANSACTION, shop_id, mode, name, query)


@bp.route("/shops/<shop_id>/<mode>/aliases/<name:name>")
@bp.arguments(ItemQuery, location="query", unknown=RAISE)
@bp.alt_response(304, description=NOT_CHANGED)
@bp.response(200, AliasAnswer)
def get_alias(query: Query, shop_id: str, mode: str, name: str) -> Response:
    """Return an alias, a payer's stored means of payment."""
    return _state(ALIAS, shop_id, mode, name, query)


@bp.route("/shops/<shop_id>/<mode>/aliases/<name:name>/history")
@bp.arguments(ItemQuery, location="query", unknown=RAISE)
@bp.alt_response(304, description=NOT_CHANGED)
@bp.response(200, HistoryAnswer)
def get_alias_history(query: Query, shop_id: str, mode: str, name: str) -> Response:
    """Return the history of an alias."""
    return _history(ALIAS, shop_id, mode, name, query)


@bp.route("/shops/<shop_id>/<mode>/subscriptions/<name:name>")
@bp.arguments(SubscriptionQuery, location="query", unknown=RAISE)
@bp.alt_response(409, "409")
@bp.alt_response(304, description=NOT_CHANGED)
@bp.response(200, SubscriptionAnswer)
def get_subscription(query: Query, shop_id: str, mode: str, name: str) -> Response:
    """Return a subscription with its attempts of instalments; 409 when its id needs an alias."""
    return _state(SUBSCRIPTION, shop_id, mode, name, query)


@bp.route("/shops/<shop_id>/<mode>/subscriptions/<name:name>/history")
@bp.arguments(SubscriptionQuery, location="query", unknown=RAISE)
@bp.alt_response(409, "409")
@bp.alt_response(304, description=NOT_CHANGED)
@bp.response(200, HistoryAnswer)
def get_subscription_history(query: Query, shop_id: str, mode: str, name: str) -> Response:
    """Return the history of a subscription."""
    return _history(SUBSCRIPTION, shop_id, mode, name, query)


def _state(kind: str, shop_id: str, mode: str, name: str, query: Query) -> Response:
    events = _events(kind, shop_id, mode, name, **query)
    log_personal_read(kind, shop_id=shop_id, mode=mode, reference=name)
    state = current_state(events) | {"position": events[-1].position}
    state["links"] = links(PLURAL[kind], shop_id, mode, name)
    return tagged(answer(redact_for_reader(state)), kind, len(events), events[-1].position)


def _history(kind: str, shop_id: str, mode: str, name: str, query: Query) -> Response:
    events = _events(kind, shop_id, mode, name, **query)
    log_personal_read(f"{kind}-history", shop_id=shop_id, mode=mode, reference=name)
    history = {"events": [history_event(entry) for entry in timeline(events)]}
    return tagged(answer(history), f"{kind}-history", len(events), events[-1].position)


def _events(
    kind: str,
    shop_id: str,
    mode: str,
    name: str,
    *,
    as_of: datetime | None,
    version: int | None,
    alias: str | None = None,
) -> list[RecordedEvent]:
    id_ = find_stream(ledger(), kind, shop_id, Mode(mode), name, alias=alias)
    return events_known(ledger(), id_, as_of=as_of, version=version)


def links(plural: str, shop_id: str, mode: str, name: str) -> dict[str, str]:
    """Return the addresses of an object and of its history."""
    own = link("shops", shop_id, mode, plural, name)
    return {"self": own, "history": f"{own}/history"}


def history_event(entry: TimelineEntry) -> State:
    """Return one event of a history, as the caller may see it."""
    return shown_event(history_data(entry))


def shown_event(event: Mapping[str, Any], token: Reader | None = None) -> State:
    """Return one event with its links, as the caller may see it."""
    position = str(event["position"])
    return redact_for_reader(event, token) | {
        "links": {
            "notification": link("notifications", event["notification_id"]),
            "evidence": link("shops", event["shop_id"], event["mode"], "events", position)
            + "/evidence",
        }
    }
