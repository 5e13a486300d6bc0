"""The pages of transactions, stored means of payment and subscriptions, as known now or then."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import get_month_names
from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from ledger.errors import AmbiguousError, ViewNotBuiltError
from ledger.instants import read_instant
from ledger.ipn.modes import Mode
from ledger.queries.find_by_name import ALIAS, SUBSCRIPTION, TRANSACTION, find_stream
from ledger.queries.lists import SUBSCRIPTIONS, TRANSACTIONS, Listing, Page, list_page
from ledger.queries.related import related_transactions
from ledger.queries.schedules import missed_months, monthly_plan
from ledger.queries.state import State
from ledger.queries.summaries import transaction_summary
from web.authentication import redact_for_reader
from web.context import context, ledger
from web.listed import listed_of
from web.pages.answer_line import sentence
from web.pages.blueprint import bp
from web.pages.history import HistoryForm, render_history
from web.pages.history_lines import KnownHistory
from web.pages.languages import locale_name, zone_name
from web.pages.navigation import links_of
from web.pages.request_parameters import read_question, text
from web.pages.translations import tone

GROUPS = {
    "money": (
        "amount_minor",
        "requested_amount_minor",
        "refunded_minor",
        "payment_method",
        "wallet",
        "network",
    ),
    "time": ("created_at", "capture_at", "captured_at", "first_seen_at", "last_changed_at"),
    "acquirer": (
        "contract",
        "authorisation_number",
        "authorisation_result",
        "liability_shift",
        "payment_source",
        "trans_date",
    ),
    "names": (
        "trans_id",
        "sequence_number",
        "occurrence_type",
        "instalment_number",
        "instalment",
        "version",
    ),
}
"""The facts on top of a transaction, by what they are about; names of other objects are links."""
USES_MAX = 20
"""Newest transactions and subscriptions on the page of an alias; the search lists all."""
YEARS_MAX = 30
"""Years that a calendar shows, the newest ones."""


class SubscriptionForm(HistoryForm):
    """The parameters of a subscription's page, where `alias` tells those of one id apart."""

    alias = text()


@bp.get("/<mode:mode>/shops/<shop_id>/transactions/<name:name>")
def transaction(mode: str, shop_id: str, name: str) -> ResponseReturnValue:
    """Show a transaction, by its uuid or reference, as known now or then."""
    return _render_object(TRANSACTION, mode, shop_id, name, _of_transaction)


@bp.get("/<mode:mode>/shops/<shop_id>/aliases/<name:name>")
def alias(mode: str, shop_id: str, name: str) -> ResponseReturnValue:
    """Show a stored means of payment, as known now or then."""
    return _render_object(ALIAS, mode, shop_id, name, _of_alias)


@bp.get("/<mode:mode>/shops/<shop_id>/subscriptions/<name:name>")
def subscription(mode: str, shop_id: str, name: str) -> ResponseReturnValue:
    """Show a subscription, as known now or then; `alias` tells those of one id apart."""
    try:
        return _render_object(SUBSCRIPTION, mode, shop_id, name, _of_subscription)
    except AmbiguousError:  # the search tells them apart
        return redirect(url_for("pages.search", mode=mode, q=name), 303)


def _render_object(
    kind: str,
    mode: str,
    shop_id: str,
    name: str,
    describe: Callable[[State, KnownHistory], dict[str, Any]],
) -> ResponseReturnValue:
    question = read_question(SubscriptionForm() if kind == SUBSCRIPTION else HistoryForm())
    own_alias = question.parameters.get("alias")
    id_ = find_stream(ledger(), kind, shop_id, Mode(mode), name, alias=own_alias)

    def more(history: KnownHistory) -> dict[str, Any]:
        state = redact_for_reader(history.states[0])
        return {"state": state, "links": links_of(state)} | describe(state, history)

    streams = [ledger().events.history(id_)]
    return render_history(kind, mode, shop_id, name, question, streams, more, only=id_)


def _of_transaction(state: State, history: KnownHistory) -> dict[str, Any]:
    facts, stream_id = dict(state), history.streams[0][-1].event.originator_id
    if facts["requested_currency"] in (None, facts["currency"]) and (
        facts["requested_amount_minor"] in (None, facts["amount_minor"])
    ):
        facts["requested_amount_minor"] = None
    capture_at = state["capture_at"]
    related = related_transactions(ledger(), history.states[0], stream_id, as_of=history.at)
    refunds = related.all_refunds if related else None
    return {
        "answer": sentence(transaction_summary(history.states[0], refunds), history.at),
        "listed": listed_of(state, history.at),
        "is_due": capture_at is not None and read_instant(capture_at) > context().clock(),
        "groups": {group: {name: facts[name] for name in names} for group, names in GROUPS.items()},
        "related": related,
    }


def _of_alias(state: State, *_history: Any) -> dict[str, Any]:
    return {
        "transactions": _uses(TRANSACTIONS, state),
        "subscriptions": _uses(SUBSCRIPTIONS, state),
    }


def _uses(listing: Listing, state: State) -> Page | None:
    """Return the newest that use this alias; None while their read model is not built."""
    filter_ = listing.filter_class.of(
        {"shop_id": [state["shop_id"]], "mode": state["mode"], "alias": state["alias"]}
    )
    with ledger().database.connect() as connection:
        try:
            page = list_page(connection, listing, filter_, limit=USES_MAX)
        except ViewNotBuiltError:
            return None
    return replace(page, items=list(map(redact_for_reader, page.items)))


def _of_subscription(state: State, history: KnownHistory) -> dict[str, Any]:
    days = [(_day(instalment), instalment) for instalment in state["instalments"]]
    dated = [(day, instalment) for day, instalment in days if day is not None]
    undated = len(days) - len(dated)
    until = (history.at or context().clock()).astimezone(ZoneInfo(zone_name())).date()
    missed: list[tuple[int, int]] = []
    if not undated and tone(state["status"]) == "good":
        missed = missed_months(state["schedule"], state["effect_on"], (d for d, _ in dated), until)
    years = {day.year for day, _ in dated} | {year for year, _ in missed}
    return {
        "years": _calendar(dated, sorted(years)),
        "undated": undated,
        "plan": monthly_plan(state["schedule"]),
        "missed": missed,
    }


def _calendar(
    dated: Sequence[tuple[date, State]], shown_years: Sequence[int]
) -> dict[int, dict[str, list[Any]]]:
    """Return days with their instalments by year and name of the month.

    Shape: every year from the first to the last, all its months.
    """
    if not shown_years:
        return {}
    in_order = sorted(dated, key=itemgetter(0))
    last = shown_years[-1]
    first = max(shown_years[0], last - YEARS_MAX + 1)
    names = get_month_names("abbreviated", context="stand-alone", locale=locale_name())
    years: dict[int, dict[str, list[Any]]] = {
        year: {names[month]: [] for month in range(1, 13)} for year in range(first, last + 1)
    }
    for day, instalment in in_order:
        if day.year >= first:
            years[day.year][names[day.month]].append((day, instalment))
    return years


def _day(instalment: State) -> date | None:
    """Return the day of an instalment on the reader's clock."""
    try:
        created_at = datetime.fromisoformat(instalment["created_at"] or "")
        return created_at.astimezone(ZoneInfo(zone_name())).date()
    except (ValueError, OverflowError):
        return None
