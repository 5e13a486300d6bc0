"""What somebody should look at: counted, with the way to the list behind each entry."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import url_for
from flask.typing import ResponseReturnValue
from marshmallow import Schema

from ledger.ipn.modes import Mode
from ledger.queries.filter_conditions import Comparison, Filter, narrowing
from ledger.queries.filter_declarations import EventFilter, SuspectFilter, TransactionFilter
from ledger.queries.lists import Item
from ledger.queries.look_at import LOOKED_BACK, VERIFICATION_WAIT, LookAt, LookAtCode
from web.authentication import redact_for_reader, scope_of
from web.context import context
from web.pages.blueprint import bp
from web.pages.languages import N_, translated
from web.pages.navigation import address_of
from web.pages.rendering import render
from web.pages.request_parameters import read_question
from web.to_look_at import entries_of

WORDS: dict[str, tuple[str, str]] = {
    LookAtCode.VERIFICATION_TOO_LONG: (
        N_("Under verification for too long"),
        N_("Nothing new for %(days)s days: look at them in the Back Office."),
    ),
    LookAtCode.AUTHORISATION_OVERDUE: (
        N_("Authorisation overdue"),
        N_("Their capture day has passed, and they still wait for an authorisation."),
    ),
    LookAtCode.VALIDATION_OVERDUE: (
        N_("Not validated in time"),
        N_("Their capture day has passed without a validation: they expire."),
    ),
    LookAtCode.INSTALMENTS_MISSED: (
        N_("Instalments missed"),
        N_("Months of a running plan in which nothing was heard of an instalment."),
    ),
    LookAtCode.REFUNDS_TO_RETRY: (
        N_("Refunds to retry"),
        N_("Refused in the last %(days)s days, and nothing as large was refunded since."),
    ),
    LookAtCode.CONTRADICTIONS: (
        N_("Contradictions"),
        N_("Events of the last %(days)s days that contradict what was known."),
    ),
    LookAtCode.GAPS: (
        N_("Missing here, listed by files"),
        N_("Payments that files of the platform list and that are not known as listed."),
    ),
    LookAtCode.SUSPECTS: (
        N_("Probably not notified"),
        N_("News that is overdue or missing, as far as other news gives it away."),
    ),
    LookAtCode.SHOPS_SILENT: (
        N_("Silent shops"),
        N_("No notification for more than twice their longest pause."),
    ),
    LookAtCode.QUARANTINE_GROWS: (
        N_("Quarantine grows"),
        N_("Refused calls of today (UTC): more than on an average day of the week before."),
    ),
    LookAtCode.UNDECIDED: (
        N_("Not decided yet"),
        N_("Verified notifications that are in no history and no sum."),
    ),
}
"""What each entry is called, and what it means."""
_DAYS = {
    LookAtCode.VERIFICATION_TOO_LONG: VERIFICATION_WAIT.days,
    LookAtCode.REFUNDS_TO_RETRY: LOOKED_BACK.days,
    LookAtCode.CONTRADICTIONS: LOOKED_BACK.days,
}
_PAGES = {
    LookAtCode.GAPS: "pages.completeness",
    LookAtCode.SHOPS_SILENT: "pages.notifications",
    LookAtCode.QUARANTINE_GROWS: "pages.quarantine",
    LookAtCode.UNDECIDED: "pages.quarantine",
}
_LISTS: dict[type[Filter], str] = {
    TransactionFilter: "pages.search",
    EventFilter: "pages.events",
    SuspectFilter: "pages.suspects",
}


class NoParameters(Schema):
    """The page takes none."""


@bp.get("/<mode:mode>/to-look-at")
def to_look_at(mode: str) -> ResponseReturnValue:
    """Show what there is to look at, what counts nothing last."""
    question = read_question(NoParameters())
    entries = lines_of(entries_of(scope_of(Mode(mode))), mode)
    page = render(
        "to_look_at.html",
        question=question,
        lines=[line for line in entries if line["count"] != 0],
        quiet=[line for line in entries if line["count"] == 0],
        now=context().clock(),
    )
    return page, question.status


def lines_of(looked_at: Sequence[LookAt], mode: str) -> list[dict[str, Any]]:
    """Return the entries as a page shows them."""
    return [_line(look_at, mode) for look_at in looked_at]


def _line(look_at: LookAt, mode: str) -> dict[str, Any]:
    title, meaning = WORDS[look_at.code]
    return {
        "title": title,
        "meaning": translated(meaning) % {"days": _DAYS.get(look_at.code)},
        "count": look_at.count,
        "is_bounded": look_at.is_bounded,
        "oldest_at": look_at.oldest_at,
        "href": _address(look_at, mode),
        "objects": [_object(item) for item in look_at.objects],
    }


def _address(look_at: LookAt, mode: str) -> str | None:
    """Return the address of the list behind an entry; None where its objects are all there is."""
    if look_at.code in _PAGES:
        return url_for(_PAGES[look_at.code], mode=mode)
    if type(look_at.filters) not in _LISTS:
        return None
    assert look_at.filters is not None
    words = {
        name: _written(condition.comparison, value)
        for name, condition, value in narrowing(look_at.filters)
        if name not in ("mode", "shop_id")
    }
    return f"{url_for(_LISTS[type(look_at.filters)], mode=mode)}?{urlencode(words, doseq=True)}"


def _written(comparison: Comparison, value: Any) -> Any:
    """Return a bound as the day (UTC) that a form has, other words as they are."""
    if isinstance(value, datetime):
        is_end = comparison is Comparison.UNTIL
        return (value - timedelta.resolution if is_end else value).date().isoformat()
    if isinstance(value, bool):
        return "true"
    return sorted(value) if isinstance(value, frozenset) else value


def _object(item: Item) -> Item:
    """Return an object with its address; None where its name is masked."""
    shown = redact_for_reader(item)
    return shown | {"href": address_of(shown)}
