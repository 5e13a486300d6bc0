"""The quarantine: what could not be read or verified, kept for a while within bounds."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, case, delete, func, insert, select

from ledger.ipn.refusal_reasons import REPAIRABLE
from ledger.storage.inbox import InboxRecord, row_columns
from ledger.storage.tables import quarantine

EVICTION_LOCK = 0x1ED6_0003
"""PostgreSQL advisory lock: one process evicts at a time, so that none waits for another."""

TOTAL_CHECK_EVERY = 64  # the sum over all of quarantine is not worth every refusal
ROOM_SHARES = 4
PEERS_MAX = 1000  # whose rooms are remembered
EVICTION_PAGE = 500


class Evicted(NamedTuple):
    """A quarantined delivery that had to leave; its digest is not kept either."""

    id: str
    reason: str
    peer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much may be in quarantine. Shape: the first two hold for each peer, the totals for all,
    for many senders of nearly nothing fill a disk, too. Units: rows, bytes of their bodies."""

    count_max: int
    bytes_max: int
    total_count_max: int
    total_bytes_max: int


@dataclass(slots=True)
class _Room:
    """What one peer may still send before the quarantine has to be measured again."""

    count: int
    size: int


class Quarantine:
    """Adds refused deliveries on the caller's connection, and evicts what no longer fits."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._until_total_check = 0
        self._rooms = threading.Lock()
        self._room_by_peer: dict[str, _Room] = {}

    def take_room(self, row: InboxRecord) -> bool:
        """Take the room of one delivery; return False when somebody has to measure first."""
        with self._rooms:
            room = self._room_by_peer.get(row.peer)
            if room is None or self._until_total_check <= 1:
                return False
            room.count -= 1
            room.size -= len(row.body or b"")
            self._until_total_check -= 1
            return room.count >= 0 and room.size >= 0

    def add_many(self, connection: Connection, refused_rows: Sequence[InboxRecord]) -> None:
        """Keep deliveries for which there is room."""
        bodies = [row.body or b"" for row in refused_rows]
        values = [
            row_columns(row, quarantine.c) | {"body": body, "body_bytes": len(body)}
            for row, body in zip(refused_rows, bodies, strict=True)
        ]
        connection.execute(_ADD, values)

    def add_and_evict(self, connection: Connection, row: InboxRecord) -> list[Evicted]:
        """Keep one delivery, measure, and evict what no longer fits.

        Out go first those that no key can repair, each kind oldest first; for all senders together
        only now and then.
        """
        self.add_many(connection, [row])
        self._until_total_check -= 1
        if not _may_evict(connection):
            return []
        bounds = self._bounds
        from_peer = quarantine.c.peer == row.peer
        count, size = quarantine_size(connection, from_peer)
        surplus = _surplus(count, bounds.count_max), _surplus(size, bounds.bytes_max)
        evicted = _evict(connection, from_peer, *surplus)
        if self._is_total_due():
            evicted += self._evict_from_all(connection)
        self._note_room(row.peer, bounds.count_max - count, bounds.bytes_max - size)
        return evicted

    def _is_total_due(self) -> bool:
        # Two threads may count at once: then the sum is taken a little early or late. It stays due
        # for those that another one kept from evicting.
        if self._until_total_check > 0:
            return False
        self._until_total_check = TOTAL_CHECK_EVERY
        return True

    def _evict_from_all(self, connection: Connection) -> list[Evicted]:
        count, size = quarantine_size(connection)
        surplus = (
            _surplus(count, self._bounds.total_count_max),
            _surplus(size, self._bounds.total_bytes_max),
        )
        return _evict(connection, None, *surplus)

    def _note_room(self, peer: str, count: int, size: int) -> None:
        """Other processes may fill the same room, so that each takes a share of it."""
        with self._rooms:
            if len(self._room_by_peer) >= PEERS_MAX:
                self._room_by_peer.clear()
            self._room_by_peer[peer] = _Room(count // ROOM_SHARES, size // ROOM_SHARES)


def release(connection: Connection, id: str) -> bool:
    """Take a delivery out of quarantine; return False when it is not (or no longer) there."""
    gone = delete(quarantine).where(quarantine.c.id == id).returning(quarantine.c.id)
    return connection.execute(gone).one_or_none() is not None


def quarantine_size(
    connection: Connection, where: ColumnElement[bool] | None = None
) -> tuple[int, int]:
    """Measure the quarantine, or a part of it. Units: rows, bytes of their bodies."""
    query = select(func.count(), func.coalesce(func.sum(quarantine.c.body_bytes), 0))
    if where is not None:
        query = query.where(where)
    count, size = connection.execute(query).one()
    return count, int(size)


_ADD = insert(quarantine).returning(quarantine.c.id)
"""Several rows are one statement only when something is asked back of them."""


def _may_evict(connection: Connection) -> bool:
    if connection.dialect.name == "sqlite":
        return True
    return bool(connection.scalar(select(func.pg_try_advisory_xact_lock(EVICTION_LOCK))))


def _surplus(size: int, size_max: int) -> int:
    """How much must leave, so that there is always some way to the next measuring."""
    spare = size_max // 20
    return size - (size_max - 2 * spare) if size > size_max - spare else 0


def _evict(
    connection: Connection,
    where: ColumnElement[bool] | None,
    count_surplus: int,
    bytes_surplus: int,
) -> list[Evicted]:
    """Delete until there is no surplus any more."""
    evicted: list[Evicted] = []
    while count_surplus > 0 or bytes_surplus > 0:
        page = connection.execute(_first_to_go(where)).all()
        leaving = []
        for row in page:
            if count_surplus <= 0 and bytes_surplus <= 0:
                break
            leaving.append(Evicted(row.id, row.reason, row.peer))
            count_surplus -= 1
            bytes_surplus -= row.body_bytes
        if not leaving:
            break
        ids = [delivery.id for delivery in leaving]
        connection.execute(delete(quarantine).where(quarantine.c.id.in_(ids)))
        evicted += leaving
    return evicted


def _first_to_go(where: ColumnElement[bool] | None) -> Select[Any]:
    c = quarantine.c
    is_repairable = case((c.reason.in_(sorted(REPAIRABLE)), 1), else_=0)
    query = select(c.id, c.reason, c.peer, c.body_bytes).order_by(is_repairable, c.id)
    query = query.limit(EVICTION_PAGE)
    return query if where is None else query.where(where)
