"""How a page is made: its template, what every template may use, and its headers."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, g, render_template, request, url_for

from ledger import __version__
from ledger.access import Reader
from web.pages import formats, words
from web.pages.session import token

STATIC = str(Path(__file__).resolve().parents[1] / "static")
YEAR = 365 * 24 * 3600

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
