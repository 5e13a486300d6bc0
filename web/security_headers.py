"""The headers that tell a browser how little it may do with an answer."""

from flask import Response, request

_DEFAULTS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
"""What every answer carries unless it says otherwise."""

_PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
_YEAR = 365 * 24 * 3600


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
        response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"
    return response
