"""Lists and exports over HTTP: how pages and files are answered."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from flask import Response, abort
from marshmallow import Schema, fields

from ledger.access.roles import OPERATOR
from ledger.queries import export as exporting
from ledger.queries import lists
from ledger.queries.export import Export
from ledger.queries.export_formats import CONTENT_TYPES, CSV, FORMATS
from ledger.queries.filter_conditions import Filter
from ledger.queries.filter_declarations import EventFilter, NotificationFilter, TransactionFilter
from ledger.queries.find_by_name import ALIAS, SUBSCRIPTION, TRANSACTION
from ledger.queries.lists import Item, Listing
from ledger.queries.suspects import SUSPECTS
from ledger.queries.transaction_sums import summarise
from web.api.object_answers import (
    ORDER,
    AliasPage,
    AuditTrailPage,
    Balance,
    OrderPage,
    SubscriptionPage,
    SuspectPage,
    TotalPage,
    TransactionPage,
)
from web.api.objects import links_of, links_of_event
from web.api.parameter_names import Pair, Query
from web.api.query_schemas import flag_parameter, integer_parameter, one_of, schema_of
from web.api.responses import a_blueprint, answer, answer_page, newest_position, serve
from web.api.sum_answers import TransactionSummary
from web.authentication import caller, filter_of_caller, log_personal_read, redact_items
from web.context import context, ledger
from web.downloads import download

bp = a_blueprint("lists", "Lists read from the read models, and exports as streams.")


class FileParameters(Query):
    """What file is wanted. Where `format` says so, it is another name of `file_format`."""

    file_format = fields.String(
        load_default=CSV,
        validate=one_of(FORMATS),
        metadata={"description": "of the file; `format=csv`, `jsonl` or `parquet` is accepted too"},
    )
    personal = flag_parameter(
        "also what is about a person, for those who may see it", load_default=False
    )

    def renamed(self, name: str, text: str) -> Pair:
        """Return a parameter under the name of its field."""
        return super().renamed("file_format" if (name, text) in _FILES else name, text)


_FILES = {("format", format_) for format_ in FORMATS}


class RawFileParameters(FileParameters):
    raw = flag_parameter(
        "also the bodies, in base64, for those who may see personal data", load_default=False
    )


def object_item(kind: str, name_field: str, item: Item) -> Item:
    """Return an item under its kind, with the links that lead to all that is known of it."""
    name = item[name_field]
    links = links_of(kind, item["shop_id"], item["mode"], name, item.get("alias"))
    return {"kind": kind, **item, "links": links}


def _order_item(item: Item) -> Item:
    """Return an order of a list as it is alone, with the balance of the one currency."""
    balance = {name: figure for name, figure in item.items() if name in Balance().fields}
    own = {name: value for name, value in item.items() if name not in balance}
    balances = [balance] if balance["transactions"] else []  # none of abandoned pages alone
    return object_item(ORDER, "order_id", own) | {"balances": balances}


def _suspect_item(item: Item) -> Item:
    names = (item[name] for name in ("kind", "shop_id", "mode", "reference", "alias"))
    return item | {"links": links_of(*names)}


def _event_item(item: Item) -> Item:
    return item | {"links": links_of_event(item)}


def page_parameters(listing: Listing) -> type[Schema]:
    """Return the parameters that say which page of a list is wanted."""
    sorts = [sort for name in listing.orders for sort in (name, f"-{name}")]
    return Query.from_dict(
        {
            "limit": integer_parameter(
                "how many at most", 1, lists.LIMIT_MAX, load_default=lists.LIMIT_DEFAULT
            ),
            "cursor": fields.String(metadata={"description": "`next_cursor` of the page before"}),
            "sort": fields.String(
                load_default=lists.NEWEST_FIRST,
                validate=one_of(sorts),
                metadata={"description": "rows without what they are sorted by come last"},
            ),
        },
        name=f"{listing.view}_page",
    )


def serve_list(
    listing: Listing,
    schema: type[Schema],
    summary: str,
    item_of: Callable[[Item], Item] = dict,
) -> None:
    """Serve a list under its name; its parameters are its filters and those of a page."""
    name = listing.view
    query = schema_of(listing.filter_class, page_parameters(listing), name=f"{name}_query")
    view = bp.response(200, schema)(partial(_page, listing, item_of))
    serve(bp, f"/{name.replace('_', '-')}", view, f"list_{name}", summary, query)


def serve_export(
    kind: str, filter_class: type[Filter], file_parameters: type[Schema], summary: str
) -> None:
    """Serve all rows of one kind as a file."""
    query = schema_of(filter_class, file_parameters, name=f"export_{kind}_query")
    view = bp.alt_response(501, "501")(partial(_export, kind, filter_class))
    for content_type in CONTENT_TYPES.values():
        media_type = content_type.partition(";")[0]
        view = bp.response(200, {"type": "string"}, content_type=media_type)(view)
    serve(bp, f"/exports/{kind}", view, f"export_{kind}", summary, query)


def _page(
    listing: Listing, item_of: Callable[[Item], Item], parameters: dict[str, Any]
) -> Response:
    filter_ = filter_of_caller(listing.filter_class, parameters)
    page_options: dict[str, Any] = {
        name: parameters.get(name) for name in ("sort", "cursor", "limit")
    }
    with ledger().database.connect() as connection:
        now = None if listing.is_due is None else context().clock()
        page = lists.list_page(connection, listing, filter_, **page_options, now=now)
    items = redact_items(map(item_of, page.items), filter_)
    position, lag = page.as_of_position, page.lag
    return answer_page(items, page.next_cursor, as_of_position=position, lag=lag)


def _export(kind: str, filter_class: type[Filter], parameters: dict[str, Any]) -> Response:
    has_personal, has_raw = parameters["personal"], parameters.get("raw", False)
    if has_personal or has_raw:
        if not caller().sees_personal:
            abort(403)
        log_personal_read(f"export of {kind}")
    filter_ = filter_of_caller(filter_class, parameters)
    is_operator = caller().role == OPERATOR
    export = Export(kind, filter_, has_personal, has_raw, has_card_data=is_operator)
    return download(export, parameters["file_format"])


def summarise_transactions(parameters: dict[str, Any]) -> Response:
    filter_ = filter_of_caller(TransactionFilter, parameters)
    with ledger().database.connect() as connection:
        page = lists.list_page(connection, lists.TRANSACTIONS, filter_)
        summary = summarise(connection, filter_, page)
    by_value = summary.by_value if summary else {}
    figures = {
        "is_complete": summary is not None,
        "count": summary and summary.count,
        "sums": list(map(asdict, summary.currency_sums if summary else ())),
    }
    counted = {
        member: [{"value": value, "count": count} for value, count in by_value.get(name, [])]
        for member, name in _COUNTED.items()
    }
    position = page.as_of_position
    read = {"as_of_position": position, "lag": page.lag}
    newest = {"newest_position": newest_position(position)}
    return answer({**figures, **counted, **read, **newest})


_COUNTED = {"statuses": "status", "shops": "shop_id", "currencies": "currency"}

serve(
    bp,
    "/transactions/summary",
    bp.response(200, TransactionSummary)(summarise_transactions),
    "summarise_transactions",
    "Add up transactions by currency, and count them by status, shop and currency.",
    schema_of(TransactionFilter, Query.from_dict({}), name="transactions_summary_query"),
)
serve_list(
    lists.TRANSACTIONS,
    TransactionPage,
    "List transactions, by default the newest first.",
    partial(object_item, TRANSACTION, "reference"),
)
serve_list(
    lists.ALIASES,
    AliasPage,
    "List stored means of payment.",
    partial(object_item, ALIAS, "alias"),
)
serve_list(
    lists.SUBSCRIPTIONS,
    SubscriptionPage,
    "List subscriptions with their instalments.",
    partial(object_item, SUBSCRIPTION, "subscription_id"),
)
serve_list(lists.ORDERS, OrderPage, "List orders, each once per currency.", _order_item)
serve_list(lists.TOTALS, TotalPage, "List daily totals.")
serve_list(
    SUSPECTS,
    SuspectPage,
    "List what was probably not told, by what was told alone.",
    _suspect_item,
)
serve_list(lists.AUDIT_TRAIL, AuditTrailPage, "List every event, without its facts.", _event_item)
serve_export(
    exporting.EVENTS,
    EventFilter,
    FileParameters,
    "Export all events with their facts, oldest first.",
)
serve_export(
    exporting.TRANSACTIONS,
    TransactionFilter,
    FileParameters,
    "Export all transactions as they stand, oldest first.",
)
serve_export(
    exporting.NOTIFICATIONS,
    NotificationFilter,
    RawFileParameters,
    "Export all notifications, oldest first.",
)
