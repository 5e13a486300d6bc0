"""Lets browsers of named origins call the query API; by default no other site's browser may."""

from flask import Flask, Response, request

from web.context import context

_PATH = "/api/"


def allow_origins(app: Flask) -> None:
    """Answer preflights, and mark answers, for the origins of the settings."""
    app.before_request(_answer_preflight)
    app.after_request(_mark)


def _origin() -> str | None:
    origin = request.headers.get("Origin", "")
    is_allowed = request.path.startswith(_PATH) and origin in context().settings.cors_origins
    return origin if is_allowed else None


def _answer_preflight() -> Response | None:
    is_preflight = "Access-Control-Request-Method" in request.headers
    if request.method != "OPTIONS" or not is_preflight or _origin() is None:
        return None
    response = Response(status=204)
    response.headers["Access-Control-Allow-Methods"] = "GET, POST"
    response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, If-None-Match"
    response.headers["Access-Control-Max-Age"] = "600"
    return response


def _mark(response: Response) -> Response:
    origin = _origin()
    if origin is not None:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = "ETag, Link, Retry-After"
        response.vary.add("Origin")
    return response
