"""The description of the API for machines. Source: OpenAPI 3.1."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson
from flask import Blueprint, Response, current_app
from flask_smorest import Api
from marshmallow import Schema, fields

from ledger.ipn.modes import PUBLIC_MODES
from web.api.answer_fields import answer_schema, number, text
from web.api.event_schemas import event_schemas
from web.api.examples import example_of_parameter, example_of_schema
from web.api.named_words import with_named_words, word_schemas
from web.api.responses import PREFIX

bp = Blueprint("documents", __name__)

SETTINGS = {
    "API_TITLE": "IPN Ledger",
    "API_VERSION": "v1",
    "OPENAPI_VERSION": "3.1.0",
    "API_SPEC_OPTIONS": {
        "servers": [{"url": "/"}],
        "info": {
            "description": "What a platform notified of payments, since when it was known, and the "
            "evidence for it. Every call needs a token (`ledger token create`), sent as "
            "`Authorization: Bearer …`. Errors are problem documents (RFC 9457)."
        },
    },
}

_OF_ALL = {
    "401": "no token, or one that is unknown, expired or revoked",
    "403": "the token's role or shops do not allow it",
    "404": "unknown, or unknown at that time",
    "422": "what was asked cannot be understood; `errors` says where",
    "429": "too many calls; `Retry-After` says how long to wait",
    "500": "our fault",
    "503": "the database or a read model does not answer now; `Retry-After` says when to try again",
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
    reason=fields.String(
        metadata={"description": "why a file of the platform cannot be kept, in kebab-case"}
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


def document() -> dict[str, Any]:
    """Return the OpenAPI document of this application."""
    (known,) = current_app.extensions["flask-smorest"]["apis"].values()
    written = orjson.dumps(known["ext_obj"].spec.to_dict())
    # a pattern of the document is read by all languages, and only Python knows \Z
    specification: dict[str, Any] = orjson.loads(written.replace(b'\\\\Z"', b'$"'))
    specification["security"] = [{"token": []}]
    components = specification["components"]
    components["schemas"] |= event_schemas()
    for name, described in components["schemas"].items():
        if (example := example_of_schema(name)) is not None:
            described["examples"] = [example]
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
    ids = _operation_ids()
    for path, _, method, operation in operations_in(specification):
        operation["operationId"] = ids[path, method]
        _complete(operation.get("parameters", ()))
        content = operation["responses"]["200"]["content"]
        # a generator of clients takes the first media type that it knows
        operation["responses"]["200"]["content"] = dict(sorted(content.items()))
        shared = [*_OF_ALL, *(_OF_BODIES if "requestBody" in operation else ())]
        references = {status: {"$ref": f"#/components/responses/{status}"} for status in shared}
        operation["responses"] = dict(sorted((operation["responses"] | references).items()))
    named: dict[str, Any] = with_named_words(specification)
    named["components"]["schemas"] |= word_schemas()
    return named


def _operation_ids() -> dict[tuple[str, str], str]:
    """Return the id of each operation by path and method: the name of its view, in camel case."""
    ids: dict[tuple[str, str], str] = {}
    for rule in current_app.url_map.iter_rules():
        first, *more = rule.endpoint.rpartition(".")[2].split("_")
        operation_id = first + "".join(map(str.capitalize, more))
        path = _VARIABLE.sub(r"{\1}", rule.rule)
        ids |= {(path, method.lower()): operation_id for method in rule.methods or ()}
    return ids


_VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")


def operations_in(specification: Mapping[str, Any]) -> Iterator[tuple[str, Any, str, Any]]:
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
        example = example_of_parameter(parameter["name"])
        if example is not None:
            is_list = parameter["schema"].get("type") == "array"
            parameter["example"] = [example] if is_list else example


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
