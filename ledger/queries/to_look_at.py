"""Finds what somebody should look at: what waits too long, does not add up or is silent.

Each entry costs one page of a list that exists, and leads to it: what is more than a page is not
counted to its end.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection

from ledger.errors import ViewNotBuiltError
from ledger.instants import beginning_of, read_instant
from ledger.projections.suspect_rules import SuspectRule, Suspicion
from ledger.queries.activity import Scope, last_received
from ledger.queries.filter_conditions import Filter
from ledger.queries.filter_declarations import (
    EventFilter,
    NotificationFilter,
    SuspectFilter,
    TransactionFilter,
)
from ledger.queries.lists import (
    AUDIT_TRAIL,
    LIMIT_MAX,
    TRANSACTIONS,
    Listing,
    list_page,
)
from ledger.queries.look_at import (
    LOOKED_BACK,
    VERIFICATION_WAIT,
    WEEK_DAYS,
    Gaps,
    LookAt,
    LookAtCode,
    within,
)
from ledger.queries.missed_money import instalments_missed, refunds_to_retry
from ledger.queries.quarantine_list import quarantined
from ledger.queries.silent_shops import find_silent_shops
from ledger.queries.suspects import SUSPECTS
from ledger.queries.undecided import count_undecided
from ledger.storage.outcomes import Outcome


def to_look_at(connection: Connection, scope: Scope, now: datetime, gaps: Gaps) -> list[LookAt]:
    """Return every entry in one order, those that count nothing too.

    Shape: `gaps` are what reconciliation has found of the same shops and mode.
    """
    entries = []
    for look_at_code, look in _ENTRIES.items():
        try:
            entries.append(look(connection, scope, now))
        except ViewNotBuiltError:
            entries.append(LookAt(look_at_code, None))
    since = None if gaps.first_day is None else beginning_of(gaps.first_day)
    return [LookAt(LookAtCode.GAPS, gaps.count, oldest_at=since), *entries]


# -- lists that exist ---------------------------------------------------------------------------


def _listed(
    connection: Connection,
    look_at_code: LookAtCode,
    listing: Listing,
    filters: Filter,
    now: datetime | None = None,
) -> LookAt:
    """Return the entry of a list, of which one page is read: what is oldest first."""
    page = list_page(connection, listing, filters, sort="time", limit=LIMIT_MAX, now=now)
    since = listing.orders["time"].columns[0]
    since = "recorded_at" if since == "position" else since
    oldest_at = read_instant(page.items[0][since]) if page.items else None
    is_bounded = page.next_cursor is not None
    return LookAt(look_at_code, len(page.items), is_bounded, oldest_at, filters)


def _verification_too_long(connection: Connection, scope: Scope, now: datetime) -> LookAt:
    """Under verification, and nothing new for some whole days."""
    until = beginning_of(now.date() - VERIFICATION_WAIT)
    waiting = ["UNDER_VERIFICATION"]
    filters = within(scope, TransactionFilter, status=waiting, changed_until=until)
    return _listed(connection, LookAtCode.VERIFICATION_TOO_LONG, TRANSACTIONS, filters)


def _authorisation_overdue(connection: Connection, scope: Scope, now: datetime) -> LookAt:
    """Still waiting for their authorisation after the day on which they were to be captured."""
    filters = within(scope, SuspectFilter, rule=[SuspectRule.AUTHORISATION_OVERDUE])
    return _listed(connection, LookAtCode.AUTHORISATION_OVERDUE, SUSPECTS, filters, now)


def _validation_overdue(connection: Connection, scope: Scope, now: datetime) -> LookAt:
    filters = within(scope, SuspectFilter, rule=[SuspectRule.VALIDATION_OVERDUE])
    return _listed(connection, LookAtCode.VALIDATION_OVERDUE, SUSPECTS, filters, now)


def _suspects(connection: Connection, scope: Scope, now: datetime) -> LookAt:
    """Everything else of which it is certain or likely that news was never told."""
    own_entries = (SuspectRule.AUTHORISATION_OVERDUE, SuspectRule.VALIDATION_OVERDUE)
    rules = [rule.value for rule in SuspectRule if rule not in own_entries]
    degrees = [Suspicion.CERTAIN.value, Suspicion.LIKELY.value]
    filters = within(scope, SuspectFilter, rule=rules, certainty=degrees)
    return _listed(connection, LookAtCode.SUSPECTS, SUSPECTS, filters, now)


def _contradictions(connection: Connection, scope: Scope, now: datetime) -> LookAt:
    since = beginning_of(now.date() - LOOKED_BACK)
    filters = within(scope, EventFilter, contradiction=True, recorded_from=since)
    return _listed(connection, LookAtCode.CONTRADICTIONS, AUDIT_TRAIL, filters)


# -- what comes, and does not --------------------------------------------------------------------


def _shops_silent(connection: Connection, scope: Scope, now: datetime) -> LookAt:
    silent = find_silent_shops(connection, scope, last_received(connection, scope), now)
    oldest_at = min((each.last_received_at for each in silent), default=None)
    return LookAt(LookAtCode.SHOPS_SILENT, len(silent), oldest_at=oldest_at)


def _quarantine_grows(connection: Connection, scope: Scope, now: datetime) -> LookAt:
    """Calls of today that wait in quarantine, when they are more than on a day of last week."""
    days = [now.date() - timedelta(days=back) for back in reversed(range(WEEK_DAYS + 1))]
    *week, today = quarantined(connection, scope, days, "UTC").values()
    grows = today * WEEK_DAYS > sum(week)
    since = beginning_of(now.date())
    waiting = [Outcome.QUARANTINED]
    filters = within(scope, NotificationFilter, outcome=waiting, received_from=since)
    return LookAt(
        LookAtCode.QUARANTINE_GROWS,
        today if grows else 0,
        oldest_at=since if grows else None,
        filters=filters,
    )


def _undecided(connection: Connection, scope: Scope, now: datetime) -> LookAt:
    count, oldest_at = count_undecided(connection, scope)
    filters = within(scope, NotificationFilter, outcome=[Outcome.UNDECIDED])
    return LookAt(LookAtCode.UNDECIDED, count, oldest_at=oldest_at, filters=filters)


_ENTRIES: Mapping[LookAtCode, Callable[[Connection, Scope, datetime], LookAt]] = {
    LookAtCode.UNDECIDED: _undecided,
    LookAtCode.SHOPS_SILENT: _shops_silent,
    LookAtCode.QUARANTINE_GROWS: _quarantine_grows,
    LookAtCode.VERIFICATION_TOO_LONG: _verification_too_long,
    LookAtCode.AUTHORISATION_OVERDUE: _authorisation_overdue,
    LookAtCode.VALIDATION_OVERDUE: _validation_overdue,
    LookAtCode.INSTALMENTS_MISSED: instalments_missed,
    LookAtCode.REFUNDS_TO_RETRY: refunds_to_retry,
    LookAtCode.CONTRADICTIONS: _contradictions,
    LookAtCode.SUSPECTS: _suspects,
}
"""In the order in which somebody looks at them."""
