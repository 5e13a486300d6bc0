"""Lists and exports over HTTP: what may be asked, and how pages and files are answered."""

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import Response, abort, request
from marshmallow import RAISE, Schema, fields, validate

from ledger import export as exporting
from ledger import lists
from ledger.export import FORMATS, Export, NotificationFilter
from ledger.lists import (
    AliasFilter,
    EventFilter,
    Filter,
    OrderFilter,
    Page,
    SubscriptionFilter,
    TotalFilter,
    TransactionFilter,
)
from ledger.paging import INTEGER_MAX
from ledger.projections.outcomes import OUTCOMES
from ledger.reasons import REASONS
from ledger.rules import RULES
from web.api.answers import a_blueprint
from web.context import ledger
from web.downloads import download
from web.security import allowed_shops, caller, log_personal_read, redact_for_reader

bp = a_blueprint("lists", "Lists read from the views, and exports as streams.")

Asked = dict[str, Any]


# -- what may be asked --------------------------------------------------------------------------


_STORABLE = [validate.Length(min=1, max=lists.TEXT_MAX), validate.Regexp(r"^[^\x00]+$")]
"""What a database can hold, and be compared with."""


def _text(told: str) -> fields.Field[Any]:
    return fields.String(validate=_STORABLE, metadata={"description": told})


def _texts(told: str, *of: str) -> fields.Field[Any]:
    known = validate.OneOf(of) if of else _STORABLE
    return fields.List(
        fields.String(validate=known),
        metadata={"description": f"{told}; may be given several times"},
    )


def _instant(told: str) -> fields.Field[Any]:
    return fields.AwareDateTime(
        format="iso", default_timezone=UTC, metadata={"description": f"{told}, ISO 8601"}
    )


def _amount(told: str) -> fields.Field[Any]:
    limit = validate.Range(-INTEGER_MAX, INTEGER_MAX)
    return fields.Integer(validate=limit, metadata={"description": f"{told}, in minor units"})


def _flag(told: str) -> fields.Field[Any]:
    return fields.Boolean(metadata={"description": told})


class Asking(Schema):
    """What every list can be narrowed to; a parameter that nobody knows is refused."""

    class Meta:
        unknown = RAISE

    shop = _texts("shop")
    mode = fields.String(validate=validate.OneOf(["test", "production"]))


class Paged(Schema):
    limit = fields.Integer(
        load_default=lists.LIMIT_DEFAULT, validate=validate.Range(1, lists.LIMIT_MAX)
    )
    cursor = fields.String(metadata={"description": "`next_cursor` of the page before"})
    sort = fields.String(
        load_default=lists.NEWEST_FIRST, validate=validate.OneOf(["time", "-time"])
    )


class Seen(Schema):
    first_seen_from = _instant("first heard of then or later")
    first_seen_until = _instant("first heard of before")
    changed_from = _instant("last changed then or later")
    changed_until = _instant("last changed before")
    search = _text("part of a name, whatever the case of A to Z; or how a uuid begins")


class TransactionsAsked(Asking, Seen):
    status = _texts("status")
    operation_type = _texts("DEBIT, CREDIT or VERIFICATION")
    payment_method = _texts("brand or method")
    order_id = _text("the merchant's order")
    alias = _text("alias")
    subscription_id = _text("subscription")
    trans_id = _text("the platform's short number, unique per shop and UTC day")
    currency = _text("ISO 4217 letters")
    amount_min = _amount("at least")
    amount_max = _amount("at most")
    created_from = _instant("recorded by the platform then or later")
    created_until = _instant("recorded by the platform before")
    contradiction = _flag("only those with contradicting news")
    late = _flag("only those that had late news")


class TransactionsQuery(TransactionsAsked, Paged):
    sort = fields.String(
        load_default=lists.NEWEST_FIRST,
        validate=validate.OneOf(["time", "-time", "amount", "-amount"]),
        metadata={"description": "by amount, those without one come last"},
    )


class AliasesQuery(Asking, Seen, Paged):
    status = _texts("status")
    payment_method = _texts("brand or method")
    alias = _text("alias")
    order_id = _text("the merchant's order")


class SubscriptionsQuery(Asking, Seen, Paged):
    status = _texts("status")
    subscription_id = _text("subscription")
    alias = _text("alias")
    order_id = _text("the merchant's order")
    currency = _text("ISO 4217 letters")


class OrdersQuery(Asking, Seen, Paged):
    order_id = _text("the merchant's order")
    currency = _text("ISO 4217 letters")
    open = _flag("only those with money authorised or waiting")


class EventsAsked(Asking):
    type = _texts("topic, such as transaction.accepted")
    kind = fields.String(validate=validate.OneOf(["transaction", "alias", "subscription"]))
    rule = fields.String(validate=validate.OneOf(list(RULES)))
    reference = _text("uuid, alias, subscription or other reference")
    late = _flag("only late news")
    contradiction = _flag("only what contradicts what was known")
    odd = _flag("only events with odd fields")
    recorded_from = _instant("recorded then or later")
    recorded_until = _instant("recorded before")


class EventsQuery(EventsAsked, Paged):
    pass


class TotalsQuery(Asking, Paged):
    day_from = fields.Date(metadata={"description": "first day, in UTC"})
    day_to = fields.Date(metadata={"description": "last day, included"})
    currency = _text("ISO 4217 letters")
    payment_method = _texts("brand or method")
    outcome = _texts("outcome", *sorted(OUTCOMES))


class NotificationsAsked(Asking):
    outcome = _texts("outcome", "recorded", "repeated", "quarantined")
    reason = _texts("reason of a refusal", *sorted(REASONS))
    told_in = fields.String(validate=validate.OneOf(["form-v2", "rest-v4"]))
    received_from = _instant("received then or later")
    received_until = _instant("received before")


