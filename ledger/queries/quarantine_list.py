"""What waits in quarantine, as operators look at it: by reason, listed, verified on trial."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select

from ledger.application import Ledger
from ledger.errors import NotFoundError
from ledger.queries.activity import Scope, bounds_of, bucket_of
from ledger.storage.inbox import InboxRecord, inbox_record, without_body
from ledger.storage.tables import quarantine


@dataclass(frozen=True, slots=True)
class Waiting:
    """Notifications in quarantine for one reason."""

    reason: str
    count: int
    oldest_at: datetime
    newest_at: datetime


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a readmission would do now. Shape: `refused` by reason."""

    passing: int
    refused: Counter[str]


def quarantined(connection: Connection, scope: Scope, days: Sequence[date]) -> dict[date, int]:
    """Return how many of each day (UTC) wait, as far as they claim this mode or none."""
    c = quarantine.c
    *bounds, end = bounds_of(days)
    bucket = bucket_of(c.received_at, bounds)
    within = (c.received_at >= bounds[0], c.received_at < end)
    query = select(bucket, func.count()).where(*within).group_by(bucket)
    counts = dict.fromkeys(days, 0)
    for mode in _modes(scope):
        for index, count in connection.execute(query.where(mode, *_of_shops(scope))):
            counts[days[index]] += count
    return counts


def by_reason(connection: Connection, scope: Scope) -> list[Waiting]:
    """Return what claims this mode or none, by reason, the most frequent reason first."""
    c = quarantine.c
    sums = (func.count(), func.min(c.received_at), func.max(c.received_at))
    query = select(c.reason, *sums).where(*_of_shops(scope)).group_by(c.reason)
    waiting_by_reason: dict[str, Waiting] = {}
    for mode in _modes(scope):
        for reason, count, oldest_at, newest_at in connection.execute(query.where(mode)):
            before = waiting_by_reason.get(reason, Waiting(reason, 0, oldest_at, newest_at))
            waiting_by_reason[reason] = Waiting(
                reason,
                before.count + count,
                min(before.oldest_at, oldest_at),
                max(before.newest_at, newest_at),
            )
    return sorted(waiting_by_reason.values(), key=lambda waiting: (-waiting.count, waiting.reason))


def listed(
    connection: Connection, scope: Scope, reason: str, *, limit: int, before_id: str | None = None
) -> list[InboxRecord]:
    """Return those of one reason, newest first, without bodies."""
    c = quarantine.c
    query = without_body(quarantine).where(*_of_reason(scope, reason))
    if before_id is not None:
        query = query.where(c.id < before_id)
    return list(map(inbox_record, connection.execute(query.order_by(c.id.desc()).limit(limit))))


def ids_waiting(connection: Connection, scope: Scope, reason: str, *, limit: int) -> list[str]:
    """Return those of one reason in the order of arrival, so that they are recorded in it."""
    c = quarantine.c
    query = select(c.id).where(*_of_reason(scope, reason)).order_by(c.id).limit(limit)
    return list(connection.scalars(query))


def dry_run(ledger: Ledger, ids: Sequence[str]) -> DryRun:
    """Verify again without recording anything, and return what would become of it."""
    reasons = Counter[str | None]()
    for id_ in ids:
        with suppress(NotFoundError):  # readmitted or evicted meanwhile
            reasons[ledger.dry_run(id_)] += 1
    passing = reasons.pop(None, 0)
    return DryRun(passing, Counter({reason: reasons[reason] for reason in reasons if reason}))


def _of_reason(scope: Scope, reason: str) -> list[Any]:
    c = quarantine.c
    return [c.reason == reason, or_(*_modes(scope)), *_of_shops(scope)]


def _modes(scope: Scope) -> tuple[Any, Any]:
    """Return two conditions, each along an index: what names no mode may belong to any."""
    return quarantine.c.mode == scope.mode, quarantine.c.mode.is_(None)


def _of_shops(scope: Scope) -> list[Any]:
    return [quarantine.c.shop_id.in_(scope.shops)] if scope.is_limited else []
