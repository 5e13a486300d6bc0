"""What is in quarantine or undecided, as operators look at it: by reason, listed, on trial."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, select

from ledger.application import Ledger
from ledger.errors import NotFoundError
from ledger.queries.activity import Scope, bounds_of, bucket_of
from ledger.queries.filter_conditions import conditions_of, sql_conditions
from ledger.queries.filter_declarations import NotificationFilter
from ledger.storage.decisions import is_undecided
from ledger.storage.inbox import InboxRecord, as_decided, inbox_record, select_deliveries
from ledger.storage.tables import notifications, quarantine

_ALL_BUT_ARRIVAL = set(conditions_of(NotificationFilter)) - {"received_from", "received_until"}


@dataclass(frozen=True, slots=True)
class Waiting:
    """Notifications that wait for one reason. Shape: `undecided` of them are in the inbox."""

    reason: str
    count: int
    undecided: int
    oldest_at: datetime
    newest_at: datetime


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a readmission would do now. Shape: `refused` by reason."""

    passing: int
    refused: Counter[str]


def quarantined(
    connection: Connection, scope: Scope, days: Sequence[date], zone: str
) -> dict[date, int]:
    """Return how many of each day of a zone wait, as far as they claim this mode or none."""
    c = quarantine.c
    *bounds, end = bounds_of(days, zone)
    bucket = bucket_of(c.received_at, bounds)
    within = (c.received_at >= bounds[0], c.received_at < end)
    query = select(bucket, func.count()).where(*within).group_by(bucket)
    counts = dict.fromkeys(days, 0)
    for mode in _modes(scope):
        for index, count in connection.execute(query.where(mode, *_of_shops(scope))):
            counts[days[index]] += count
    return counts


def by_reason(connection: Connection, scope: Scope) -> list[Waiting]:
    """Return what waits and claims this mode or none, by reason, the most frequent reason first."""
    waiting_by_reason: dict[str, Waiting] = {}
    for table, conditions in _sources(scope):
        c = table.c
        sums = (func.count(), func.min(c.received_at), func.max(c.received_at))
        query = select(c.reason, *sums).where(*conditions).group_by(c.reason)
        for reason, count, oldest_at, newest_at in connection.execute(query):
            before = waiting_by_reason.get(reason, Waiting(reason, 0, 0, oldest_at, newest_at))
            waiting_by_reason[reason] = Waiting(
                reason,
                before.count + count,
                before.undecided + (count if table is notifications else 0),
                min(before.oldest_at, oldest_at),
                max(before.newest_at, newest_at),
            )
    return sorted(waiting_by_reason.values(), key=lambda waiting: (-waiting.count, waiting.reason))


def listed(
    connection: Connection,
    scope: Scope,
    reason: str,
    filter_: NotificationFilter,
    *,
    limit: int,
    before_id: str | None = None,
) -> list[InboxRecord]:
    """Return those of one reason, newest first, without bodies.

    Shape: of the filter, only when they arrived counts.
    """
    records: list[InboxRecord] = []
    for table, conditions in _sources(scope, reason):
        arrived = sql_conditions(filter_, table, without=_ALL_BUT_ARRIVAL)
        query = select_deliveries(table).where(*conditions, *arrived)
        if before_id is not None:
            query = query.where(table.c.id < before_id)
        rows = connection.execute(query.order_by(table.c.id.desc()).limit(limit))
        records += as_decided(connection, map(inbox_record, rows))
    return sorted(records, key=lambda record: record.id, reverse=True)[:limit]


def ids_waiting(connection: Connection, scope: Scope, reason: str, *, limit: int) -> list[str]:
    """Return those of one reason in the order of arrival, so that they are recorded in it."""
    ids: list[str] = []
    for table, conditions in _sources(scope, reason):
        query = select(table.c.id).where(*conditions).order_by(table.c.id).limit(limit)
        ids += connection.scalars(query)
    return sorted(ids)[:limit]


def dry_run(ledger: Ledger, ids: Sequence[str]) -> DryRun:
    """Verify and decide again without recording anything, and return what would become of it."""
    reasons = Counter[str | None]()
    for id_ in ids:
        with suppress(NotFoundError):  # readmitted or evicted meanwhile
            reasons[ledger.dry_run(id_)] += 1
    passing = reasons.pop(None, 0)
    return DryRun(passing, Counter({reason: reasons[reason] for reason in reasons if reason}))


def _sources(
    scope: Scope, reason: str | None = None
) -> Iterator[tuple[Table, list[ColumnElement[bool]]]]:
    """Yield where deliveries wait, with the conditions of those that a reader looks at."""
    c = notifications.c
    of_shops = [c.shop_id.in_(scope.shops)] if scope.is_limited else []
    of_reason = [] if reason is None else [c.reason == reason]
    yield notifications, [is_undecided(), c.mode == scope.mode, *of_shops, *of_reason]
    for mode in _modes(scope):
        of_reason = [] if reason is None else [quarantine.c.reason == reason]
        yield quarantine, [mode, *_of_shops(scope), *of_reason]


def _modes(scope: Scope) -> tuple[Any, Any]:
    """Return two conditions, each along an index: what names no mode may belong to any."""
    return quarantine.c.mode == scope.mode, quarantine.c.mode.is_(None)


def _of_shops(scope: Scope) -> list[Any]:
    return [quarantine.c.shop_id.in_(scope.shops)] if scope.is_limited else []
