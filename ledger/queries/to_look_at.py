"""Finds what somebody should look at: what waits too long, does not add up or is silent.

Each entry costs one page of a list that exists, and leads to it: what is more than a page is not
counted to its end.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Connection, select

from ledger.errors import ViewNotBuiltError
from ledger.instants import beginning_of, read_instant
from ledger.ipn.kinds import Kind
from ledger.ipn.modes import Mode
from ledger.ipn.snapshots import CREATED
from ledger.projections.money_outcomes import COUNTED, NOT_MADE
from ledger.projections.suspect_rules import SuspectRule, Suspicion
from ledger.queries.activity import Scope, last_received
from ledger.queries.filter_conditions import Filter
from ledger.queries.filter_declarations import (
    EventFilter,
    NotificationFilter,
    SubscriptionFilter,
    SuspectFilter,
    TransactionFilter,
)
from ledger.queries.lists import (
    AUDIT_TRAIL,
    LIMIT_MAX,
    SUBSCRIPTIONS,
    TRANSACTIONS,
    Item,
    Listing,
    list_page,
)
from ledger.queries.live_tables import live_table
from ledger.queries.quarantine_list import quarantined
from ledger.queries.schedules import missed_months
from ledger.queries.silent_shops import find_silent_shops
from ledger.queries.suspects import SUSPECTS
from ledger.queries.undecided import count_undecided
from ledger.storage.outcomes import Outcome

VERIFICATION_WAIT = timedelta(days=3)
"""A payment that stands under verification for so many whole UTC days waits too long."""
LOOKED_BACK = timedelta(days=30)
"""A contradiction, or a refused refund, is news for so long."""
WEEK_DAYS = 7
OBJECTS_MAX = 20


class LookAtCode(StrEnum):
    """What there is to look at."""

    VERIFICATION_TOO_LONG = "verification-too-long"
    AUTHORISATION_OVERDUE = "authorisation-overdue"
    VALIDATION_OVERDUE = "validation-overdue"
    INSTALMENTS_MISSED = "instalments-missed"
    REFUNDS_TO_RETRY = "refunds-to-retry"
    CONTRADICTIONS = "contradictions"
    GAPS = "gaps"
    SUSPECTS = "suspects"
    SHOPS_SILENT = "shops-silent"
    QUARANTINE_GROWS = "quarantine-grows"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class LookAt:
    """One thing to look at.

    Shape: `count` is None while its read model is being built, and `is_bounded` when there are
    more; `oldest_at` is since when the oldest waits. `filters` select the list behind it, in days
    of UTC. `objects` are the first of them where no list has exactly these: kind, reference, shop.
    """

    code: LookAtCode
    count: int | None
    is_bounded: bool = False
    oldest_at: datetime | None = None
    filters: Filter | None = None
    objects: tuple[Item, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Gaps:
    """Payments that files of the platform list otherwise than they are known, and since when."""

    count: int = 0
    first_day: date | None = None


def to_look_at(connection: Connection, scope: Scope, now: datetime, gaps: Gaps) -> list[LookAt]:
    """Return every entry in one order, those that count nothing too.

    Shape: `gaps` are what reconciliation has found of the same shops and mode.
    """
    entries = []
    for code, look in _ENTRIES.items():
        try:
            entries.append(look(connection, scope, now))
        except ViewNotBuiltError:
            entries.append(LookAt(code, None))
    since = None if gaps.first_day is None else beginning_of(gaps.first_day)
    return [LookAt(LookAtCode.GAPS, gaps.count, oldest_at=since), *entries]


# -- lists that exist ---------------------------------------------------------------------------


_Filter = TypeVar("_Filter", bound=Filter)


def _within(scope: Scope, filter_class: type[_Filter], **parameters: Any) -> _Filter:
    """Return a filter within what a reader sees: of no shop when there is none."""
    shops = frozenset(scope.shops) if scope.is_limited else None
    return replace(filter_class.of({"mode": scope.mode, **parameters}), shop_id=shops)


def _listed(
    connection: Connection,
    code: LookAtCode,
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
    return LookAt(code, len(page.items), is_bounded, oldest_at, filters)


def _verification_too_long(connection: Connection, scope: Scope, now: datetime) -> LookAt:
    """Under verification, and nothing new for some whole days."""
    until = beginning_of(now.date() - VERIFICATION_WAIT)
    waiting = ["UNDER_VERIFICATION"]
    filters = _within(scope, TransactionFilter, status=waiting, changed_until=until)
    return _listed(connection, LookAtCode.VERIFICATION_TOO_LONG, TRANSACTIONS, filters)


def _authorisation_overdue(connection: Connection, scope: Scope, now: datetime) -> LookAt:
    """Still waiting for their authorisation after the day on which they were to be captured."""
    filters = _within(scope, SuspectFilter, rule=[SuspectRule.AUTHORISATION_OVERDUE])
    return _listed(connection, LookAtCode.AUTHORISATION_OVERDUE, SUSPECTS, filters, now)


def _validation_overdue(connection: Connection, scope: Scope, now: datetime) -> LookAt:
    filters = _within(scope, SuspectFilter, rule=[SuspectRule.VALIDATION_OVERDUE])
    return _listed(connection, LookAtCode.VALIDATION_OVERDUE, SUSPECTS, filters, now)


def _suspects(connection: Connection, scope: Scope, now: datetime) -> LookAt:
    """Everything else of which it is certain or likely that news was never told."""
    own_entries = (SuspectRule.AUTHORISATION_OVERDUE, SuspectRule.VALIDATION_OVERDUE)
    rules = [rule.value for rule in SuspectRule if rule not in own_entries]
    degrees = [Suspicion.CERTAIN.value, Suspicion.LIKELY.value]
    filters = _within(scope, SuspectFilter, rule=rules, certainty=degrees)
    return _listed(connection, LookAtCode.SUSPECTS, SUSPECTS, filters, now)


def _contradictions(connection: Connection, scope: Scope, now: datetime) -> LookAt:
    since = beginning_of(now.date() - LOOKED_BACK)
    filters = _within(scope, EventFilter, contradiction=True, recorded_from=since)
    return _listed(connection, LookAtCode.CONTRADICTIONS, AUDIT_TRAIL, filters)


# -- lists of their own -------------------------------------------------------------------------


def _instalments_missed(connection: Connection, scope: Scope, now: datetime) -> LookAt:
    """Running plans, of the newest ones, with a month of which nothing was heard."""
    filters = _within(scope, SubscriptionFilter, status=[CREATED])
    page = list_page(connection, SUBSCRIPTIONS, filters, limit=LIMIT_MAX)
    missed_by_plan = [
        (plan, missed)
        for plan in page.items
        if not plan["doubtful"] and (missed := _missed(plan, now.date()))
    ]
    first = min((missed[0] for _, missed in missed_by_plan), default=None)
    return LookAt(
        LookAtCode.INSTALMENTS_MISSED,
        sum(len(missed) for _, missed in missed_by_plan),
        page.next_cursor is not None,
        None if first is None else beginning_of(date(*first, 1)),
        filters,
        tuple(
            _object(Kind.SUBSCRIPTION, plan, "subscription_id")
            for plan, _ in missed_by_plan[:OBJECTS_MAX]
        ),
    )


def _missed(plan: Item, today: date) -> list[tuple[int, int]]:
    made = [instalment["created_at"] for instalment in plan["instalments"]]
    if not all(made):
        return []  # one without a day may be any
    days = (datetime.fromisoformat(at).date() for at in made)
    return missed_months(plan["schedule"], plan["effect_on"], days, today)


def _refunds_to_retry(connection: Connection, scope: Scope, now: datetime) -> LookAt:
    """Refused refunds after which nothing as large was given back in the same order."""
    since = beginning_of(now.date() - LOOKED_BACK)
    statuses = [*NOT_MADE, "REFUND_TO_RETRY"]
    filters = _within(
        scope,
        TransactionFilter,
        operation_type=["CREDIT"],
        status=statuses,
        first_seen_from=since,
    )
    page = list_page(connection, TRANSACTIONS, filters, sort="time", limit=LIMIT_MAX)
    made_by_order = _refunds_made(connection, {item["order_id"] for item in page.items})
    open_refunds = [
        item
        for item in page.items
        if not item["doubtful"]
        and not any(_stands_for(made, item) for made in made_by_order[_order_of(item)])
    ]
    return LookAt(
        LookAtCode.REFUNDS_TO_RETRY,
        len(open_refunds),
        page.next_cursor is not None,
        read_instant(open_refunds[0]["first_seen_at"]) if open_refunds else None,
        filters,
        tuple(_object(Kind.TRANSACTION, item, "reference") for item in open_refunds[:OBJECTS_MAX]),
    )


_Order = tuple[str, str, str | None]


def _order_of(transaction: Mapping[str, Any]) -> _Order:
    return transaction["shop_id"], Mode(transaction["mode"]).value, transaction["order_id"]


def _refunds_made(
    connection: Connection, order_ids: set[str | None]
) -> Mapping[_Order, list[Mapping[str, Any]]]:
    """Return the refunds of these orders that count as money, by order."""
    table, _, _ = live_table(connection, TRANSACTIONS.view, TRANSACTIONS.table)
    c = table.c
    query = select(
        *(c.shop_id, c.mode, c.order_id, c.currency, c.amount_minor, c.first_seen_at)
    ).where(
        c.order_id.in_(sorted(filter(None, order_ids))),
        c.operation_type == "CREDIT",
        c.status.in_(COUNTED),
        c.is_doubtful == 0,
    )
    by_order: dict[_Order, list[Mapping[str, Any]]] = defaultdict(list)
    for row in connection.execute(query):
        made = row._asdict()
        by_order[_order_of(made)].append(made)
    return by_order


def _stands_for(made: Mapping[str, Any], refused: Item) -> bool:
    """Return True if a refund was made after one that was refused, and gives back as much."""
    amounts = made["amount_minor"], refused["amount_minor"]
    is_as_large = None not in amounts and amounts[0] >= amounts[1]
    is_later = read_instant(made["first_seen_at"]) >= read_instant(refused["first_seen_at"])
    return is_as_large and is_later and made["currency"] == refused["currency"]


def _object(kind: Kind, item: Item, name: str) -> Item:
    alias = item.get("alias") if kind is Kind.SUBSCRIPTION else None
    names = {"shop_id": item["shop_id"], "mode": item["mode"], "alias": alias}
    return {"kind": kind.value, "reference": item[name], **names}


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
    filters = _within(scope, NotificationFilter, outcome=waiting, received_from=since)
    return LookAt(
        LookAtCode.QUARANTINE_GROWS,
        today if grows else 0,
        oldest_at=since if grows else None,
        filters=filters,
    )


def _undecided(connection: Connection, scope: Scope, now: datetime) -> LookAt:
    count, oldest_at = count_undecided(connection, scope)
    filters = _within(scope, NotificationFilter, outcome=[Outcome.UNDECIDED])
    return LookAt(LookAtCode.UNDECIDED, count, oldest_at=oldest_at, filters=filters)


_ENTRIES: Mapping[LookAtCode, Callable[[Connection, Scope, datetime], LookAt]] = {
    LookAtCode.UNDECIDED: _undecided,
    LookAtCode.SHOPS_SILENT: _shops_silent,
    LookAtCode.QUARANTINE_GROWS: _quarantine_grows,
    LookAtCode.VERIFICATION_TOO_LONG: _verification_too_long,
    LookAtCode.AUTHORISATION_OVERDUE: _authorisation_overdue,
    LookAtCode.VALIDATION_OVERDUE: _validation_overdue,
    LookAtCode.INSTALMENTS_MISSED: _instalments_missed,
    LookAtCode.REFUNDS_TO_RETRY: _refunds_to_retry,
    LookAtCode.CONTRADICTIONS: _contradictions,
    LookAtCode.SUSPECTS: _suspects,
}
"""In the order in which somebody looks at them."""
