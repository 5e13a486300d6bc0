"""Counts what arrived lately, by day and outcome, and finds the last arrival, without any body."""

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import dropwhile
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select
from ulid import ULID

from ledger.instants import beginning_of, end_of
from ledger.storage.tables import HAS_REASON, notifications

SETTLED = timedelta(hours=1)
"""What arrived before that is stored or never will be."""

Counts = dict[date, Counter[str]]


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

    _counts: dict[tuple[Scope, date], Counter[str]] = field(default_factory=dict)
    _readmitted: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(
        self, connection: Connection, scope: Scope, days: Sequence[date], now: datetime
    ) -> Counts:
        """Return the verified notifications of each day (UTC) by outcome. Shape: days in order."""
        readmitted = _count_readmitted(connection)
        with self._lock:
            if readmitted != self._readmitted:
                self._counts.clear()
                self._readmitted = readmitted
            known = {day: self._counts[scope, day] for day in days if (scope, day) in self._counts}
        missing = list(dropwhile(known.__contains__, days))
        if missing:
            known |= _verified(connection, scope, missing)
        with self._lock:
            for day in missing:
                if end_of(day) + SETTLED < now:
                    self._counts[scope, day] = known[day]
        return {day: known[day] for day in days}


def last_received(connection: Connection, scope: Scope) -> dict[str, datetime]:
    """Return when each shop last sent something that was verified. Shape: only shops that did."""
    c = notifications.c
    newest = []
    for shop_id in scope.shops:
        of_shop = select(func.max(c.id)).where(c.shop_id == shop_id, c.mode == scope.mode)
        newest.append(connection.scalar(of_shop))
    query = select(c.shop_id, c.received_at).where(c.id.in_([id_ for id_ in newest if id_]))
    return {row.shop_id: row.received_at for row in connection.execute(query)}


def _verified(connection: Connection, scope: Scope, days: Sequence[date]) -> Counts:
    """Count along the index by shop alone: an id begins with the time of arrival."""
    c = notifications.c
    bounds = [str(ULID.from_datetime(beginning_of(day)))[:10] for day in days]
    end = str(ULID.from_datetime(end_of(days[-1])))[:10]
    bucket = bucket_of(c.id, bounds)
    query = (
        select(bucket, c.outcome, func.count())
        .where(c.shop_id.in_(scope.shops), c.mode == scope.mode, c.id >= bounds[0], c.id < end)
        .group_by(bucket, c.outcome)
    )
    counts: Counts = {day: Counter() for day in days}
    for index, outcome, count in connection.execute(query):
        counts[days[index]][outcome] = count
    return counts


def bucket_of(column: Any, bounds: Sequence[Any]) -> ColumnElement[int]:
    """Return an expression for which of the spans that begin at these bounds a value is in."""
    if len(bounds) == 1:
        return case((column >= bounds[0], 0), else_=0).label("bucket")
    spans = [(column < after, index) for index, after in enumerate(bounds[1:])]
    return case(*spans, else_=len(bounds) - 1).label("bucket")


def _count_readmitted(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(notifications).where(HAS_REASON)) or 0
