"""The headers that tell a browser how little it may do with an answer, and who may ask for it."""

from flask import Flask, Response, request

from web.context import context

_DEFAULTS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
"""What every answer carries unless it says otherwise."""
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_FILE_CACHING = f"public, max-age={365 * 24 * 3600}, immutable"
_EXPOSED = (
    "ETag, Link, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id"
)
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-None-Match",
    "Access-Control-Max-Age": "600",
}


def set_default_headers(response: Response) -> Response:
    """Give an answer the headers that it does not set itself."""
    for name, header in _DEFAULTS.items():
        response.headers.setdefault(name, header)
    return response


def set_page_headers(response: Response) -> Response:
    """Let a page load our own styles and scripts, and nothing else."""
    response.headers["Content-Security-Policy"] = _PAGE_POLICY
    response.headers["Referrer-Policy"] = "same-origin"  # a form then says where it came from
    return response


def set_file_headers(response: Response) -> Response:
    """Let a file of ours be kept if its address holds its version."""
    if request.args.get("v"):
        response.headers["Cache-Control"] = _FILE_CACHING
    return response


def allow_origins(app: Flask) -> None:
    """Let browsers of the origins in the settings call the query API; by default nobody's may."""
    app.before_request(_answer_preflight)
    app.after_request(_mark_for_origin)


def _allowed_origin() -> str | None:
    origin = request.headers.get("Origin", "")
    is_allowed = _is_of_api() and origin in context().settings.cors_origins
    return origin if is_allowed else None


def _is_of_api() -> bool:
    return request.path.startswith("/api/")


def _answer_preflight() -> Response | None:
    """Answer what a browser asks before it asks: without a token, and of others without a yes."""
    names_method = "Access-Control-Request-Method" in request.headers
    if request.method != "OPTIONS" or not names_method or not _is_of_api():
        return None
    return Response(status=204, headers=None if _allowed_origin() is None else _PREFLIGHT)


def _mark_for_origin(response: Response) -> Response:
    origin = _allowed_origin()
    if origin is not None:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = _EXPOSED
        response.vary.add("Origin")
    return response
