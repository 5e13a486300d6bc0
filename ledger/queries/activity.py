"""Counts what arrived lately, by day and outcome, and finds the last arrival, without any body."""

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import dropwhile
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select, true
from ulid import ULID

from ledger.instants import beginning_of, end_of, instant_of_id
from ledger.storage.outcomes import Outcome
from ledger.storage.tables import HAS_REASON, decisions, notifications

SETTLED = timedelta(hours=1)
"""What arrived before that is stored or never will be."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The shops and the mode that a reader looks at.

    Shape: `mode` as stored; `shops` are those there are, of which `is_limited` says that nothing
    but theirs may be shown.
    """

    mode: str
    shops: tuple[str, ...]
    is_limited: bool = False


@dataclass
class PastDays:
    """Remembers what days that are over have brought, so that each is counted once.

    A readmission adds to the day of an arrival long ago: then all is counted anew.
    """

    _counts: dict[tuple[Scope, str, date], Counter[str]] = field(default_factory=dict)
    _readmitted: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(
        self,
        connection: Connection,
        scope: Scope,
        days: Sequence[date],
        now: datetime,
        zone: str = "UTC",
    ) -> dict[date, Counter[str]]:
        """Return the verified notifications of each day of a zone by outcome.

        Shape: days in order.
        """
        readmitted = sum(
            connection.scalar(select(func.count()).select_from(table).where(condition)) or 0
            for table, condition in ((notifications, HAS_REASON), (decisions, true()))
        )
        with self._lock:
            if readmitted != self._readmitted:
                self._counts.clear()
                self._readmitted = readmitted
            keys = {day: (scope, zone, day) for day in days}
            known = {day: self._counts[key] for day, key in keys.items() if key in self._counts}
        missing = list(dropwhile(known.__contains__, days))
        if missing:
            known |= _verified(connection, scope, missing, zone)
        with self._lock:
            settled = (day for day in missing if end_of(day, zone) + SETTLED < now)
            self._counts |= {keys[day]: known[day] for day in settled}
        return {day: known[day] for day in days}


def last_received(connection: Connection, scope: Scope) -> dict[str, datetime]:
    """Return when each shop last sent something that was verified. Shape: only shops that did."""
    c = notifications.c
    newest = [
        connection.scalar(select(func.max(c.id)).where(c.shop_id == shop_id, c.mode == scope.mode))
        for shop_id in scope.shops
    ]
    query = select(c.shop_id, c.received_at).where(c.id.in_(filter(None, newest)))
    return {row.shop_id: row.received_at for row in connection.execute(query)}


def latest_peers(connection: Connection, *, limit: int = 100) -> set[str]:
    """Return the addresses from which the newest verified deliveries came, of any shop."""
    c = notifications.c
    return set(connection.scalars(select(c.peer).order_by(c.id.desc()).limit(limit)))


def _verified(
    connection: Connection, scope: Scope, days: Sequence[date], zone: str
) -> dict[date, Counter[str]]:
    """Count along the index by shop alone: an id begins with the time of arrival."""
    c = notifications.c
    *bounds, end = (
        str(ULID.from_datetime(instant_of_id(instant)))[:10] for instant in bounds_of(days, zone)
    )
    bucket = bucket_of(c.id, bounds)
    within = (c.shop_id.in_(scope.shops), c.mode == scope.mode, c.id >= bounds[0], c.id < end)
    query = select(bucket, c.outcome, func.count()).where(*within).group_by(bucket, c.outcome)
    by_day: dict[date, Counter[str]] = {day: Counter() for day in days}
    for index, outcome, count in connection.execute(query):
        by_day[days[index]][outcome] = count
    later = (
        select(bucket, decisions.c.outcome, func.count())
        .join(decisions, decisions.c.notification_id == c.id)
        .where(*within, decisions.c.outcome != Outcome.UNDECIDED)
        .group_by(bucket, decisions.c.outcome)
    )
    for index, outcome, count in connection.execute(later):
        by_day[days[index]] += Counter({outcome: count})
        by_day[days[index]][Outcome.UNDECIDED] -= count
    return by_day


def bounds_of(days: Sequence[date], zone: str) -> list[datetime]:
    """Return the first instant of each day of a zone, and the first one after them all."""
    return [*(beginning_of(day, zone) for day in days), end_of(days[-1], zone)]


def bucket_of(column: Any, bounds: Sequence[Any]) -> ColumnElement[int]:
    """Return an expression for which of the spans that begin at these bounds a value is in."""
    spans = [(column >= bound, index) for index, bound in enumerate(bounds)]
    return case(*reversed(spans)).label("bucket")
