"""Answers that are sent in parts: each has a place, and ends when its reader may not go on.

Whoever is sent an answer in parts, or waits for an event, holds a thread. So there are few places,
fewer for each reader, and threads beside them for all other calls. A place is free again when the
answer has ended, or when the server closes whichever answer went out instead.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Lock
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import Forbidden, ServiceUnavailable
from werkzeug.wsgi import ClosingIterator

from ledger.access.admission import is_admitted
from ledger.access.readers import Reader
from ledger.operations.wsgi_calls import STREAMS_MAX
from web.authentication import caller
from web.context import Context, context

PLACES_EACH = 2
"""For each token or person."""
REFUSAL = "too-many-streams"
RETRY_SECONDS = 10
ADMITTED_SECONDS = 5
"""How old the last look at a token may be when a part is sent."""

PLACES = "ipn-ledger-places"
"""Their name among the extensions of an application, and in the environment of a request."""

GiveBack = Callable[[], None]

turn = Lock()
"""Held by the one stream that makes its next part: those that wait for the interpreter would
keep a call waiting, each in its turn."""


class NoPlaceError(ServiceUnavailable):
    """Too many answers are being sent in parts, to this reader or to all."""

    reason = REFUSAL
    retry_seconds = RETRY_SECONDS
    description = "too many downloads and streams are open: let them end, or try again later"


class Places:
    """Who has a place, in one process."""

    def __init__(self, in_all: int = STREAMS_MAX, each: int = PLACES_EACH) -> None:
        self._in_all, self._each = in_all, each
        self._taken: Counter[str] = Counter()
        self._lock = Lock()

    def take(self, reader_id: str) -> GiveBack | None:
        """Return how to give the place back, once or more often; None when there is no place."""
        with self._lock:
            if self._taken.total() >= self._in_all or self._taken[reader_id] >= self._each:
                return None
            self._taken[reader_id] += 1
        rest = [reader_id]

        def give_back() -> None:
            with self._lock:
                self._taken.subtract(rest)
                rest.clear()
                self._taken += Counter()  # readers without a place leave nothing behind

        return give_back


def register(app: Flask) -> None:
    """Give an application its places; free each at the latest when an answer is closed."""
    app.extensions[PLACES] = Places()
    app.wsgi_app = _giving_back(app.wsgi_app)  # type: ignore[assignment, method-assign]  # Flask's own way


def stream(make_parts: Callable[[], Iterable[bytes]], content_type: str) -> Response:
    """Return an answer that is sent in parts; who finds no place has cost nothing yet.

    Errors: NoPlaceError, and those of making the parts.
    """
    give_back = _places().take(caller().id)
    if give_back is None:
        raise NoPlaceError
    request.environ[PLACES].append(give_back)
    try:
        parts = make_parts()
    except BaseException:
        give_back()
        raise
    admitted = _while_admitted(parts, caller(), context(), give_back)
    return Response(admitted, content_type=content_type)


def in_turn(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Make each part when no other stream is making one."""
    remaining = iter(parts)
    while True:
        with turn:
            part = next(remaining, None)
        if part is None:
            return
        yield part


@contextmanager
def place_to_wait(*, is_needed: bool) -> Iterator[bool]:
    """Take a place until the end; yield False when there is none."""
    give_back = _places().take(caller().id) if is_needed else None
    try:
        yield give_back is not None
    finally:
        if give_back:
            give_back()


def _while_admitted(
    parts: Iterable[bytes], reader: Reader, app_context: Context, give_back: GiveBack
) -> Iterator[bytes]:
    """Pass parts on as long as their reader is let in. Errors: Forbidden, so that it is cut off."""
    looked_at = time.monotonic()
    try:
        for part in parts:
            if time.monotonic() - looked_at >= ADMITTED_SECONDS:
                with app_context.ledger.database.single() as connection:
                    if not is_admitted(connection, reader, now=app_context.clock()):
                        raise Forbidden("your access has ended")
                looked_at = time.monotonic()
            yield part
    finally:
        give_back()


def _places() -> Places:
    places: Places = current_app.extensions[PLACES]
    return places


def _giving_back(application: WSGIApplication) -> WSGIApplication:
    def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        taken: list[GiveBack] = environ.setdefault(PLACES, [])
        try:
            parts = application(environ, start_response)
        except BaseException:
            _give_back(taken)
            raise
        return ClosingIterator(parts, lambda: _give_back(taken)) if taken else parts

    return call


def _give_back(taken: Iterable[GiveBack]) -> None:
    for give_back in taken:
        give_back()
