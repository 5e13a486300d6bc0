"""Lists and exports over HTTP: how pages and files are answered."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import Response, abort, request
from marshmallow import RAISE, Schema, fields, validate

from ledger.queries import export as exporting
from ledger.queries import lists
from ledger.queries.export import Export
from ledger.queries.export_formats import CONTENT_TYPES, FORMATS
from ledger.queries.filter_conditions import Filter
from ledger.queries.filter_declarations import EventFilter, NotificationFilter, TransactionFilter
from ledger.queries.lists import (
    ALIASES,
    AUDIT_TRAIL,
    ORDERS,
    SUBSCRIPTIONS,
    TOTALS,
    TRANSACTIONS,
    Listing,
)
from web.api.filter_schemas import flag_parameter, schema_of
from web.api.responses import a_blueprint
from web.authentication import caller, filter_of_caller, log_personal_read, redact_for_reader
from web.context import ledger
from web.downloads import download

bp = a_blueprint("lists", "Lists read from the views, and exports as streams.")

Parameters = dict[str, Any]
View = Callable[[Parameters], Response]


class FileParameters(Schema):
    format = fields.String(required=True, validate=validate.OneOf(FORMATS))
    personal = flag_parameter(
        "also what is about a person, for those who may see it", load_default=False
    )


class RawFileParameters(FileParameters):
    raw = flag_parameter(
        "also the bodies, in base64, for those who may see personal data", load_default=False
    )


class PageAnswer(Schema):
    """Shape: `next_cursor` is null on the last page. Units: positions of events."""

    items = fields.List(fields.Dict(keys=fields.String()), required=True)
    next_cursor = fields.String(allow_none=True, required=True)
    as_of_position = fields.Integer(required=True)
    lag = fields.Integer(required=True)


def page_parameters(listing: Listing) -> type[Schema]:
    """Return the parameters that say which page of a list is wanted."""
    sorts = [sort for name in listing.orders for sort in (name, f"-{name}")]
    limit = validate.Range(1, lists.LIMIT_MAX)
    return Schema.from_dict(
        {
            "limit": fields.Integer(load_default=lists.LIMIT_DEFAULT, validate=limit),
            "cursor": fields.String(metadata={"description": "`next_cursor` of the page before"}),
            "sort": fields.String(
                load_default=lists.NEWEST_FIRST,
                validate=validate.OneOf(sorts),
                metadata={"description": "rows without what they are sorted by come last"},
            ),
        },
        name=f"{listing.view}_page",
    )


def serve_list(path: str, listing: Listing, summary: str) -> None:
    """Serve a list at a path; its parameters are its filters and those of a page."""

    def view(parameters: Parameters) -> Response:
        return _page(listing, parameters)

    name = path.strip("/").replace("-", "_")
    query = schema_of(listing.filter_class, page_parameters(listing), name=f"{name}_query")
    _serve(path, bp.response(200, PageAnswer)(view), f"list_{name}", summary, query)


def serve_export(
    kind: str, filter_class: type[Filter], file_parameters: type[Schema], summary: str
) -> None:
    """Serve all rows of one kind as a file."""

    def view(parameters: Parameters) -> Response:
        return _export(kind, filter_class, parameters)

    query = schema_of(filter_class, file_parameters, name=f"export_{kind}_query")
    view = bp.alt_response(501, "501")(view)
    for content_type in CONTENT_TYPES.values():
        media_type = content_type.partition(";")[0]
        view = bp.response(200, {"type": "string"}, content_type=media_type)(view)
    _serve(f"/exports/{kind}", view, f"export_{kind}", summary, query)


def _serve(path: str, view: View, name: str, summary: str, query: type[Schema]) -> None:
    view.__name__, view.__doc__ = name, summary
    bp.get(path)(bp.arguments(query, location="query", unknown=RAISE)(view))


serve_list("/transactions", TRANSACTIONS, "List transactions, by default the newest first.")
serve_list("/aliases", ALIASES, "List stored means of payment.")
serve_list("/subscriptions", SUBSCRIPTIONS, "List subscriptions with their instalments.")
serve_list("/orders", ORDERS, "List orders, each once per currency.")
serve_list("/totals", TOTALS, "List daily totals.")
serve_list("/audit-trail", AUDIT_TRAIL, "List every event, without its facts.")
serve_export(
    exporting.EVENTS,
    EventFilter,
    FileParameters,
    "Write every event with its facts, oldest first.",
)
serve_export(
    exporting.TRANSACTIONS,
    TransactionFilter,
    FileParameters,
    "Write every transaction as it stands, first seen first.",
)
serve_export(
    exporting.NOTIFICATIONS,
    NotificationFilter,
    RawFileParameters,
    "Write every notification, oldest first.",
)


def _page(listing: Listing, parameters: Parameters) -> Response:
    filter_ = filter_of_caller(listing.filter_class, parameters)
    with ledger().database.connect() as connection:
        page = lists.list_page(
            connection,
            listing,
            filter_,
            sort=parameters["sort"],
            cursor=parameters.get("cursor"),
            limit=parameters["limit"],
        )
    body = {
        "items": [redact_for_reader(item) for item in page.items],
        "next_cursor": page.next_cursor,
        "as_of_position": page.as_of_position,
        "lag": page.lag,
    }
    response = Response(orjson.dumps(body), mimetype="application/json")
    if page.next_cursor is not None:
        pairs = [(k, v) for k, v in request.args.items(multi=True) if k != "cursor"]
        query = urlencode([*pairs, ("cursor", page.next_cursor)])
        response.headers["Link"] = f'<{request.path}?{query}>; rel="next"'
    return response


def _export(kind: str, filter_class: type[Filter], parameters: Parameters) -> Response:
    has_personal, has_raw = parameters["personal"], parameters.get("raw", False)
    if has_personal or has_raw:
        if not caller().sees_personal:
            abort(403)
        log_personal_read(f"export of {kind}")
    export = Export(kind, filter_of_caller(filter_class, parameters), has_personal, has_raw)
    return download(export, parameters["format"])
