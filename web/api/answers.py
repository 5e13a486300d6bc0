"""What the blueprints of the query API share: how they are made, and how they answer."""

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote, urlencode

import orjson
from flask import Response, request
from flask_smorest import Blueprint

from ledger import __version__
from web.security import authorise, caller, log_read

PREFIX = "/api/v1"
NOT_CHANGED = "not changed since the `ETag` of `If-None-Match`"


def a_blueprint(name: str, description: str) -> Blueprint:
    """Routes that need a token, and leave a trace when they tell personal data."""
    blueprint = Blueprint(name, __name__, url_prefix=PREFIX, description=description)
    blueprint.before_request(authorise)
    blueprint.after_request(log_read)
    return blueprint


def answer(told: Mapping[str, Any], *, next_: Mapping[str, Any] | None = None) -> Response:
    """A JSON answer. Shape: `next_` are the arguments that ask for what comes after it."""
    response = Response(orjson.dumps(told), mimetype="application/json")
    if next_:
        asked = request.args.to_dict() | {name: str(value) for name, value in next_.items()}
        response.headers["Link"] = f'<{quote(request.path)}?{urlencode(asked)}>; rel="next"'
    return response


def tagged(response: Response, *parts: object) -> Response:
    """Answer 304 to whoever has it already.

    Shape: `parts` say which state it is; the role and our own version change what is told of it.
    """
    response.set_etag("-".join(map(str, (*parts, caller().role, __version__))))
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Authorization"
    conditional = response.make_conditional(request)
    assert isinstance(conditional, Response)
    return conditional


def link(*parts: str) -> str:
    """The address of something of ours."""
    return "/".join([PREFIX, *(quote(part, safe=":@!$'()*,;=~") for part in parts)])


def path_parameters(**described: str) -> list[dict[str, Any]]:
    """Descriptions of what stands in a path."""
    return [_described(name, meaning) for name, meaning in described.items()]


def _described(name: str, meaning: str) -> dict[str, Any]:
    where: Literal["path"] = "path"
    return {"name": name, "in": where, "description": meaning, "schema": {"type": "string"}}
