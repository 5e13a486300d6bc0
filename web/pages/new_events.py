"""Tells a page that is open how many events have come since it was made.

A browser asks by an event stream that ends at once and says when to ask again. So a page that is
looked at holds no thread and takes no place among the streams, its reader is let in anew each
time, and one question every few seconds is all that it costs.
"""

from flask import Response, abort
from marshmallow import Schema

from ledger.ipn.modes import Mode
from ledger.queries.filter_declarations import EventFilter
from ledger.queries.new_events import COUNTED_MAX, count_after, stream_ids_of
from web.authentication import filter_of_caller
from web.context import ledger
from web.pages.blueprint import bp
from web.pages.events import EventsForm
from web.pages.filter_form import filter_parameters
from web.pages.languages import N_, ngettext, translated
from web.pages.request_parameters import Question, integer, read_question, text

STREAM = "text/event-stream; charset=utf-8"
RETRY_SECONDS = 10
"""How long a browser waits before it asks again."""


class NewEventsForm(EventsForm):
    """The filters of a list of events, and the position behind which they are new."""

    after = integer()


class ObjectForm(Schema):
    """Which of two subscriptions of one id is meant, and the position behind which is new."""

    alias = text()
    after = integer()


@bp.get("/<mode:mode>/new-events")
def new_events(mode: str) -> Response:
    """Stream how many events of a filter have come after a position, as words for its page."""
    question = _read(NewEventsForm())
    parameters = filter_parameters(EventFilter, question.parameters)
    event_filter = filter_of_caller(EventFilter, parameters | {"mode": mode})
    with ledger().database.connect() as connection:
        return _stream(count_after(connection, _after(question), event_filter))


@bp.get("/<mode:mode>/shops/<shop_id>/new-events/<kind>/<name:name>")
def new_events_of(mode: str, shop_id: str, kind: str, name: str) -> Response:
    """Stream how many events of an object have come after a position, as words for its page."""
    question = _read(ObjectForm())
    event_filter = EventFilter(shop_id=frozenset({shop_id}), mode=mode)
    stream_ids = stream_ids_of(
        ledger(), kind, shop_id, Mode(mode), name, alias=question.parameters.get("alias")
    )
    with ledger().database.connect() as connection:
        count = count_after(connection, _after(question), event_filter, stream_ids=stream_ids)
    return _stream(count)


def _read(schema: Schema) -> Question:
    question = read_question(schema)
    if question.wrong:
        abort(question.status)
    return question


def _after(question: Question) -> int:
    return question.parameters.get("after") or 0


def _stream(count: int) -> Response:
    """Return a stream with at most one message, which ends; a browser then asks again later."""
    message = f"data: {_words(count)}\n\n" if count else ""
    return Response(f"retry: {round(1000 * RETRY_SECONDS)}\n\n{message}", content_type=STREAM)


def _words(count: int) -> str:
    if count == COUNTED_MAX:
        more = translated(N_("More than %(num)s new events: show"))
        return more % {"num": count - 1}
    return ngettext("%(num)s new event: show", "%(num)s new events: show", count) % {"num": count}
