"""Remembers which conditions hold and what of them was told, over restarts and processes."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from ledger.alerting.conditions import Condition
from ledger.storage.alert_tables import alert_conditions

REMINDED_AFTER = timedelta(days=1)
"""What lasts is told again so often."""
BACK_OFF_MIN, BACK_OFF_MAX = timedelta(minutes=1), timedelta(hours=1)
BEGAN, LASTS, ENDED = "began", "lasts", "ended"


@dataclass(frozen=True, slots=True)
class StandingCondition:
    """One condition as it is remembered."""

    name: str
    kind: str
    message: str
    began_at: datetime
    ended_at: datetime | None
    sent_at: datetime | None
    tried_at: datetime | None
    failures: int

    def news_at(self, now: datetime) -> str | None:
        """Return what there is to tell now: that it began, still lasts or has ended."""
        if self.failures and self.tried_at is not None:
            pause = min(BACK_OFF_MIN * 2 ** min(self.failures - 1, 10), BACK_OFF_MAX)
            if now < self.tried_at + pause:
                return None
        if self.sent_at is None:
            return BEGAN if self.ended_at is None else None
        if self.ended_at is not None:
            return ENDED
        return LASTS if now >= self.sent_at + REMINDED_AFTER else None


def standing_conditions(connection: Connection) -> list[StandingCondition]:
    """Return what is remembered, in the order in which it began."""
    c = alert_conditions.c
    query = select(alert_conditions).order_by(c.began_at, c.name)
    names = StandingCondition.__slots__
    return [
        StandingCondition(**{name: getattr(row, name) for name in names})
        for row in connection.execute(query)
    ]


def note_conditions(
    connection: Connection, current: Iterable[Condition], kinds: Collection[str], now: datetime
) -> None:
    """Remember what holds of these kinds; what of them does not hold any more has ended.

    Shape: what ended before anybody was told is forgotten.
    """
    condition_by_name = {condition.name: condition for condition in current}
    known = {each.name: each for each in standing_conditions(connection) if each.kind in kinds}
    for name, condition in condition_by_name.items():
        if name not in known:
            row = {"name": name, "kind": condition.kind, "message": condition.message}
            connection.execute(insert(alert_conditions), row | {"began_at": now, "failures": 0})
        elif known[name].ended_at is not None:
            _change(connection, name, ended_at=None)
    for name in known.keys() - condition_by_name.keys():
        if known[name].sent_at is None:
            forget(connection, name)
        elif known[name].ended_at is None:
            _change(connection, name, ended_at=now)


def note_sent(connection: Connection, remembered: StandingCondition, now: datetime) -> None:
    """Remember that an operator was told; what has ended is forgotten with that."""
    if remembered.ended_at is not None:
        forget(connection, remembered.name)
    else:
        _change(connection, remembered.name, sent_at=now, tried_at=now, failures=0)


def note_failure(connection: Connection, remembered: StandingCondition, now: datetime) -> None:
    """Remember that nobody could be told."""
    _change(connection, remembered.name, tried_at=now, failures=remembered.failures + 1)


def forget(connection: Connection, name: str) -> None:
    """Forget a condition."""
    connection.execute(delete(alert_conditions).where(alert_conditions.c.name == name))


def _change(connection: Connection, name: str, **new_values: datetime | int | None) -> None:
    is_it = alert_conditions.c.name == name
    connection.execute(update(alert_conditions).where(is_it).values(new_values))
