"""What the pages of objects share: the question as known when, and the answer."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import cache, partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Response
from flask.typing import ResponseReturnValue
from marshmallow import Schema, ValidationError, fields
from werkzeug.local import LocalProxy

from ledger.instants import read_as_of
from ledger.items import Item, instant
from ledger.lookup import SUBSCRIPTION, stream
from web.context import context, ledger
from web.pages.asking import Question, days_in, ends, read_question, text, without_blanks
from web.pages.languages import N_, zone_name
from web.pages.navigation import links_of
from web.pages.rendering import render_in_parts
from web.pages.story import Story
from web.security import shown, will_tell_personal

More = Mapping[str, Callable[[Item, Story, UUID], Any]]
"""What else a template needs, each from the item as known then, its story and its stream."""

_TICK = timedelta(microseconds=1)
_DAY_LENGTH = len("2026-03-10")


class Then(fields.Field[Any]):
    """A day, which means its end, or an instant."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> date | datetime:
        told = str(value).strip()
        try:
            is_day = len(told) == _DAY_LENGTH
            return date.fromisoformat(told) if is_day else read_as_of(told)
        except ValueError as error:
            wrong = N_("Write a day as 2026-03-10, or an instant as 2026-03-10T09:15:00Z.")
            raise ValidationError(wrong) from error


class HistoryForm(Schema):
    """What a page with a history may be asked."""

    as_of = Then()
    days_in = days_in()


class NamedForm(HistoryForm):
    """The same where `alias` tells those of one id apart."""

    alias = text()


def tell_object(
    kind: str, mode: str, shop_id: str, name: str, template: str, more: More
) -> ResponseReturnValue:
    """The page of one transaction, alias or subscription."""
    cleaned = without_blanks()
    if cleaned is not None:
        return cleaned
    question = read_question(NamedForm() if kind == SUBSCRIPTION else HistoryForm())
    alias = question.asked.get("alias")
    id_ = stream(ledger(), kind, shop_id, mode.upper(), name, alias=alias)
    ledger().events.check_known(id_)
    story = Story(lambda: [ledger().events.history(id_)], at=moment_of(question))
    will_tell_personal(kind, shop_id=shop_id, mode=mode, reference=name)
    if not is_told(story, question):
        return refuse(story, question, kind=kind, title=name)
    item = later(lambda: shown(story.items[0]))
    links = later(lambda: links_of(item))
    told = {name: later(partial(make, item, story, id_)) for name, make in more.items()}
    return tell(template, story, question, item=item, links=links, **told)


def later(make: Callable[[], Any]) -> Any:
    """What is made when a template first looks at it, while the page's head is on its way."""
    return LocalProxy(cache(make))


def is_told(story: Story, question: Question) -> bool:
    """Whether there is anything to tell: something was known then, and the question is clear."""
    return not question.wrong and (story.at is None or bool(story.streams))


def tell(template: str, story: Story, question: Question, **told: Any) -> ResponseReturnValue:
    """A page with a history, its head first."""
    return Response(_body(template, story, question, told), mimetype="text/html")


def refuse(story: Story, question: Question, **told: Any) -> ResponseReturnValue:
    """Say that nothing was known then, or what of the question cannot be read."""
    body = _body("unknown_then.html", story, question, told)
    return Response(body, 400 if question.wrong else 404, mimetype="text/html")


def moment_of(question: Question) -> datetime | None:
    """The instant that is asked for; None is now."""
    asked = question.asked.get("as_of")
    if asked is None or isinstance(asked, datetime):
        return asked
    end = ends(asked, question.asked["days_in"])
    return None if end is None else end - _TICK


def _body(template: str, story: Story, question: Question, told: dict[str, Any]) -> Any:
    return render_in_parts(
        template,
        story=story,
        question=question,
        then=None if story.at is None else instant(story.at),
        day_asked=_day(question),
        now=context().clock(),
        newest_position=ledger().events.newest_position,
        **told,
    )


def _day(question: Question) -> str:
    """The day that is asked for, on the reader's clock."""
    asked = question.asked.get("as_of")
    if isinstance(asked, datetime):
        return asked.astimezone(ZoneInfo(zone_name())).date().isoformat()
    return asked.isoformat() if asked else ""
