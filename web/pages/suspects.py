"""What was probably not told, seen without a file, and what would bring the missing news."""

from flask.typing import ResponseReturnValue
from marshmallow import Schema

from ledger.errors import BadCursorError, ViewNotBuiltError
from ledger.projections.suspect_rules import SuspectRule, Suspicion
from ledger.queries.filter_conditions import Filter
from ledger.queries.filter_declarations import SuspectFilter
from ledger.queries.lists import LIMIT_DEFAULT, Item, Page, list_page
from ledger.queries.suspects import SUSPECTS, count_by_certainty, count_suspects
from web.authentication import filter_of_caller, redact_items
from web.context import context, ledger
from web.pages.blueprint import bp
from web.pages.navigation import address_of
from web.pages.rendering import render
from web.pages.request_parameters import OTHER_QUESTION, Question, read_question, text, texts
from web.paths import own_path


class SuspectsForm(Schema):
    """The filters of the list."""

    certainty = texts(*(certainty.value for certainty in Suspicion))
    rule = texts(*(rule.value for rule in SuspectRule))
    cursor = text(limit=4_000)


@bp.get("/<mode:mode>/suspects")
def suspects(mode: str) -> ResponseReturnValue:
    """List what is suspected by now, what is overdue longest first."""
    question = read_question(SuspectsForm())
    chosen = {name: question.parameters.get(name) for name in ("certainty", "rule")}
    filter_ = filter_of_caller(SuspectFilter, {"mode": mode} | chosen)
    everything = filter_of_caller(SuspectFilter, {"mode": mode})
    now = context().clock()
    with ledger().database.connect() as connection:
        counts = count_suspects(connection, now, everything)
    listed = None if question.wrong or counts is None else _listed(question, filter_)
    page = render(
        "suspects.html",
        question=question,
        counts=count_by_certainty(counts or ()),
        is_built=counts is not None,
        rows=[] if listed is None else [_row(item) for item in redact_items(listed.items, filter_)],
        next_address=listed
        and listed.next_cursor
        and question.address(own_path(), cursor=listed.next_cursor),
        first_address=question.value("cursor") and question.address(own_path(), "cursor"),
    )
    return page, question.status


def _listed(question: Question, filter_: Filter) -> Page | None:
    cursor = question.parameters.get("cursor")
    try:
        with ledger().database.connect() as connection:
            return list_page(
                connection,
                SUSPECTS,
                filter_,
                sort="time",
                cursor=cursor,
                limit=LIMIT_DEFAULT,
                now=context().clock(),
            )
    except BadCursorError:
        question.wrong["cursor"] = [OTHER_QUESTION]
        return None
    except ViewNotBuiltError:
        return None


def _row(item: Item) -> Item:
    """Return an item with the address of its object; None where its name is masked."""
    return item | {"href": address_of(item)}
