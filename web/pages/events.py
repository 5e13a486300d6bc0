"""Every event of a mode, newest first, and what became known on a day."""

from collections.abc import Mapping
from datetime import date, timedelta

from flask import url_for
from flask.typing import ResponseReturnValue

from ledger.aggregates.event_catalogue import EVENT_CLASSES, SENTENCES
from ledger.ipn.kinds import KINDS
from ledger.ipn.notification_rules import RULES
from ledger.ipn.snapshots import Fact
from ledger.queries.event_counts import EventCounts, count_events
from ledger.queries.filter_declarations import EventFilter
from ledger.queries.lists import AUDIT_TRAIL, Item, Page
from web.authentication import filter_of_caller
from web.context import context, ledger, today_in
from web.pages.blueprint import bp
from web.pages.filter_form import (
    basis_choices,
    chosen_filters,
    filter_parameters,
    form_parts,
    form_schema,
    shop_choices,
)
from web.pages.history_lines import sentence_of
from web.pages.languages import N_, translated
from web.pages.list_reading import read_list
from web.pages.navigation import address_of
from web.pages.rendering import render
from web.pages.request_parameters import (
    Question,
    days_in,
    read_question,
    text,
    zone_of_days,
)
from web.pages.translations import KINDS as KIND_WORDS
from web.paths import own_path

SENTENCE_BY_TYPE = {type_: SENTENCES[class_] for type_, class_ in EVENT_CLASSES.items()}


class EventsForm(form_schema(EventFilter)):  # type: ignore[misc]  # made from the declarations
    """What the page of events may be asked."""

    days_in = days_in()
    cursor = text(limit=4_000)


@bp.get("/<mode:mode>/events")
def events(mode: str) -> ResponseReturnValue:
    """List what happened, what became known last first; of some days also how much of each kind."""
    question = read_question(EventsForm())
    parameters = filter_parameters(EventFilter, question.parameters)
    filter_ = filter_of_caller(EventFilter, parameters | {"mode": mode})
    event_page, rows, counts = (None, [], None) if question.wrong else _read(question, filter_)
    choices, day = _choices(), _single_day(question)
    page = render(
        "events.html",
        question=question,
        page=event_page,
        rows=rows,
        counts=counts,
        sentences=SENTENCE_BY_TYPE,
        periods=_periods(question),
        day=day,
        new_events=_new_events(mode, question, filter_, event_page),
        known_fields=[*EventsForm().fields],
        **form_parts(EventFilter, choices),
        chosen=chosen_filters(question, choices, *(_SPAN if day else ())),
    )
    return page, question.status


def _new_events(
    mode: str, question: Question, filter_: EventFilter, event_page: Page | None
) -> str | None:
    """Return where to ask what has come since; None for a second page, and for days in the past."""
    until = filter_.recorded_until
    if event_page is None or question.value("cursor") or (until and until <= context().clock()):
        return None
    address = url_for("pages.new_events", mode=mode)
    return question.address(address, after=str(event_page.as_of_position))


def _read(
    question: Question, filter_: EventFilter
) -> tuple[Page | None, list[Item], EventCounts | None]:
    """Return a page of the list with its rows, and counts where days are asked for; no page for
    what is wrong."""
    has_days = filter_.recorded_from is not None or filter_.recorded_until is not None
    with ledger().database.connect() as connection:
        page = read_list(connection, question, AUDIT_TRAIL, filter_)
        counts = count_events(connection, filter_) if page and has_days else None
        items = page.items if page else []
        positions = [item["position"] for item in items]
        facts_by_position = ledger().events.facts_at(connection, positions)
    return page, [_row(item, facts_by_position[item["position"]]) for item in items], counts


def _row(item: Item, facts: Mapping[str, Fact | None]) -> Item:
    """Return an event as the page shows it.

    Shape: with its sentence, the operation that its amount is of, when its instalment was created,
    and the address of its object; None for a masked name.
    """
    return item | {
        "sentence": sentence_of(SENTENCE_BY_TYPE[item["type"]], facts),
        "operation_type": facts.get("operation_type"),
        "created_at": facts.get("created_at"),
        "href": address_of(item, position=item["position"]),
    }


def _periods(question: Question) -> list[tuple[str, str, bool]]:
    """Return the days that are asked for most: title, address, and which one this page is of."""
    zone = zone_of_days()
    today = today_in(zone)
    spans: tuple[tuple[str, dict[str, str]], ...] = (
        (N_("All days"), {}),
        (N_("Today"), _span(today, today)),
        (N_("Yesterday"), _span(today - timedelta(days=1), today - timedelta(days=1))),
        (N_("Last 7 days"), _span(today - timedelta(days=6), today)),
    )
    span_shown = {name: question.value(name) for name in _SPAN if question.value(name)}
    in_zone = {} if zone == "UTC" else {"days_in": zone}
    addresses = (
        question.address(own_path(), "cursor", *_SPAN, **span, **(in_zone if span else {}))
        for _, span in spans
    )
    return [
        (title, address, span == span_shown)
        for (title, span), address in zip(spans, addresses, strict=True)
    ]


_SPAN = ("recorded_from", "recorded_until")


def _span(first_day: date, last_day: date) -> dict[str, str]:
    return dict(zip(_SPAN, (first_day.isoformat(), last_day.isoformat()), strict=True))


def _single_day(question: Question) -> dict[str, str] | None:
    """Return the one day that the page is of, with the addresses of those around it."""
    first, last = (question.parameters.get(name) for name in _SPAN)
    if not isinstance(first, date) or first != last or not date.min < first < date.max:
        return None
    before, after = (first + timedelta(days=days) for days in (-1, 1))
    return {
        "day": first.isoformat(),
        "before": question.address(own_path(), "cursor", **_span(before, before)),
        "after": question.address(own_path(), "cursor", **_span(after, after)),
    }


def _choices() -> dict[str, list[tuple[str, str]]]:
    """Return the values that the form offers, with their labels."""
    return {
        "shop_id": shop_choices(),
        "kind": [(kind, translated(KIND_WORDS[kind])) for kind in KINDS],
        "type": [(type_, translated(words)) for type_, words in SENTENCE_BY_TYPE.items()],
        "rule": [(rule, translated(RULES[rule].meaning)) for rule in RULES],
        "basis": basis_choices(),
    }
