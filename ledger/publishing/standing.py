"""Remembers how far each destination has come, and what failed there, over restarts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from ledger.projections.engine.status import lag_seconds
from ledger.storage.destination_tables import destinations
from ledger.storage.tables import events

GIVEN_UP_AFTER = timedelta(days=5)
"""How long a receiver may fail before it is given nothing more."""
PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 5.0, 3600.0


@dataclass(frozen=True, slots=True)
class DestinationStanding:
    """How one destination stands. Units: `lag_seconds` as of a read model's."""

    name: str
    position: int
    has_personal: bool
    failures: int
    reached_at: datetime | None
    failing_since: datetime | None
    retry_at: datetime | None
    disabled_at: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class FailedTry:
    """A try that failed. Units: the receiver asks for a pause of `retry_seconds`, 0 for none."""

    reason: str
    retry_seconds: float = 0.0
    is_final: bool = False


_NAMES = tuple(DestinationStanding.__slots__)
_WELL = dict.fromkeys(("failing_since", "retry_at", "disabled_at", "reason"), None) | {
    "failures": 0
}


def standings(connection: Connection) -> list[DestinationStanding]:
    """Return every destination that was ever published to, by name."""
    query = select(destinations).order_by(destinations.c.name)
    return list(map(_standing, connection.execute(query)))


def standing_of(connection: Connection, name: str) -> DestinationStanding | None:
    """Return how one destination stands; None when it was never published to."""
    row = connection.execute(select(destinations).where(destinations.c.name == name)).first()
    return None if row is None else _standing(row)


def lag_of(connection: Connection, position: int) -> tuple[int, float]:
    """Return how many positions one is behind, and how many seconds."""
    newest = connection.scalar(select(func.max(events.c.position))) or 0
    return max(0, newest - position), lag_seconds(connection, position)


def begin(connection: Connection, name: str, *, start: int, has_personal: bool) -> None:
    """Remember a destination; one that is known stays where it is."""
    if standing_of(connection, name) is None:
        row = {"name": name, "position": start, "failures": 0}
        connection.execute(insert(destinations), row | {"has_personal": has_personal})
    else:
        _change(connection, name, has_personal=has_personal)


def note_reached(connection: Connection, name: str, position: int, now: datetime) -> None:
    """Remember how far the stream of an engine has come, which says so itself."""
    _change(connection, name, position=position, reached_at=now)


def move(connection: Connection, name: str, behind: int, position: int, now: datetime) -> bool:
    """Move a receiver on; return False when it is not where it was any more."""
    c = destinations.c
    statement = update(destinations).where(c.name == name, c.position == behind)
    moved = connection.execute(statement.values(position=position, reached_at=now, **_WELL))
    return moved.rowcount == 1


def note_failure(
    connection: Connection, name: str, failed_try: FailedTry, now: datetime, jitter: float
) -> None:
    """Remember that a receiver took nothing, when to try again, or that nobody will.

    Units: `jitter` multiplies the pause, which doubles from 5 seconds to an hour.
    """
    standing = standing_of(connection, name)
    if standing is None:
        return
    failing_since = standing.failing_since or now
    pause = min(PAUSE_SECONDS_MIN * 2 ** min(standing.failures, 20), PAUSE_SECONDS_MAX) * jitter
    pause = max(pause, min(failed_try.retry_seconds, PAUSE_SECONDS_MAX))
    is_over = failed_try.is_final or now - failing_since >= GIVEN_UP_AFTER
    _change(
        connection,
        name,
        failures=standing.failures + 1,
        failing_since=failing_since,
        retry_at=None if is_over else now + timedelta(seconds=pause),
        disabled_at=now if is_over else None,
        reason=failed_try.reason,
    )


def enable(connection: Connection, name: str) -> None:
    """Let a destination be published to again, at once."""
    _change(connection, name, **_WELL)


def replay(connection: Connection, name: str, position: int) -> None:
    """Let a receiver be given the event at a position next, and all that follow it again."""
    _change(connection, name, position=position - 1)


def forget(connection: Connection, name: str) -> None:
    """Forget a destination, which nobody publishes to any more."""
    connection.execute(delete(destinations).where(destinations.c.name == name))


def _change(connection: Connection, name: str, **new_values: datetime | str | float | None) -> None:
    is_it = destinations.c.name == name
    connection.execute(update(destinations).where(is_it).values(new_values))


def _standing(row: Row[Any]) -> DestinationStanding:
    return DestinationStanding(**{name: getattr(row, name) for name in _NAMES})
