"""Tell where each generation stands: its state, its position, and how far behind the log it is."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial

from sqlalchemy import Connection, FromClause, func, select

from ledger.application import Ledger
from ledger.projections.engine.folding import Poison
from ledger.projections.engine.generations import (
    BUILDING,
    BUILT,
    RETIRED,
    Generation,
    all_generations,
    decide_alone,
    drop_generation,
    last_moves,
    live_generations,
    poison_of,
    reached_positions,
)
from ledger.projections.engine.leases import is_leased
from ledger.projections.engine.parts import count_loaded
from ledger.projections.engine.registry import PROJECTIONS
from ledger.storage.asking_tables import ORIGINS_OF_EVENTS, answers
from ledger.storage.tables import (
    acts,
    decisions,
    events,
    high_water_mark,
    notifications,
    poison_events,
)

STILL_SECONDS_MAX = 60.0
"""A batch takes a second or two."""
UNREAD_KEPT_FOR = timedelta(days=1)
"""How long what other code has built and nobody reads yet is safe: it may be deployed tomorrow."""


@dataclass(frozen=True, slots=True)
class Status:
    """How one generation stands.

    Units: `lag` in positions, `lag_seconds` since the oldest event not applied was recorded, 0 when
    there is none. `is_current` says that this code reads or would read it.
    """

    generation: Generation
    position: int
    lag: int
    lag_seconds: float
    is_current: bool
    is_followed: bool
    poison: tuple[Poison, ...]


def statuses(ledger: Ledger) -> list[Status]:
    """Return every generation of every read model, in the order of the registry, oldest first."""
    newest = ledger.events.newest_position() or 0
    with ledger.database.connect() as connection:
        return [
            _status(connection, generation, newest)
            for name in PROJECTIONS
            for generation in all_generations(connection, name=name)
        ]


def _status(connection: Connection, generation: Generation, newest: int) -> Status:
    position = count_loaded(connection, generation)
    return Status(
        generation=generation,
        position=position,
        lag=max(0, newest - position),
        lag_seconds=lag_seconds(connection, position),
        is_current=generation.is_current,
        is_followed=is_leased(connection, generation.lease_name),
        poison=tuple(poison_of(connection, generation.id)),
    )


def stale_views(ledger: Ledger) -> list[str]:
    """Return the read models that this code cannot read until `ledger rebuild` has built them."""
    with ledger.database.connect() as connection:
        live = live_generations(connection)
    return [name for name in PROJECTIONS if name not in live]


@dataclass(frozen=True, slots=True)
class Lag:
    """How far the live generation of one read model is behind the log.

    Units: `seconds` since the oldest event not applied was recorded; 0 at the live edge.
    `still_seconds`: of those, how many it has not moved although somebody follows with it.
    """

    name: str
    positions: int
    seconds: float
    still_seconds: float
    poison: int

    @property
    def stands_still(self) -> bool:
        """Return True if the log moves and this model does not: somebody has to look why."""
        return self.still_seconds > STILL_SECONDS_MAX


def lags(connection: Connection) -> list[Lag]:
    """Return how far behind the live generation of this code is, for every model that has one."""
    newest = connection.scalar(select(func.max(events.c.position))) or 0
    reached = defaultdict(int, reached_positions(connection))
    c = poison_events.c
    query = select(c.generation_id, func.count()).group_by(c.generation_id)
    poison_counts: Counter[int] = Counter(dict(connection.execute(query).all()))
    seconds_behind = cache(partial(lag_seconds, connection))  # most models stand at one position
    moved_at, now = last_moves(connection), datetime.now(UTC)
    rows = []
    for name, live in live_generations(connection).items():
        seconds = seconds_behind(reached[live.id])
        is_followed = bool(seconds) and is_leased(connection, live.lease_name)
        unmoved = (now - moved_at[live.id]).total_seconds() if is_followed else 0.0
        still = max(0.0, min(seconds, unmoved))
        positions_behind = max(0, newest - reached[live.id])
        rows.append(Lag(name, positions_behind, seconds, still, poison_counts[live.id]))
    return rows


@dataclass(slots=True)
class Pruned:
    """Which generations were dropped, and which ones of other code were kept for now.

    Shape: `followed` says that some are kept because servers of other code follow them.
    """

    dropped: list[str]
    kept: list[str]
    followed: bool = False


def prune(ledger: Ledger, *, names: tuple[str, ...] = (), is_forced: bool = False) -> Pruned:
    """Drop generations that nobody reads: retired ones, and those of other code.

    Shape: unless forced, what a server of other code follows is kept, and for a day what other code
    is building or has built: a version that is not deployed yet will read it.
    """
    pruned = Pruned([], [])
    with ledger.database.begin() as connection:
        decide_alone(connection)
        moved_at = last_moves(connection)
        for generation in all_generations(connection):
            is_own = generation.is_current and generation.state != RETIRED
            if is_own or (names and generation.name not in names):
                continue
            origin = f"{generation.state}, {generation.fingerprint}"
            description = f"{generation.name} generation {generation.id} ({origin})"
            used_at = max(generation.changed_at, moved_at.get(generation.id, generation.changed_at))
            if is_forced or not _is_in_use(connection, generation, used_at):
                drop_generation(connection, generation)
                pruned.dropped.append(description)
            else:
                pruned.kept.append(description)
                pruned.followed |= is_leased(connection, generation.lease_name)
    return pruned


def _is_in_use(connection: Connection, generation: Generation, used_at: datetime) -> bool:
    is_unread = generation.state in (BUILDING, BUILT)
    is_recent = is_unread and datetime.now(UTC) - used_at < UNREAD_KEPT_FOR
    return is_recent or is_leased(connection, generation.lease_name)


def live_pair(ledger: Ledger, name: str) -> tuple[Generation, Generation] | None:
    """Return the two newest complete generations of a model, older first; None if there is one."""
    with ledger.database.connect() as connection:
        every = all_generations(connection, name=name)
    complete = [generation for generation in every if generation.state != BUILDING]
    return (complete[-2], complete[-1]) if len(complete) > 1 else None


def high_water_mark_held_seconds(connection: Connection) -> float:
    """Return how long what is stored has waited above the high-water mark.

    Units: seconds since the oldest event above it was recorded; 0 when it is the newest, and on
    SQLite, where no writer can hold it. Shape: it goes by what those who follow have stored.
    """
    if connection.dialect.name == "sqlite":
        return 0.0
    return lag_seconds(connection, connection.scalar(select(high_water_mark.c.position)) or 0)


def lag_seconds(connection: Connection, position: int) -> float:
    """Return how long ago the first event behind a position was recorded; 0 where there is none."""
    # read from the deliveries: the event itself may be unreadable
    recorded = (
        *(notifications.c.recorded_at, decisions.c.decided_at),
        *(acts.c.done_at, answers.c.recorded_at),
    )
    joined: FromClause = events
    for origins in ORIGINS_OF_EVENTS:
        joined = joined.outerjoin(origins, origins.c.id == events.c.origin_id)
    recorded_at: datetime | None = connection.scalar(
        select(func.coalesce(*recorded))
        .select_from(joined)
        .where(events.c.position > position)
        .order_by(events.c.position)
        .limit(1)
    )
    if recorded_at is None:
        return 0.0
    return max(0.0, (datetime.now(UTC) - recorded_at).total_seconds())
