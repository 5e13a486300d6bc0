"""The description of the API for people: one page, without any download."""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from flask import Blueprint, Response, render_template, request
from markupsafe import Markup, escape

from web.api.fact_schemas import AMOUNTS, JsonSchema
from web.api.openapi import document, operations_in

bp = Blueprint("readable", __name__)

_CODE = re.compile(r"`([^`]+)`")
_NOT_CHANGED = "304"


@bp.get("/docs")
def docs() -> Response:
    """Describe the API to people, without any download."""
    style = render_template("docs.css")
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    specification = document()
    schemas: dict[str, JsonSchema] = specification["components"]["schemas"]
    page = render_template(
        "docs.html",
        style=Markup(style),  # noqa: S704  our own file
        address=request.url_root.rstrip("/"),
        amounts=AMOUNTS,
        document=specification,
        operations=list(_operations(specification)),
        schemas={name: _shape(json_schema) for name, json_schema in schemas.items()},
        marked=_marked,
        type_of=_type_of,
        written=_written,
    )
    policy = f"default-src 'none'; style-src 'sha256-{hashed}'; frame-ancestors 'none'"
    return Response(page, mimetype="text/html", headers={"Content-Security-Policy": policy})


def _operations(specification: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each operation with what its path says of it, and which answers are refusals."""
    for path, path_item, method, operation in operations_in(specification):
        yield operation | {
            "method": method.upper(),
            "path": path,
            "parameters": path_item.get("parameters", []) + operation.get("parameters", []),
            "content": operation["responses"]["200"].get("content", {}),
            "may_be_unchanged": _NOT_CHANGED in operation["responses"],
            "refusals": sorted(operation["responses"].keys() - {"200", _NOT_CHANGED}),
        }


def _shape(json_schema: JsonSchema) -> dict[str, Any]:
    """Return what a page shows of a schema: also what it has of those that it is made of."""
    merged: list[JsonSchema] = [json_schema, *json_schema.get("allOf", ())]
    return {
        "description": json_schema.get("description", ""),
        "words": json_schema.get("enum", []),
        "choices": json_schema.get("oneOf", []),
        "includes": [part for part in merged if "$ref" in part],
        "properties": {
            name: each for part in merged for name, each in part.get("properties", {}).items()
        },
        "required": {name for part in merged for name in part.get("required", ())},
        "examples": json_schema.get("examples", []),
    }


def _marked(text: str) -> Markup:
    """Return a text whose words between backticks are code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704  escaped before


def _written(example: Any) -> str:
    """Return an example as JSON on several lines."""
    return orjson.dumps(example, option=orjson.OPT_INDENT_2).decode()


def _type_of(json_schema: Mapping[str, Any]) -> Markup:
    """Return a schema in a few words, with links to those that it refers to."""
    if "$ref" in json_schema:
        name = str(json_schema["$ref"]).rsplit("/", 1)[1]
        return Markup('<a href="#{0}">{0}</a>').format(name)
    if "allOf" in json_schema and "properties" not in json_schema:
        return _type_of(json_schema["allOf"][0])
    if "anyOf" in json_schema:
        return Markup(" or ").join(_type_of(choice) for choice in json_schema["anyOf"])
    if "const" in json_schema:
        return Markup("<code>{}</code>").format(json_schema["const"])
    if "enum" in json_schema:
        return Markup(" | ").join(Markup("<code>{}</code>").format(w) for w in json_schema["enum"])
    type_ = json_schema.get("type", "any")
    words = " or ".join(type_) if isinstance(type_, list) else str(type_)
    if words == "array":
        return Markup("list of ") + _type_of(json_schema.get("items", {}))
    known = json_schema.get("x-extensible-enum")
    if known:
        return Markup("{}, today one of {}").format(words, ", ".join(map(str, known)))
    return Markup("{}").format(
        words + (f" ({json_schema['format']})" if "format" in json_schema else "")
    )
