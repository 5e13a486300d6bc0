"""What the pages of objects share: the state as known now or at an instant, and its history."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import url_for
from flask.typing import ResponseReturnValue
from marshmallow import Schema, ValidationError, fields

from ledger.instants import read_as_of, read_day, write_public_instant
from ledger.ipn.modes import Mode
from ledger.queries.comparison import Difference, compare
from ledger.queries.find_by_name import ORDER
from ledger.queries.history import names_in
from ledger.queries.readable import readable_events
from ledger.queries.state import State
from ledger.queries.undecided import undecided_about
from ledger.storage.event_store import RecordedEvent
from ledger.storage.inbox import InboxRecord
from web.api.objects import links_of
from web.authentication import caller, log_personal_read, redact_for_reader
from web.context import context, ledger
from web.pages.history_lines import KnownHistory
from web.pages.languages import N_, zone_name
from web.pages.notes import notes_shown
from web.pages.rendering import render
from web.pages.request_parameters import Question, days_in, ends, integer


class DayOrInstant(fields.Field[Any]):
    """A day, which means its end, or an instant."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> date | datetime:
        written = str(value).strip()
        try:
            is_day = len(written) == len("2026-03-10")
            return read_day(written) if is_day else read_as_of(written)
        except ValueError as error:
            wrong = N_("Write a day as 2026-03-10, or an instant as 2026-03-10T09:15:00Z.")
            raise ValidationError(wrong) from error


class HistoryForm(Schema):
    """The parameters of a page with a history, of which it shows the newest before a position."""

    as_of = DayOrInstant()
    against = DayOrInstant()
    days_in = days_in()
    before = integer()


def render_history(
    kind: str,
    mode: str,
    shop_id: str,
    name: str,
    question: Question,
    all_streams: Sequence[Sequence[RecordedEvent]],
    describe: Callable[[KnownHistory], dict[str, Any]],
    only: UUID | None = None,
) -> ResponseReturnValue:
    """Render the page of an object as known now or then.

    Shape: `describe` returns what only its template needs. A page says what is unknown or wrong.
    """
    if kind != ORDER:  # whose page shows nothing of it
        all_streams = [readable_events(ledger(), each, caller()) for each in all_streams]
    history = KnownHistory(all_streams, _instant(question), question.parameters.get("before"), only)
    log_personal_read(kind, shop_id=shop_id, mode=mode, reference=name)
    if "against" in question.parameters and not question.wrong:
        return _compared(kind, name, question, history)
    if history.streams and not question.wrong:
        template, status, more = f"{kind}.html", 200, describe(history)
        more["new_events"] = _new_events(kind, mode, shop_id, name, question, history)
    else:
        status = 422 if question.wrong else 404
        template, more = "unknown_then.html", {"kind": kind, "title": name}
    page = render(
        template,
        history=history,
        notes=notes_shown(history, kind, mode, shop_id, name),
        undecided=[] if history.at else _undecided(shop_id, mode, name, history),
        question=question,
        then=None if history.at is None else write_public_instant(history.at),
        day_asked=_day(question, "as_of"),
        now=context().clock(),
        newest_position=ledger().events.newest_position(),
        api_address=links_of(kind, shop_id, mode, name, question.parameters.get("alias"))["self"],
        **more,
    )
    return page, status


def _new_events(
    kind: str, mode: str, shop_id: str, name: str, question: Question, history: KnownHistory
) -> str | None:
    """Return where to ask what has come since; None for a second page, and for the past."""
    if history.at or question.value("before") or question.value("cursor"):
        return None
    return url_for(
        "pages.new_events_of",
        mode=mode,
        shop_id=shop_id,
        kind=kind,
        name=name,
        alias=question.parameters.get("alias"),
        after=history.position,
    )


def _undecided(shop_id: str, mode: str, name: str, history: KnownHistory) -> list[InboxRecord]:
    names = {name} if history.only is None else {name, *names_in(history.all_streams)}
    with ledger().database.connect() as connection:
        return undecided_about(connection, shop_id, Mode(mode), sorted(names))


def _compared(
    kind: str, name: str, question: Question, history: KnownHistory
) -> ResponseReturnValue:
    """Render what differs between what was known of an object at two instants."""
    instants = history.at, _instant(question, "against")
    comparison = compare(history.all_streams, *instants, only=history.only)
    seen = [replace(each, **_seen(each)) for each in comparison.differences]
    return render(
        "compared.html",
        kind=kind,
        name=name,
        question=question,
        comparison=replace(comparison, differences=seen),
        days=[_day(question, parameter) for parameter in ("as_of", "against")],
    )


def _seen(difference: Difference) -> State:
    facts = {name: getattr(difference, name) for name in ("of", "before", "after")}
    return redact_for_reader(facts)


def _instant(question: Question, name: str = "as_of") -> datetime | None:
    """Return the instant that is asked for; None is now."""
    as_of = question.parameters.get(name)
    if as_of is None or isinstance(as_of, datetime):
        return as_of
    end = ends(as_of, question.parameters.get("days_in"))
    return None if end is None else end - timedelta.resolution


def _day(question: Question, name: str) -> str:
    """Return the day that is asked for, on the reader's clock."""
    as_of = question.parameters.get(name)
    if isinstance(as_of, datetime):
        as_of = as_of.astimezone(ZoneInfo(zone_name())).date()
    return as_of.isoformat() if as_of else ""