class Written(Schema):
    format = fields.String(required=True, validate=validate.OneOf(FORMATS))
    personal = _flag("also what is about a person, for those who may see it")


class EventsWritten(EventsAsked, Written):
    pass


class TransactionsWritten(TransactionsAsked, Written):
    pass


class NotificationsWritten(NotificationsAsked, Written):
    raw = _flag("also the bodies, in base64, for those who may see personal data")


# -- what is answered ---------------------------------------------------------------------------


class PageAnswer(Schema):
    """Shape: `next_cursor` is null on the last page. Units: positions of events."""

    items = fields.List(fields.Dict(keys=fields.String()), required=True)
    next_cursor = fields.String(allow_none=True, required=True)
    as_of_position = fields.Integer(required=True)
    lag = fields.Integer(required=True)


def _route(
    path: str, query: type[Schema], **answer: Any
) -> Callable[[Callable[[Asked], Response]], Callable[[Asked], Response]]:
    """Serve a view at a path; its parameters are those of the schema and no others."""

    def add(view: Callable[[Asked], Response]) -> Callable[[Asked], Response]:
        checked = bp.arguments(query, location="query", unknown=RAISE)
        bp.get(path)(checked(bp.response(200, **answer)(view)))
        return view

    return add


@_route("/transactions", TransactionsQuery, schema=PageAnswer)
def list_transactions(asked: Asked) -> Response:
    """List transactions, by default the newest first."""
    return _page(lists.transactions, TransactionFilter, asked)


@_route("/aliases", AliasesQuery, schema=PageAnswer)
def list_aliases(asked: Asked) -> Response:
    """List stored means of payment."""
    return _page(lists.aliases, AliasFilter, asked)


@_route("/subscriptions", SubscriptionsQuery, schema=PageAnswer)
def list_subscriptions(asked: Asked) -> Response:
    """List subscriptions with their instalments."""
    return _page(lists.subscriptions, SubscriptionFilter, asked)


@_route("/orders", OrdersQuery, schema=PageAnswer)
def list_orders(asked: Asked) -> Response:
    """List orders, each once per currency."""
    return _page(lists.orders, OrderFilter, asked)


@_route("/totals", TotalsQuery, schema=PageAnswer)
def list_totals(asked: Asked) -> Response:
    """List daily totals."""
    for name in ("day_from", "day_to"):
        if name in asked:
            asked[name] = asked[name].isoformat()
    return _page(lists.totals, TotalFilter, asked)


@_route("/audit-trail", EventsQuery, schema=PageAnswer)
def list_audit_trail(asked: Asked) -> Response:
    """List every event, without its facts."""
    return _page(lists.audit_trail, EventFilter, asked)


@_route("/exports/events", EventsWritten, content_type="application/octet-stream")
def export_events(asked: Asked) -> Response:
    """Write every event with its facts, oldest first."""
    return _export(exporting.EVENTS, EventFilter, asked)


@_route("/exports/transactions", TransactionsWritten, content_type="application/octet-stream")
def export_transactions(asked: Asked) -> Response:
    """Write every transaction as it stands, first seen first."""
    return _export(exporting.TRANSACTIONS, TransactionFilter, asked)


@_route("/exports/notifications", NotificationsWritten, content_type="application/octet-stream")
def export_notifications(asked: Asked) -> Response:
    """Write every delivery, oldest first."""
    return _export(exporting.NOTIFICATIONS, NotificationFilter, asked)


_PLURALS = {
    "type": "types",
    "status": "statuses",
    "operation_type": "operation_types",
    "payment_method": "payment_methods",
    "outcome": "outcomes",
    "reason": "reasons",
    "told_in": "format",
}
"""What a parameter is called in a filter, where that differs."""


def _filter(filter_class: type[Filter], asked: Mapping[str, Any]) -> Filter:
    told = {_PLURALS.get(name, name): value for name, value in asked.items() if name != "shop"}
    sets = {name: frozenset(one) for name, one in told.items() if isinstance(one, list)}
    return filter_class(**told | sets, shops=_shops(asked.get("shop")))


def _shops(asked: list[str] | None) -> frozenset[str] | None:
    """The shops asked for, all of them allowed; else all that are."""
    allowed = allowed_shops()
    if asked is None:
        return allowed
    if allowed is not None and not allowed.issuperset(asked):
        abort(403)
    return frozenset(asked)


def _page(
    question: Callable[..., Page], filter_class: type[Filter], asked: dict[str, Any]
) -> Response:
    paged = {name: asked.pop(name, None) for name in ("sort", "cursor", "limit")}
    filter_ = _filter(filter_class, asked)
    with ledger().database.connect() as connection:
        page = question(connection, filter_, **paged)
    told = {
        "items": [redact_for_reader(one) for one in page.items],
        "next_cursor": page.next_cursor,
        "as_of_position": page.as_of_position,
        "lag": page.lag,
    }
    response = Response(orjson.dumps(told), mimetype="application/json")
    if page.next_cursor is not None:
        pairs = [(k, v) for k, v in request.args.items(multi=True) if k != "cursor"]
        query = urlencode([*pairs, ("cursor", page.next_cursor)])
        response.headers["Link"] = f'<{request.path}?{query}>; rel="next"'
    return response


def _export(kind: str, filter_class: type[Filter], asked: dict[str, Any]) -> Response:
    format_ = asked.pop("format")
    has_personal, has_raw = asked.pop("personal", False), asked.pop("raw", False)
    if has_personal or has_raw:
        if not caller().sees_personal:
            abort(403)
        log_personal_read(f"export of {kind}")
    return download(Export(kind, _filter(filter_class, asked), has_personal, has_raw), format_)
