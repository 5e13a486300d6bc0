"""The description of the API, for machines (OpenAPI) and for people (one page, no download)."""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, render_template
from flask_smorest import Api
from markupsafe import Markup
from marshmallow import Schema, fields

from ledger.ipn.modes import PUBLIC_MODES
from ledger.queries.event_data import event_schemas
from web.api.answer_fields import answer_schema, number, text
from web.api.responses import PREFIX

bp = Blueprint("documents", __name__)

SETTINGS = {
    "API_TITLE": "IPN Ledger",
    "API_VERSION": "v1",
    "OPENAPI_VERSION": "3.1.0",
    "API_SPEC_OPTIONS": {
        "info": {
            "description": "What a platform notified of payments, since when it was known, and the "
            "evidence for it. Every call needs a token (`ledger token create`), sent as "
            "`Authorization: Bearer …`. Errors are problem documents (RFC 9457)."
        }
    },
}

_OF_ALL = {
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
_OF_SOME = {  # routes that can answer so refer to it
    "409": "several have this id, and `aliases` tells them apart; or the log ends before `after`",
    "501": "an optional library is not installed",
}


ProblemAnswer = answer_schema(
    "ProblemAnswer",
    type=text(),
    title=text(),
    status=number(),
    code=text("stable, in kebab-case"),
    detail=text("what went wrong, in a sentence"),
    request_id=text("as in the header `X-Request-Id` and in the log of the service"),
    errors=fields.List(
        fields.Nested(
            Schema.from_dict(
                {
                    "parameter": fields.String(metadata={"description": "of the address"}),
                    "pointer": fields.String(metadata={"description": "into the body (RFC 6901)"}),
                    "message": text("what is wrong there; its subject is that name"),
                },
                name="QuestionProblem",
            )
        ),
        metadata={"description": "what is wrong with what was asked"},
    ),
    aliases=fields.List(
        fields.String(), metadata={"description": "to choose from, when an id is ambiguous"}
    ),
    newest_position=fields.Integer(
        metadata={"description": "where the log ends, when a reader is ahead of it"}
    ),
)
"""A problem document. Source: RFC 9457."""


class DocumentedApi(Api):  # type: ignore[misc]  # the library has no types
    """Collects what the blueprints say of themselves; errors stay with `web/errors.py`."""

    ERROR_SCHEMA = ProblemAnswer
    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """Register none."""


@bp.get(f"{PREFIX}/openapi.json")
def openapi() -> Response:
    """Describe the whole API to machines. Source: OpenAPI 3.1."""
    return Response(orjson.dumps(document()), mimetype="application/json")


@bp.get("/docs")
def docs() -> Response:
    """Describe the same to people, without any download."""
    style = render_template("docs.css")
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    specification = document()
    page = render_template(
        "docs.html",
        style=Markup(style),  # noqa: S704  our own file
        document=specification,
        operations=[
            operation
            | {"method": method.upper(), "path": path}
            | {"parameters": path_item.get("parameters", []) + operation.get("parameters", [])}
            for path, path_item, method, operation in _operations_in(specification)
        ],
        schemas=specification["components"]["schemas"],
        type_of=_type_of,
    )
    policy = f"default-src 'none'; style-src 'sha256-{hashed}'; frame-ancestors 'none'"
    return Response(page, mimetype="text/html", headers={"Content-Security-Policy": policy})


def document() -> dict[str, Any]:
    """Return the OpenAPI document of this application."""
    (known,) = current_app.extensions["flask-smorest"]["apis"].values()
    specification: dict[str, Any] = orjson.loads(orjson.dumps(known["ext_obj"].spec.to_dict()))
    specification["security"] = [{"token": []}]
    components = specification["components"]
    components["schemas"] |= event_schemas()
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    problem = {"$ref": "#/components/schemas/ProblemAnswer"}
    components["responses"] = {
        status: {
            "description": meaning,
            "content": {"application/problem+json": {"schema": problem}},
        }
        for status, meaning in (_OF_ALL | _OF_BODIES | _OF_SOME).items()
    }
    for path_item in specification["paths"].values():
        _complete(path_item.get("parameters", ()))
    for _, _, _, operation in _operations_in(specification):
        _complete(operation.get("parameters", ()))
        shared = [*_OF_ALL, *(_OF_BODIES if "requestBody" in operation else ())]
        references = {status: {"$ref": f"#/components/responses/{status}"} for status in shared}
        operation["responses"] = dict(sorted((operation["responses"] | references).items()))
    return specification


def _operations_in(specification: Mapping[str, Any]) -> Iterator[tuple[str, Any, str, Any]]:
    """Yield each operation with its path, what its path says of it, and its method."""
    for path, path_item in specification["paths"].items():
        for method in ("get", "post"):
            if method in path_item:
                yield path, path_item, method, path_item[method]


def _complete(described: Iterable[dict[str, Any]]) -> None:
    for parameter in described:
        if parameter["in"] == "path":
            parameter |= _PATH.get(parameter["name"], {})
        else:
            parameter["schema"] = _without_null(parameter["schema"])


_PATH: dict[str, dict[str, Any]] = {
    "shop_id": {"description": "8 or 9 digits", "schema": {"type": "string", "minLength": 1}},
    "mode": {"schema": {"type": "string", "enum": list(PUBLIC_MODES)}},
    "name": {
        "description": "uuid or reference, alias, subscription id, or order id; a slash in it is "
        "best escaped (`%2F`): an unescaped ending `/history` asks for a history",
        "schema": {"type": "string", "minLength": 1},
    },
    "notification_id": {"schema": {"type": "string", "minLength": 1}},
}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter: it may be left out, but null cannot be written."""
    plain = dict(schema)
    if plain.get("default", ...) is None:
        del plain["default"]
    if isinstance(plain.get("type"), list):
        (plain["type"],) = (type_ for type_ in plain["type"] if type_ != "null")
    if "enum" in plain:
        plain["enum"] = [choice for choice in plain["enum"] if choice is not None]
    return plain


def _type_of(schema: Mapping[str, Any]) -> str:
    """Return a schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[1]
    if "anyOf" in schema:
        return " or ".join(_type_of(choice) for choice in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    type_ = schema.get("type", "any")
    words = " or ".join(type_) if isinstance(type_, list) else str(type_)
    if words == "array":
        return f"list of {_type_of(schema.get('items', {}))}"
    return words + (f" ({schema['format']})" if "format" in schema else "")
