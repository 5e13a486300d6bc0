"""Pages whose head is sent before what they show is read: a reader sees at once that it comes."""

from collections.abc import Callable, Iterator
from typing import Any

import structlog
from flask import Response, current_app, stream_with_context
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError

from ledger.errors import LedgerError

HEAD_ENDS = Markup("<!-- what follows is read now -->")

log = structlog.get_logger("pages")


def stream(template: str, *, told: Callable[[], Any], **known: Any) -> Response:
    """A page from `web/templates/pages`, in two parts.

    Shape: the template calls `told()` for what is read after its head was sent; None when that
    failed, which is logged, because the status has gone out already.
    """
    made = current_app.jinja_env.get_template(f"pages/{template}")
    current_app.update_template_context(known)
    pieces = made.generate(told=_forgiving(told), head_ends=HEAD_ENDS, **known)
    head = _head(pieces)  # now: an error in it is a page of its own, and a form gets its token
    response = Response(stream_with_context(_parts(head, pieces)), mimetype="text/html")
    return response


def _head(pieces: Iterator[str]) -> str:
    found: list[str] = []
    for piece in pieces:
        found.append(piece)
        if HEAD_ENDS in piece:
            break
    return "".join(found)


def _parts(head: str, pieces: Iterator[str]) -> Iterator[str]:
    yield head
    yield "".join(pieces)


def _forgiving(told: Callable[[], Any]) -> Callable[[], Any]:
    def tell() -> Any:
        try:
            return told()
        except (LedgerError, SQLAlchemyError) as error:
            log.error("page not read", error=type(error).__name__)
            return None

    return tell
