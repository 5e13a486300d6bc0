"""Where each generation stands: its state, its position, and how far behind the log it is."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select

from ledger.application import Ledger
from ledger.projections import generations as g
from ledger.projections.folding import Poison
from ledger.projections.registry import PROJECTIONS, projection
from ledger.storage.tables import (
    events,
    generation_positions,
    notifications,
    poison_events,
)


@dataclass(frozen=True, slots=True)
class Status:
    """One generation. Units: `lag` in positions, `lag_seconds` since the oldest event not applied
    was recorded, 0 at the live edge. `is_current` says that this code reads or would read it."""

    generation: g.Generation
    position: int
    lag: int
    lag_seconds: float
    is_current: bool
    is_followed: bool
    poison: tuple[Poison, ...]


def statuses(ledger: Ledger) -> list[Status]:
    """Every generation of every view, in the order of the registry, oldest first."""
    newest = ledger.events.newest_position() or 0
    with ledger.database.connect() as connection:
        found = [one for one in g.all_generations(connection) if one.name in PROJECTIONS]
        found.sort(key=lambda one: (list(PROJECTIONS).index(one.name), one.id))
        told = []
        for one in found:
            position = min(g.positions(connection, one.id).values(), default=0)
            told.append(
                Status(
                    generation=one,
                    position=position,
                    lag=max(0, newest - position),
                    lag_seconds=_lag_seconds(connection, position),
                    is_current=one.is_current,
                    is_followed=g.is_leased(connection, g.lease_name(one)),
                    poison=tuple(g.poison_of(connection, one.id)),
                )
            )
    return told


def stale_views(ledger: Ledger) -> list[str]:
    """Views that this code cannot read until `ledger rebuild` has made them."""
    with ledger.database.connect() as connection:
        return [
            view.name
            for view in PROJECTIONS.values()
            if g.live_generation(connection, view) is None
        ]


def outdated_views(connection: Connection) -> list[str]:
    """Views that other code has built and this code not yet; one that nobody has built is none of
    them, because the service begins it when it starts."""
    live = [one for one in g.all_generations(connection) if one.state == g.LIVE]
    built = {one.name for one in live}
    current = {one.name for one in live if one.name in PROJECTIONS and one.is_current}
    return [name for name in PROJECTIONS if name in built - current]


@dataclass(frozen=True, slots=True)
class Lag:
    """How far the live generation of one view is behind the log, read in a few small queries.

    Units: `seconds` since the oldest event not applied was recorded; 0 at the live edge.
    """

    name: str
    positions: int
    seconds: float
    poison: int


def lags(connection: Connection) -> list[Lag]:
    """How far behind the live generation of this code is, for every view that has one."""
    newest = connection.scalar(select(func.max(events.c.position))) or 0
    reached = _live_positions(connection)
    c = poison_events.c
    query = select(c.generation_id, func.count()).group_by(c.generation_id)
    poison = {row[0]: row[1] for row in connection.execute(query)}
    seconds = {
        position: _lag_seconds(connection, position)
        for position in {one for _, one in reached.values()}
        if position < newest
    }
    return [
        Lag(name, max(0, newest - position), seconds.get(position, 0.0), poison.get(id_, 0))
        for name, (id_, position) in reached.items()
    ]


def _live_positions(connection: Connection) -> dict[str, tuple[int, int]]:
    """Shape: name -> generation id, position."""
    c = generation_positions.c
    query = select(c.generation_id, func.min(c.position)).group_by(c.generation_id)
    positions = {row[0]: row[1] for row in connection.execute(query)}
    live = {
        one.name: (one.id, positions.get(one.id, 0))
        for one in g.all_generations(connection)
        if one.state == g.LIVE and one.name in PROJECTIONS and one.is_current
    }
    return {name: live[name] for name in PROJECTIONS if name in live}


def prune(ledger: Ledger, *, names: tuple[str, ...] = (), is_forced: bool = False) -> list[str]:
    """Drop generations that nobody reads: retired ones, and those of other code.

    Shape: what was dropped. One that a server of other code still follows stays, unless forced.
    """
    dropped = []
    with ledger.database.begin() as connection:
        g.decide_alone(connection)
        for one in g.all_generations(connection):
            if names and one.name not in names:
                continue
            is_read = one.name in PROJECTIONS and one.is_current and one.state != g.RETIRED
            is_followed = g.is_leased(connection, g.lease_name(one))
            if is_read or (is_followed and not is_forced):
                continue
            g.drop_generation(connection, one)
            dropped.append(f"{one.name} generation {one.id} ({one.state}, {one.fingerprint})")
    return dropped


def live_pair(ledger: Ledger, name: str) -> tuple[g.Generation, g.Generation] | None:
    """The two newest complete generations of a view, older first; None when there is only one."""
    projection(name)
    with ledger.database.connect() as connection:
        complete = [one for one in g.all_generations(connection, name) if one.state != g.BUILDING]
    return (complete[-2], complete[-1]) if len(complete) > 1 else None


def _lag_seconds(connection: Connection, position: int) -> float:
    """Read from the journal: the event itself may be one that nobody can read."""
    recorded_at: datetime | None = connection.scalar(
        select(notifications.c.recorded_at)
        .join(events, events.c.notification_id == notifications.c.id)
        .where(events.c.position > position)
        .order_by(events.c.position)
        .limit(1)
    )
    if recorded_at is None:
        return 0.0
    return max(0.0, (datetime.now(UTC) - recorded_at).total_seconds())
