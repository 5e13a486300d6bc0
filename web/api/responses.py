"""Makes the blueprints of the query API and their responses."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import Response, request
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema

from ledger import __version__
from web.authentication import authorise, caller, log_read
from web.context import ledger
from web.paths import own_path, quoted

PREFIX = "/api/v1"
NOT_CHANGED = "not changed since the `ETag` of `If-None-Match`"

View = Callable[..., Response]


def a_blueprint(name: str, description: str) -> Blueprint:
    """Return a blueprint whose routes need a token and log the reading of personal data."""
    blueprint = Blueprint(name, __name__, url_prefix=PREFIX, description=description)
    blueprint.before_request(authorise)
    blueprint.after_request(log_read)
    return blueprint


def serve(
    blueprint: Blueprint,
    path: str,
    handler: View,
    name: str,
    summary: str,
    query_schema: type[Schema],
) -> None:
    """Serve a view, which its documents describe in a sentence, with its parameters."""
    handler.__name__, handler.__doc__ = name, summary
    blueprint.get(path)(blueprint.arguments(query_schema, location="query", unknown=RAISE)(handler))


def answer(fields: Mapping[str, Any], *, next_: Mapping[str, Any] | None = None) -> Response:
    """Return a JSON response. Shape: `next_` are the parameters that ask for the next page."""
    response = Response(orjson.dumps(fields), mimetype="application/json")
    if next_:
        kept = [(k, v) for k, v in request.args.items(multi=True) if k not in next_]
        query = urlencode([*kept, *next_.items()])
        response.headers["Link"] = f'<{own_path()}?{query}>; rel="next"'
    return response


def newest_position(reached: int = 0) -> int:
    """Return the position up to which no event can appear any more; at least the one reached."""
    return max(reached, ledger().events.proven_position())


def answer_page(items: list[Any], next_cursor: str | None, **more: Any) -> Response:
    """Return one page of a list, with a link to the next one if there is one."""
    newest = newest_position(more.get("as_of_position", 0))
    body = {"items": items, "next_cursor": next_cursor, "newest_position": newest, **more}
    return answer(body, next_={"cursor": next_cursor} if next_cursor is not None else None)


def tagged(response: Response, *parts: object) -> Response:
    """Tag a response with its state, and answer 304 to a caller who has it already.

    Shape: `parts` say which state it is; the role and our own version change what is shown of it.
    The tag is weak: how far the log goes is shown too, and does not change an object.
    """
    response.set_etag("-".join(map(str, (*parts, caller().role, __version__))), weak=True)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Authorization"
    conditional = response.make_conditional(request)
    assert isinstance(conditional, Response)
    return conditional


def link(*parts: str) -> str:
    """Return the address of an object of this API."""
    return "/".join([PREFIX, *map(quoted, parts)])
