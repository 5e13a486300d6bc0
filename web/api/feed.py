"""The feed: every event of the ledger in order, in pages, waited for, or streamed."""

import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from flask import Response, request
from marshmallow import RAISE
from werkzeug.exceptions import UnprocessableEntity

from ledger.access.readers import Reader
from ledger.errors import PositionAheadError
from ledger.ipn.storable import INTEGER_MAX
from ledger.queries.event_data import event_data, event_test
from ledger.queries.filter_conditions import narrowing
from ledger.queries.filter_declarations import EventFilter
from ledger.queries.readable import readable_events
from ledger.storage.event_store import RecordedEvent
from web.api.answers import EventPage
from web.api.objects import shown_event
from web.api.query_schemas import FeedQuery
from web.api.responses import a_blueprint, answer, newest_position
from web.authentication import caller, filter_of_caller, log_personal_read
from web.context import Context, context, ledger
from web.streams import place_to_wait, stream, turn

bp = a_blueprint("events", "Every event, in order and without gaps.")

STREAM = "text/event-stream"
STREAM_SECONDS_MAX = 55  # below the minute after which many proxies hang up
KEEP_ALIVE_SECONDS = 10
POLL_SECONDS = 0.25
SCAN = 500  # events read at once when filters may pass over many
PAGES_MAX = 20  # that one call looks through for events its filters let pass

Item = dict[str, Any]


@dataclass(frozen=True)
class Feed:
    """The events that one caller follows.

    A stream is sent after the request has ended, so everything it needs is taken along.
    """

    context: Context
    filter: EventFilter
    limit: int
    with_details: bool
    reader: Reader

    def page(self, after: int) -> tuple[list[Item], int]:
        """Return the next events, and the position up to which none is left out."""
        items: list[Item] = []
        passes = event_test(self.filter)
        size = self.limit if next(narrowing(self.filter), None) is None else SCAN
        for _ in range(PAGES_MAX):
            events = self.context.ledger.events.events_after(after, size)
            for recorded in self._opened(events):
                after = recorded.position
                if passes(recorded.event):
                    fields = event_data(recorded, with_details=self.with_details)
                    items.append(shown_event(fields, self.reader))
                if len(items) == self.limit:
                    return items, after
            if len(events) < size:
                break
        return items, after

    def _opened(self, events: list[RecordedEvent]) -> list[RecordedEvent]:
        if not self.with_details:
            return events
        return readable_events(self.context.ledger, events, self.reader)

    def wait(
        self, after: int, seconds: float, *, is_streamed: bool = False
    ) -> tuple[list[Item], int]:
        """Return the next events; wait for them when there are none."""
        until = time.monotonic() + seconds
        while True:
            with turn if is_streamed else nullcontext():
                items, after = self.page(after)
            left = until - time.monotonic()
            if items or left <= 0 or self.context.is_stopping():
                return items, after
            time.sleep(min(POLL_SECONDS, left))

    def stream(self, after: int) -> Iterator[bytes]:
        """Yield the same as server-sent events, for a bounded time; the reader then calls again."""
        until = time.monotonic() + STREAM_SECONDS_MAX
        yield b"retry: 1000\n\n"
        while True:
            previous = after
            left = until - time.monotonic()
            seconds = max(0, min(KEEP_ALIVE_SECONDS, left))
            items, after = self.wait(after, seconds, is_streamed=True)
            yield b"".join(map(_message, items))
            if after > previous and not (items and items[-1]["position"] == after):
                yield f"id: {after}\n\n".encode()  # skipped what the filter leaves out
            if time.monotonic() >= until or self.context.is_stopping():
                return
            if not items:
                yield b": still here\n\n"


@bp.route("/events")
@bp.arguments(FeedQuery, location="query", unknown=RAISE)
@bp.alt_response(200, schema={"type": "string"}, content_type=STREAM)
@bp.response(200, EventPage)
@bp.alt_response(409, "409")
def list_events(parameters: dict[str, Any]) -> Response:
    """Return events after a position, in order; none that commits later is ever skipped.

    With `Accept: text/event-stream` the same as server-sent events: `id` is the position, `event`
    the stored name, `data` the event; `Last-Event-ID` counts before `after`. A connection lasts
    at most a minute and is then to be opened again. Few calls may wait or be streamed at once:
    others that would wait are answered at once with what there is, others that would be streamed
    with 503 and `too-many-streams`. A position ahead of the newest one is refused with 409 and
    `position-ahead`: the ledger was restored from an older copy.
    """
    cursor, wait, with_details = (parameters[name] for name in ("cursor", "wait", "details"))
    after = parameters["after"] if cursor is None else cursor
    filter_ = filter_of_caller(EventFilter, parameters)
    is_streamed = request.accept_mimetypes.best_match(["application/json", STREAM]) == STREAM
    after = _last_event_id(after) if is_streamed else after
    _refuse_reader_ahead(after)
    feed = Feed(context(), filter_, parameters["limit"], with_details, caller())
    if with_details:
        shops: list[str] = parameters.get("shop_id") or []
        shop_id = shops[0] if len(shops) == 1 else None
        mode = parameters.get("mode")
        log_personal_read("events", shop_id=shop_id, mode=mode, reference=str(after))
    if is_streamed:
        return stream(partial(feed.stream, after), f"{STREAM}; charset=utf-8")
    with place_to_wait(is_needed=bool(wait)) as has_place:
        items, reached = feed.wait(after, wait if has_place else 0)
    body = {
        "items": items,
        "next_after": reached,
        "next_cursor": str(reached),
        "newest_position": newest_position(reached),
    }
    return answer(body, next_={"after": reached})


def _refuse_reader_ahead(after: int) -> None:
    """Refuse whoever has read more than there is. Errors: PositionAheadError.

    Compared with the newest visible position: another process may have proven more than this one.
    A standby refuses nobody: it may only be behind the primary, where its reader has been.
    """
    newest = ledger().events.newest_position() or 0
    if after > newest and not ledger().events.is_copy():
        raise PositionAheadError(after, newest)


def _last_event_id(after: int) -> int:
    position = request.headers.get("Last-Event-ID", "").strip() or str(after)
    if not (position.isascii() and position.isdigit()) or int(position[:20]) > INTEGER_MAX:
        raise UnprocessableEntity("Last-Event-ID is not a position")
    return int(position)


def _message(item: Item) -> bytes:
    head = f"id: {item['position']}\nevent: {item['type']}\ndata: "
    return head.encode() + orjson.dumps(item) + b"\n\n"
