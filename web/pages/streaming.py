"""Pages whose head is sent before what they show is read: a reader sees at once that it comes."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import structlog
from flask import Response, current_app, stream_with_context
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError

from ledger.errors import LedgerError
from web.pages.session import token

SEND = Markup("<!-- sent so far -->")
"""Where a page is divided: what is above goes out before what is below is made."""

log = structlog.get_logger("pages")


def stream(template: str, *, told: Callable[[], Any], status: int = 200, **known: Any) -> Response:
    """A page from `web/templates/pages`, part by part.

    Shape: the first part lets a browser load the stylesheet, the second is the head that all pages
    have. The template writes `{{ send }}` before it calls `told()` for what is read then; None when
    that failed, which is logged, because the status has gone out already.
    """
    token()  # a form's token belongs to the session, which goes out with the first part
    made = current_app.jinja_env.get_template(f"pages/{template}")
    current_app.update_template_context(known)
    parts = _parts(made.generate(told=_forgiving(told), send=SEND, **known))
    first = next(parts)  # now: an error in it is a page of its own
    return Response(stream_with_context(chain([first], parts)), status, mimetype="text/html")


def _parts(pieces: Iterator[str]) -> Iterator[str]:
    found: list[str] = []
    for piece in pieces:
        found.append(piece)
        if SEND in piece:
            yield "".join(found)
            found.clear()
    yield "".join(found)


def _forgiving(told: Callable[[], Any]) -> Callable[[], Any]:
    def tell() -> Any:
        try:
            return told()
        except (LedgerError, SQLAlchemyError) as error:
            log.error("page not read", error=type(error).__name__)
            return None

    return tell
