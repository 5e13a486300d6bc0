"""One transaction, alias, subscription or order, and its history, straight from the events."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import Response
from marshmallow import Schema

from ledger.access.readers import Reader
from ledger.errors import NotFoundError
from ledger.ipn.modes import Mode
from ledger.ipn.signature import digest
from ledger.queries.comparison import compare, comparison_data
from ledger.queries.find_by_name import ALIAS, SUBSCRIPTION, TRANSACTION, events_known, find_stream
from ledger.queries.history import history_data, history_page, names_in, opened_entries
from ledger.queries.orders import order, order_history
from ledger.queries.readable import readable_events
from ledger.queries.related import related_transactions
from ledger.queries.state import State, current_state
from ledger.queries.summaries import transaction_summary
from ledger.queries.undecided import undecided_about
from ledger.storage.event_store import RecordedEvent
from web.api import answers
from web.api.object_answers import ORDER, Alias, Order, Subscription, Transaction
from web.api.query_schemas import (
    ItemHistoryQuery,
    ItemQuery,
    OrderHistoryQuery,
    OrderQuery,
    SubscriptionHistoryQuery,
    SubscriptionQuery,
)
from web.api.responses import (
    NOT_CHANGED,
    View,
    a_blueprint,
    answer,
    link,
    newest_position,
    serve,
    tagged,
)
from web.authentication import caller, log_personal_read, redact_for_reader
from web.context import ledger
from web.listed import add_claims, listed_of
from web.pages.answer_line import english

bp = a_blueprint("items", "Objects as they stand, and as they stood on any day.")
orders_bp = a_blueprint("orders", "Orders, each with its transactions.")

HISTORY = "/history"
PLURAL = {
    TRANSACTION: "transactions",
    ALIAS: "aliases",
    SUBSCRIPTION: "subscriptions",
    ORDER: "orders",
}

Known = dict[str, Any]
"""As of when, and up to which version, an object is to be shown; or which page of it."""


def _state(kind: str, parameters: Known, shop_id: str, mode: str, name: str) -> Response:
    known, page = _known_and_page(parameters)
    against = known.pop("against", None)
    version: tuple[object, ...]
    if kind == ORDER:
        state, names = _order(known, page, shop_id, mode, name), {name}
        version = (state["version"], state["position"], state["view_position"])
    else:
        events = _events(kind, shop_id, mode, name, **known)
        state, names = current_state(events), names_in([events]) | {name}
        state |= {"position": events[-1].position}
        version = (len(events), state["position"], 0)
    log_personal_read(kind, shop_id=shop_id, mode=mode, reference=name)
    undecided = _undecided(shop_id, mode, names, known)
    if kind == TRANSACTION:
        state |= {"summary": _summary(state, events, known)}
    if kind == ORDER:
        add_claims(state, known.get("as_of"))
    if kind in (TRANSACTION, ORDER):
        summary = {"text": english(state["summary"], known.get("as_of"))} | state["summary"]
        state |= {"summary": summary, "listed": listed_of(state, known.get("as_of"))}
        version = (*version, digest(orjson.dumps(summary))[:16])
    if against is not None:
        state |= {"comparison": _comparison(kind, shop_id, mode, name, known, against)}
        version = (*version, digest(orjson.dumps(state["comparison"]))[:16])
    links = links_of(kind, shop_id, mode, name, state.get("alias"))
    newest = newest_position(state["position"])
    state |= {"newest_position": newest, "undecided": undecided, "links": links}
    response = answer(redact_for_reader(state), next_=_next(state.get("next_cursor")))
    return tagged(response, kind, *version, *undecided)


def _summary(state: State, events: Sequence[RecordedEvent], known: Known) -> State:
    """Return the summary of a transaction, whose refunds count as they were known then."""
    is_version = known.get("version") is not None
    as_of = known.get("as_of") or (events[-1].event.timestamp if is_version else None)
    id_ = events[-1].event.originator_id
    related = related_transactions(ledger(), state, id_, as_of=as_of)
    return transaction_summary(state, related.all_refunds if related else None)


def _comparison(
    kind: str, shop_id: str, mode: str, name: str, known: Known, against: datetime
) -> State:
    """Return what was known otherwise at another instant than the one that is asked for."""
    as_of, version = known.get("as_of"), known.get("version")
    if kind == ORDER:
        streams, only = order_history(ledger(), shop_id, Mode(mode), name).histories, None
    else:
        only = find_stream(ledger(), kind, shop_id, Mode(mode), name, alias=known.get("alias"))
        events = ledger().events.history(only)
        streams = [events]
        if version is not None and as_of is None:
            as_of = events[version - 1].event.timestamp
    return comparison_data(compare(streams, as_of, against, only=only))


def _order(known: Known, page: Known, shop_id: str, mode: str, name: str) -> State:
    history = order_history(ledger(), shop_id, Mode(mode), name, **known)
    opened = partial(readable_events, ledger(), reader=caller())
    state = order(history, shop_id=shop_id, mode=mode, order_id=name, opened=opened, **page)
    for transaction in state["transactions"]:
        transaction["links"] = links_of(TRANSACTION, shop_id, mode, transaction["reference"])
    return state


def _known_and_page(parameters: Known) -> tuple[Known, Known]:
    """Return what says which state is asked for, and what says which page of it."""
    known, page = dict(parameters), {}
    if "limit" in known:
        page = {"after": known.pop("cursor"), "limit": known.pop("limit")}
    return known, page


def _next(cursor: str | None) -> Known | None:
    return None if cursor is None else {"cursor": cursor}


def _history(kind: str, parameters: Known, shop_id: str, mode: str, name: str) -> Response:
    """Return a history; of a name that nothing has, but that has it with this ending, the object.

    An address that escapes the slashes of a name never gets here with them.
    """
    try:
        return _events_of(kind, parameters, shop_id, mode, name)
    except NotFoundError:
        return _state(kind, parameters, shop_id, mode, name + HISTORY)


def _events_of(kind: str, parameters: Known, shop_id: str, mode: str, name: str) -> Response:
    known, page = _known_and_page(parameters)
    streams: Iterable[list[RecordedEvent]]
    names = {name}
    if kind == ORDER:
        streams = order_history(ledger(), shop_id, Mode(mode), name, **known).histories
    else:
        streams = [_events(kind, shop_id, mode, name, **known)]
        names |= names_in(streams)
    entries, cursor = history_page(streams, **page)
    if not entries and not page["after"]:
        raise NotFoundError("not found: nothing in this ledger had this name by then")
    log_personal_read(f"{kind}-history", shop_id=shop_id, mode=mode, reference=name)
    undecided = _undecided(shop_id, mode, names, known)
    if kind == ORDER:
        entries = opened_entries(entries, partial(readable_events, ledger(), reader=caller()))
    shown = [shown_event(history_data(entry)) for entry in entries]
    version = (len(entries), entries[-1].position if entries else 0, cursor, *undecided)
    newest = newest_position(entries[-1].position if entries else 0)
    body = {
        "events": shown,
        "next_cursor": cursor,
        "newest_position": newest,
        "undecided": undecided,
    }
    return tagged(answer(body, next_=_next(cursor)), f"{kind}-history", *version)


def _events(
    kind: str, shop_id: str, mode: str, name: str, *, alias: str | None = None, **as_known: Any
) -> list[RecordedEvent]:
    id_ = find_stream(ledger(), kind, shop_id, Mode(mode), name, alias=alias)
    return readable_events(ledger(), events_known(ledger(), id_, **as_known), caller())


def _undecided(shop_id: str, mode: str, names: set[str], known: Known) -> list[str]:
    """Return the undecided notifications that name an object; none as it was known long ago."""
    if known.get("as_of") is not None:
        return []
    with ledger().database.connect() as connection:
        about = undecided_about(connection, shop_id, Mode(mode), sorted(names))
    return [record.id for record in about]


def links_of(
    kind: str, shop_id: str, mode: str, name: str, alias: str | None = None
) -> dict[str, str]:
    """Return where an object and its history are. Shape: an alias tells subscriptions apart."""
    own = link("shops", shop_id, mode, PLURAL[kind], name)
    query = f"?{urlencode({'alias': alias})}" if kind == SUBSCRIPTION and alias else ""
    return {"self": own + query, "history": own + HISTORY + query}


def shown_event(event_fields: Mapping[str, Any], reader: Reader | None = None) -> State:
    """Return one event with its links, as its reader, or else the caller, may see it."""
    return redact_for_reader(event_fields, reader) | {"links": links_of_event(event_fields)}


def links_of_event(event_fields: Mapping[str, Any]) -> dict[str, str]:
    """Return where the notification of an event is, and the evidence for it."""
    shop_id, mode, position = (event_fields[name] for name in ("shop_id", "mode", "position"))
    return {
        "notification": link("notifications", event_fields["notification_id"]),
        "evidence": link("shops", shop_id, mode, "events", str(position), "evidence"),
    }


def _serve(kind: str, query_schema: type[Schema], schema: type[Schema], summary: str) -> None:
    """Serve objects of a kind, or their histories, at their path."""
    path, name = f"/shops/<shop_id>/<mode>/{PLURAL[kind]}/<name:name>", f"get_{kind}"
    handler: View = partial(_state, kind)
    if schema is answers.HistoryAnswer:
        path, name, handler = path + HISTORY, f"{name}_history", partial(_history, kind)
    blueprint = orders_bp if kind == ORDER else bp
    handler = blueprint.alt_response(304, description=NOT_CHANGED)(handler)
    if kind == SUBSCRIPTION:
        handler = blueprint.alt_response(409, "409")(handler)
    serve(blueprint, path, blueprint.response(200, schema)(handler), name, summary, query_schema)


_serve(
    TRANSACTION,
    ItemQuery,
    Transaction,
    "Return a transaction, by its uuid or by the reference that stands in for it.",
)
_serve(
    TRANSACTION,
    ItemHistoryQuery,
    answers.HistoryAnswer,
    "Return the history of a transaction, event by event, with what each event changed.",
)
_serve(ALIAS, ItemQuery, Alias, "Return an alias, a payer's stored means of payment.")
_serve(ALIAS, ItemHistoryQuery, answers.HistoryAnswer, "Return the history of an alias.")
_serve(
    SUBSCRIPTION,
    SubscriptionQuery,
    Subscription,
    "Return a subscription with its attempts of instalments; 409 when its id needs an alias.",
)
_serve(
    SUBSCRIPTION,
    SubscriptionHistoryQuery,
    answers.HistoryAnswer,
    "Return the history of a subscription.",
)
_serve(
    ORDER,
    OrderQuery,
    Order,
    "Return an order: its transactions page by page, its refunds, and the balances of all of them.",
)
_serve(
    ORDER,
    OrderHistoryQuery,
    answers.HistoryAnswer,
    "Return the history of all transactions of an order, in the order of its events.",
)
