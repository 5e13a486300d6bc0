"""The feed: every event of the ledger in order, asked for, waited for, or streamed."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any

import orjson
from flask import Response, request
from marshmallow import RAISE
from werkzeug.exceptions import UnprocessableEntity

from ledger.access.readers import Reader
from ledger.application import Ledger, RecordedEvent
from ledger.timeline import event_data
from web.api.answers import a_blueprint, answer
from web.api.items import shown_event
from web.context import context, ledger
from web.schemas import POSITION_MAX, FeedAnswer, FeedQuery
from web.security import caller, will_tell_personal

bp = a_blueprint("events", "Every event, in order and without gaps.")

STREAM = "text/event-stream"
STREAM_SECONDS_MAX = 55  # below the minute after which many proxies hang up
KEEP_ALIVE_SECONDS = 10
POLL_SECONDS = 0.25
SCAN = 500  # events read at once when filters may pass over many
PAGES_MAX = 20  # that one call looks through for events its filters let pass

WAITERS_MAX = 2
"""Calls that may wait at once in one process: a thread that waits takes no notification."""
_places = BoundedSemaphore(WAITERS_MAX)


@dataclass(frozen=True)
class Feed:
    """What one caller follows. `place` moves on with every page."""

    ledger: Ledger
    token: Reader
    asked: Mapping[str, Any]
    is_stopping: Callable[[], bool]
    show: Callable[[RecordedEvent], dict[str, Any]]

    def page(self, after: int) -> tuple[list[dict[str, Any]], int]:
        """The next events. Shape: those to show, and the position up to which all are told."""
        limit, found = self.asked["limit"], []
        size = SCAN if self._has_filters else limit
        for _ in range(PAGES_MAX):
            events = self.ledger.events_after(after, size)
            for one in events:
                after = one.position
                if self._is_asked(one):
                    found.append(self.show(one))
                if len(found) == limit:
                    return found, after
            if len(events) < size:
                break
        return found, after

    def wait(self, after: int, seconds: float) -> tuple[list[dict[str, Any]], int]:
        """The next events, waited for when there are none."""
        until = time.monotonic() + seconds
        while True:
            found, after = self.page(after)
            left = until - time.monotonic()
            if found or left <= 0 or self.is_stopping():
                return found, after
            time.sleep(min(POLL_SECONDS, left))

    def stream(self, after: int) -> Iterator[bytes]:
        """The same as server-sent events, for a bounded time; the reader then calls again."""
        with _a_place() as has_place:
            until = time.monotonic() + (STREAM_SECONDS_MAX if has_place else 0)
            yield b"retry: 1000\n\n"
            while True:
                told_before = after
                left = until - time.monotonic()
                found, after = self.wait(after, max(0, min(KEEP_ALIVE_SECONDS, left)))
                for one in found:
                    yield _message(one)
                if after > told_before and not (found and found[-1]["position"] == after):
                    yield f"id: {after}\n\n".encode()  # passed over what was not asked for
                if not found:
                    if time.monotonic() >= until or self.is_stopping():
                        return
                    yield b": still here\n\n"

    @property
    def _has_filters(self) -> bool:
        is_narrow = any(self.asked[name] for name in ("shop", "mode", "type"))
        return is_narrow or self.token.shops is not None

    def _is_asked(self, one: RecordedEvent) -> bool:
        event, asked = one.event, self.asked
        return (
            self.token.allows_shop(event.shop_id)
            and asked["shop"] in (None, event.shop_id)
            and asked["mode"] in (None, event.mode.lower())
            and asked["type"] in (None, event.TOPIC)
        )


@bp.route("/events")
@bp.arguments(FeedQuery, location="query", unknown=RAISE)
@bp.response(200, FeedAnswer)
def list_events(asked: dict[str, Any]) -> Response:
    """Events after a position, in order; none that commits later is ever skipped.

    With `Accept: text/event-stream` the same as server-sent events: `id` is the position, `event`
    the stored name, `data` the event; `Last-Event-ID` counts before `after`. A connection lasts
    at most a minute and is then to be opened again. Few calls may wait at once; others are
    answered at once with what there is.
    """
    after = asked["after"] if asked["cursor"] is None else asked["cursor"]
    if asked["details"]:
        will_tell_personal(
            "events", shop_id=asked["shop"], mode=asked["mode"], reference=str(after)
        )
    feed = _feed(asked)
    if request.accept_mimetypes.best_match(["application/json", STREAM]) == STREAM:
        return Response(feed.stream(_last_event_id(after)), mimetype=STREAM)
    with _a_place(is_needed=bool(asked["wait"])) as has_place:
        found, reached = feed.wait(after, asked["wait"] if has_place else 0)
    told = {"items": found, "next_after": reached, "next_cursor": str(reached)}
    return answer(told, next_={"after": reached})


def _feed(asked: Mapping[str, Any]) -> Feed:
    # A stream is sent after the request has ended, so everything it needs is taken along.
    token, with_details = caller(), bool(asked["details"])

    def show(one: RecordedEvent) -> dict[str, Any]:
        return shown_event(event_data(one, with_details=with_details), token)

    return Feed(ledger(), token, asked, context().is_stopping, show)


def _last_event_id(after: int) -> int:
    told = request.headers.get("Last-Event-ID", "").strip()
    if not told:
        return after
    if not (told.isascii() and told.isdigit()) or int(told[:20]) > POSITION_MAX:
        raise UnprocessableEntity("Last-Event-ID is not a position")
    return int(told)


def _message(one: Mapping[str, Any]) -> bytes:
    head = f"id: {one['position']}\nevent: {one['type']}\ndata: "
    return head.encode() + orjson.dumps(one) + b"\n\n"


@contextmanager
def _a_place(*, is_needed: bool = True) -> Iterator[bool]:
    """A place among those who wait; False when all are taken."""
    is_mine = is_needed and _places.acquire(blocking=False)
    try:
        yield is_mine
    finally:
        if is_mine:
            _places.release()
