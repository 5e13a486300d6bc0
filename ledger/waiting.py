"""What waits in quarantine, as operators look at it: by reason, listed, rehearsed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, or_, select

from ledger.activity import Scope, beginning, bucket_of
from ledger.application import Ledger
from ledger.errors import NotFoundError
from ledger.storage.journal import JournalRow, journal_row, without_body
from ledger.storage.tables import quarantine


@dataclass(frozen=True, slots=True)
class Waiting:
    """Deliveries of one reason."""

    reason: str
    count: int
    oldest_at: datetime
    newest_at: datetime


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a readmission would bring now. Shape: `refused` by reason."""

    passing: int
    refused: Counter[str]


def quarantined(connection: Connection, scope: Scope, days: Sequence[date]) -> dict[date, int]:
    """How many of each day (UTC) wait, as far as they claim this mode or none."""
    c = quarantine.c
    bounds = [beginning(one) for one in days]
    bucket = bucket_of(c.received_at, bounds)
    within = (c.received_at >= bounds[0], c.received_at < bounds[-1] + timedelta(days=1))
    query = select(bucket, func.count()).where(*within).group_by(bucket)
    found = dict.fromkeys(days, 0)
    for mode in _modes(scope):
        for index, count in connection.execute(query.where(mode, *_of_shops(scope))):
            found[days[index]] += count
    return found


def by_reason(connection: Connection, scope: Scope) -> list[Waiting]:
    """Everything that claims this mode or none, most frequent reason first."""
    c = quarantine.c
    sums = (func.count(), func.min(c.received_at), func.max(c.received_at))
    query = select(c.reason, *sums).where(*_of_shops(scope)).group_by(c.reason)
    found: dict[str, Waiting] = {}
    for mode in _modes(scope):
        for row in connection.execute(query.where(mode)):
            one = Waiting(*row)
            known = found.get(one.reason, one)
            count = one.count if known is one else one.count + known.count
            oldest = min(one.oldest_at, known.oldest_at)
            newest = max(one.newest_at, known.newest_at)
            found[one.reason] = Waiting(one.reason, count, oldest, newest)
    return sorted(found.values(), key=lambda one: (-one.count, one.reason))


def listed(
    connection: Connection,
    scope: Scope,
    reason: str,
    *,
    limit: int,
    before_id: str | None = None,
) -> list[JournalRow]:
    """Those of one reason, newest first, without bodies."""
    c = quarantine.c
    query = without_body(quarantine).where(*_asked(scope, reason))
    if before_id is not None:
        query = query.where(c.id < before_id)
    return [
        journal_row(row) for row in connection.execute(query.order_by(c.id.desc()).limit(limit))
    ]


def ids_waiting(connection: Connection, scope: Scope, reason: str, *, limit: int) -> list[str]:
    """Those of one reason, in the order of arrival, so that they are recorded in it."""
    c = quarantine.c
    query = select(c.id).where(*_asked(scope, reason)).order_by(c.id).limit(limit)
    return list(connection.scalars(query))


def rehearse(ledger: Ledger, ids: Sequence[str]) -> Rehearsal:
    """Verify again without recording anything."""
    passing, refused = 0, Counter[str]()
    for one in ids:
        try:
            reason = ledger.dry_run(one)
        except NotFoundError:
            continue  # readmitted or evicted meanwhile
        if reason is None:
            passing += 1
        else:
            refused[reason] += 1
    return Rehearsal(passing, refused)


def _asked(scope: Scope, reason: str) -> list[Any]:
    c = quarantine.c
    return [c.reason == reason, or_(*_modes(scope)), *_of_shops(scope)]


def _modes(scope: Scope) -> tuple[Any, Any]:
    """What names no mode may belong to any."""
    return quarantine.c.mode == scope.mode, quarantine.c.mode.is_(None)


def _of_shops(scope: Scope) -> list[Any]:
    return [quarantine.c.shop_id.in_(scope.shops)] if scope.is_limited else []
