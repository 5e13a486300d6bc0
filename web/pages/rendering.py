"""How a page is made: its template, what every template may use, and its headers."""

import hashlib
from collections.abc import Iterator
from contextvars import Context, copy_context
from functools import cache
from pathlib import Path
from typing import Any

import structlog
from flask import (
    Flask,
    Response,
    current_app,
    g,
    render_template,
    request,
    url_for,
)

from ledger import __version__
from ledger.access.readers import Reader
from web.pages import formats, words
from web.pages.session import token
from web.security import log_put_off

STATIC = str(Path(__file__).resolve().parents[1] / "static")
YEAR = 365 * 24 * 3600

FIRST_PART, NEXT_PART = 500, 16_000
"""Characters that are worth sending: the first ones soon, so that a browser can begin."""

_log = structlog.get_logger(__name__)

POLICY = "; ".join(
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


def register(app: Flask) -> None:
    """Let templates use what all of them need."""
    app.jinja_env.globals.update(
        static_url=static_url,
        csrf_field_token=token,
        reader=reader,
        mode=mode,
        version=__version__,
    )
    app.jinja_env.filters.update(formats.FILTERS | words.FILTERS)


def render(template: str, **told: Any) -> str:
    """A page from `web/templates/pages`."""
    return render_template(f"pages/{template}", **told)


def render_in_parts(template: str, **told: Any) -> Iterator[str]:
    """The same as text that can be sent while its rest is still being made.

    Shape: the page's head comes alone and first, then the line in the access log is written. What
    fails later can no longer be answered by another page, so the page itself says that it is not
    complete.
    """
    token()  # it belongs to the session, which leaves with the headers
    g.is_in_parts = True
    page = current_app.jinja_env.get_template(f"pages/{template}")
    current_app.update_template_context(told)
    return _in_context(copy_context(), _parts(page.generate(told)))


def _in_context(context: Context, parts: Iterator[str]) -> Iterator[str]:
    """Make each part as in the request that asked, whichever thread a server fetches it in."""
    while (part := context.run(next, parts, None)) is not None:
        yield part


def _parts(pieces: Iterator[str]) -> Iterator[str]:
    held: list[str] = []
    wanted = FIRST_PART
    try:
        for piece in pieces:
            held.append(piece)
            wanted -= len(piece)
            if wanted <= 0:
                yield "".join(held)
                log_put_off()
                held, wanted = [], NEXT_PART
        log_put_off()
    except Exception as error:
        _log.error("page.broken", path=request.path, error=type(error).__name__)
        yield "".join([*held, render_template("pages/broken.html")])
        raise  # so that the connection ends as what it is: broken
    yield "".join(held)


def complete(response: Response) -> Response:
    """Give a page its headers; what is served for good may be kept."""
    if request.endpoint == "door.static":
        if request.args.get("v"):
            response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
        return response
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "same-origin"  # a form then says where it came from
    return response


def reader() -> Reader | None:
    """Who has signed in, for what every page shows; None at the door."""
    found = g.get("caller")
    return found if isinstance(found, Reader) else None


def mode() -> str | None:
    """The world that this page is about."""
    return (request.view_args or {}).get("mode")


def static_url(name: str) -> str:
    """The address of a file of ours; another one as soon as the file is."""
    return url_for("door.static", filename=name, v=_digest(name))


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((Path(STATIC) / name).read_bytes()).hexdigest()[:12]
