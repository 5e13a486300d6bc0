"""The description of the API, for machines (OpenAPI) and for people (one page, no download)."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, render_template
from flask_smorest import Api
from markupsafe import Markup
from marshmallow import Schema, fields

from ledger.event_shapes import event_schemas
from ledger.queries.export_formats import CONTENT_TYPES
from web.api.answer_fields import number, text
from web.api.answers import PREFIX

bp = Blueprint("documents", __name__)

SETTINGS = {
    "API_TITLE": "IPN Ledger",
    "API_VERSION": "v1",
    "OPENAPI_VERSION": "3.1.0",
    "API_SPEC_OPTIONS": {
        "info": {
            "description": "What a platform told of payments, since when it was known, and the "
            "evidence for it. Every call needs a token (`ledger token create`), sent as "
            "`Authorization: Bearer …`. Errors are problem documents (RFC 9457)."
        }
    },
}

PROBLEM = "application/problem+json"
_METHODS = ("get", "post")
_SHARED = {
    "401": "no token, or one that is unknown, expired or revoked",
    "403": "the token's role or shops do not allow it",
    "404": "unknown, or unknown at that time",
    "422": "what was asked cannot be understood; `errors` says where",
    "429": "too many calls; `Retry-After` says how long to wait",
    "500": "our fault",
    "503": "the database or a view does not answer now; `Retry-After` says when to try again",
}
_OF_BODIES = {
    "400": "the body is no JSON",
    "413": "the body is too large",
    "415": "the body is not announced as JSON",
}


class ProblemAnswer(Schema):
    """A problem document. Source: RFC 9457."""

    type = text()
    title = text()
    status = number()
    code = text("stable, in kebab-case")
    detail = fields.String()
    errors = fields.Dict(metadata={"description": "what is wrong with what was asked"})
    aliases = fields.List(
        fields.String(), metadata={"description": "to choose from, when an id is ambiguous"}
    )


class DocumentedApi(Api):  # type: ignore[misc]  # the library has no types
    """Collects what the blueprints say of themselves; errors stay with `web/errors.py`."""

    ERROR_SCHEMA = ProblemAnswer

    def _register_error_handlers(self) -> None:
        """Register none."""


@bp.get(f"{PREFIX}/openapi.json")
def openapi() -> Response:
    """The whole API for machines. Source: OpenAPI 3.1."""
    return Response(orjson.dumps(document()), mimetype="application/json")


@bp.get("/docs")
def docs() -> Response:
    """The same for people, without any download."""
    style = render_template("docs.css")
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    told = document()
    page = render_template(
        "docs.html",
        style=Markup(style),  # noqa: S704  our own file
        document=told,
        operations=list(_operations(told)),
        schemas=told["components"]["schemas"],
        type_of=_type_of,
    )
    response = Response(page, mimetype="text/html")
    policy = f"default-src 'none'; style-src 'sha256-{hashed}'; frame-ancestors 'none'"
    response.headers["Content-Security-Policy"] = policy
    return response


def document() -> dict[str, Any]:
    """The OpenAPI document of this application."""
    (known,) = current_app.extensions["flask-smorest"]["apis"].values()
    told: dict[str, Any] = orjson.loads(orjson.dumps(known["ext_obj"].spec.to_dict()))
    components = told["components"]
    for topic, shape in event_schemas().items():
        components["schemas"][topic] = shape
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    told["security"] = [{"token": []}]
    components["responses"] = {
        status: _problem(meaning) for status, meaning in (_SHARED | _OF_BODIES).items()
    }
    for status, meaning in _OF_LISTS.items():
        components["responses"][status] = _problem(meaning)
    components["responses"]["409"] = _problem("several have this id; `aliases` tells them apart")
    for path, item in told["paths"].items():
        for method in _METHODS:
            if method in item:
                _complete(path, item, item[method])
    return told


_LISTS = frozenset(
    f"/api/v1/{one}"
    for one in ("transactions", "aliases", "subscriptions", "orders", "totals", "audit-trail")
)
_OF_LISTS = {
    "400": "the body is no JSON, or a cursor or filter that nothing can be compared with",
    "501": "an optional library is not installed",
}


def _complete(path: str, item: Mapping[str, Any], operation: dict[str, Any]) -> None:
    """Say what holds for every operation once, in one place."""
    statuses = list(_SHARED) + (list(_OF_BODIES) if "requestBody" in operation else [])
    if "/subscriptions/" in path:
        statuses.append("409")
    kept = {code: one for code, one in operation["responses"].items() if code == "200"}
    refused = {one: {"$ref": f"#/components/responses/{one}"} for one in sorted(statuses)}
    if "/exports/" in path:
        types = [one.partition(";")[0] for one in CONTENT_TYPES.values()]
        streams = {one: {"schema": {"type": "string"}} for one in types}
        kept["200"]["content"] = streams
        refused["501"] = {"$ref": "#/components/responses/501"}
    if "/exports/" in path or path in _LISTS:
        refused["400"] = {"$ref": "#/components/responses/400"}
    if path == "/api/v1/events":
        kept["200"]["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    if "/shops/" in path and "requestBody" not in operation:
        kept["304"] = {"description": "not changed since the `ETag` of `If-None-Match`"}
    operation["responses"] = kept | refused
    for one in (*item.get("parameters", ()), *operation.get("parameters", ())):
        if one["in"] == "path":
            one |= _PATH.get(one["name"], {})
        else:
            one["schema"] = _without_null(one["schema"])


_PATH: dict[str, dict[str, Any]] = {
    "shop_id": {"description": "8 or 9 digits", "schema": {"type": "string", "minLength": 1}},
    "mode": {"schema": {"type": "string", "enum": ["test", "production"]}},
    "name": {
        "description": "uuid or reference, alias, subscription id, or order id",
        "schema": {"type": "string", "minLength": 1},
    },
    "notification_id": {"schema": {"type": "string", "minLength": 1}},
}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter may be left out, but there is no way to write null into an address."""
    told = {name: one for name, one in schema.items() if (name, one) != ("default", None)}
    if isinstance(told.get("type"), list):
        (told["type"],) = [one for one in told["type"] if one != "null"]
    if "enum" in told:
        told["enum"] = [one for one in told["enum"] if one is not None]
    return told


def _problem(meaning: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ProblemAnswer"}
    return {"description": meaning, "content": {PROBLEM: {"schema": schema}}}


def _operations(told: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for path, item in told["paths"].items():
        for method in _METHODS:
            if method in item:
                shared = item.get("parameters", [])
                own = item[method].get("parameters", [])
                yield {
                    **item[method],
                    "method": method.upper(),
                    "path": path,
                    "parameters": [*shared, *own],
                }


def _type_of(schema: Mapping[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[1]
    if "anyOf" in schema:
        return " or ".join(_type_of(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    kind = schema.get("type", "any")
    told = " or ".join(kind) if isinstance(kind, list) else str(kind)
    if told == "array":
        return f"list of {_type_of(schema.get('items', {}))}"
    return told + (f" ({schema['format']})" if "format" in schema else "")
