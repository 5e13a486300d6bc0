"""What the pages of objects share: the state as known now or at an instant, and its history."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask.typing import ResponseReturnValue
from marshmallow import Schema, ValidationError, fields

from ledger.instants import read_as_of, write_public_instant
from ledger.ipn.modes import Mode
from ledger.queries.find_by_name import SUBSCRIPTION, find_stream
from ledger.queries.state import State
from web.authentication import log_personal_read, redact_for_reader
from web.context import context, ledger
from web.pages.history_lines import KnownHistory
from web.pages.languages import N_, zone_name
from web.pages.navigation import links_of
from web.pages.rendering import render
from web.pages.request_parameters import (
    Question,
    days_in,
    ends,
    read_question,
    text,
    without_blanks,
)

ExtraContext = Mapping[str, Callable[[State, KnownHistory, UUID], Any]]
"""What else a template needs, each from the state as known then, its history and its stream."""

_TICK = timedelta(microseconds=1)
_DAY_LENGTH = len("2026-03-10")


class DayOrInstant(fields.Field[Any]):
    """A day, which means its end, or an instant."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> date | datetime:
        written = str(value).strip()
        try:
            is_day = len(written) == _DAY_LENGTH
            return date.fromisoformat(written) if is_day else read_as_of(written)
        except ValueError as error:
            wrong = N_("Write a day as 2026-03-10, or an instant as 2026-03-10T09:15:00Z.")
            raise ValidationError(wrong) from error


class HistoryForm(Schema):
    """The parameters of a page with a history."""

    as_of = DayOrInstant()
    days_in = days_in()


class SubscriptionForm(HistoryForm):
    """The same for subscriptions, where `alias` tells those of one id apart."""

    alias = text()


def render_object(
    kind: str, mode: str, shop_id: str, name: str, template: str, extra: ExtraContext
) -> ResponseReturnValue:
    """Render the page of one transaction, alias or subscription. Errors: NotFoundError."""
    cleaned = without_blanks()
    if cleaned is not None:
        return cleaned
    question = read_question(SubscriptionForm() if kind == SUBSCRIPTION else HistoryForm())
    alias = question.parameters.get("alias")
    id_ = find_stream(ledger(), kind, shop_id, Mode(mode), name, alias=alias)
    ledger().events.check_known(id_)
    history = KnownHistory([ledger().events.history(id_)], instant_of(question))
    log_personal_read(kind, shop_id=shop_id, mode=mode, reference=name)
    if not has_content(history, question):
        return render_unknown(history, question, kind=kind, title=name)
    state = redact_for_reader(history.states[0])
    more = {key: make(state, history, id_) for key, make in extra.items()}
    return render_history(template, history, question, state=state, links=links_of(state), **more)


def has_content(history: KnownHistory, question: Question) -> bool:
    """Return True if something was known then and the question can be read."""
    return not question.wrong and bool(history.streams)


def render_history(template: str, history: KnownHistory, question: Question, **more: Any) -> str:
    """Render a page with a history."""
    return render(
        template,
        history=history,
        question=question,
        then=None if history.at is None else write_public_instant(history.at),
        day_asked=_day(question),
        now=context().clock(),
        newest_position=ledger().events.newest_position(),
        **more,
    )


def render_unknown(history: KnownHistory, question: Question, **more: Any) -> ResponseReturnValue:
    """Say that nothing was known then, or what of the question cannot be read."""
    body = render_history("unknown_then.html", history, question, **more)
    return body, question.status if question.wrong else 404


def instant_of(question: Question) -> datetime | None:
    """Return the instant that is asked for; None is now."""
    as_of = question.parameters.get("as_of")
    if as_of is None or isinstance(as_of, datetime):
        return as_of
    end = ends(as_of, question.parameters["days_in"])
    return None if end is None else end - _TICK


def _day(question: Question) -> str:
    """Return the day that is asked for, on the reader's clock."""
    as_of = question.parameters.get("as_of")
    if isinstance(as_of, datetime):
        return as_of.astimezone(ZoneInfo(zone_name())).date().isoformat()
    return as_of.isoformat() if as_of else ""
