"""The quarantine: what could not be read or verified, kept for a while within bounds."""

import threading
from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, bindparam, case, delete, func, insert, select

from ledger.ipn.refusal_reasons import REPAIRABLE
from ledger.settings import Settings
from ledger.storage.database import padded
from ledger.storage.inbox import InboxRecord, column_values
from ledger.storage.sealed_rows import LockedFrame, SealedOrigin, add_secrets, destroy_secrets
from ledger.storage.tables import origin_secrets, quarantine

EVICTION_LOCK = 0x1ED6_0003
"""PostgreSQL advisory lock: one process evicts at a time, so that none waits for another."""

TOTAL_CHECK_EVERY = 64  # the sum over all of quarantine is not worth every refusal
ROOM_SHARES = 4  # other processes may fill the same room
PEERS_MAX = 1000  # whose rooms are remembered
EVICTION_PAGE = 500


class Refused(NamedTuple):
    """A delivery to be kept in quarantine. Units: `body_bytes` of its raw body, 0 without one."""

    record: InboxRecord
    sealed: SealedOrigin
    body_bytes: int


class Evicted(NamedTuple):
    """A quarantined delivery that had to leave; its digest is not kept either."""

    id: str
    reason: str
    peer: str
    body_bytes: int


class Quarantine:
    """Adds refused deliveries on the caller's connection, and evicts what no longer fits.

    Shape: the settings bound what each peer may leave, and all together: many senders of nearly
    nothing fill a disk, too. Each delivery comes with what it seals; `body_bytes` is the size of
    its raw body, 0 when that is not kept.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._until_total_check = 0
        self._lock = threading.Lock()
        self._room_by_peer: dict[str, tuple[int, int]] = {}

    def take_room(self, refused: Refused) -> bool:
        """Take the room of one delivery; return False when somebody has to measure first."""
        peer = refused.record.peer
        with self._lock:
            count, size = self._room_by_peer.get(peer, (0, 0))
            count, size = count - 1, size - refused.body_bytes
            if min(count, size) < 0 or self._until_total_check <= 1:
                return False
            self._room_by_peer[peer] = count, size
            self._until_total_check -= 1
            return True

    def add_many(self, connection: Connection, refused: Sequence[Refused]) -> None:
        """Keep deliveries for which there is room."""
        rows = [
            column_values(each.record, quarantine)
            | {"body": each.sealed.body, "body_bytes": each.body_bytes}
            for each in refused
        ]
        connection.execute(_ADD, rows)
        add_secrets(connection, [each.sealed for each in refused])

    def add_and_evict(self, connection: Connection, refused: Refused) -> list[Evicted]:
        """Keep one delivery, measure, and evict what no longer fits.

        Out go first those that no key can repair, each kind oldest first; for all senders together
        only now and then.
        """
        self.add_many(connection, [refused])
        peer = refused.record.peer
        self._until_total_check -= 1
        if not _may_evict(connection):
            return []
        settings = self._settings
        count_max, bytes_max = settings.quarantine_count_max, settings.quarantine_bytes_max
        from_peer = quarantine.c.peer == peer
        evicted, count, size = _shrink(connection, count_max, bytes_max, from_peer)
        # Two threads may count at once: then the sum is taken a little early or late. It stays due
        # for those that another one kept from evicting.
        if self._until_total_check <= 0:
            self._until_total_check = TOTAL_CHECK_EVERY
            totals = settings.quarantine_total_count_max, settings.quarantine_total_bytes_max
            evicted += _shrink(connection, *totals)[0]
        room = (count_max - count) // ROOM_SHARES, (bytes_max - size) // ROOM_SHARES
        with self._lock:
            if len(self._room_by_peer) >= PEERS_MAX:
                self._room_by_peer.clear()
            self._room_by_peer[peer] = room
        return evicted


def release(connection: Connection, id: str) -> bool:
    """Take a delivery out of quarantine; return False when it is not (or no longer) there."""
    gone = delete(quarantine).where(quarantine.c.id == id).returning(quarantine.c.id)
    if connection.execute(gone).one_or_none() is None:
        return False
    destroy_secrets(connection, [id])
    return True


def quarantined_frames(connection: Connection, ids: Collection[str]) -> list[LockedFrame]:
    """Read the sealed raw bodies of quarantined deliveries, in no order."""
    if not ids:
        return []
    rows = connection.execute(_FRAMES, {"ids": padded(sorted(ids))})
    return [LockedFrame(*row) for row in rows]


def quarantine_size(connection: Connection, *conditions: ColumnElement[bool]) -> tuple[int, int]:
    """Measure the quarantine, or a part of it. Units: rows, bytes of their bodies."""
    query = select(func.count(), func.coalesce(func.sum(quarantine.c.body_bytes), 0))
    count, size = connection.execute(query.where(*conditions)).one()
    return count, int(size)


_ADD = insert(quarantine).returning(quarantine.c.id)
"""Several rows are one statement only when something is asked back of them."""

_FRAMES = (
    select(
        quarantine.c.id,
        quarantine.c.body,
        origin_secrets.c.master,
        origin_secrets.c.body_secret,
    )
    .outerjoin(origin_secrets, origin_secrets.c.origin_id == quarantine.c.id)
    .where(quarantine.c.id.in_(bindparam("ids", expanding=True)))
)


def _may_evict(connection: Connection) -> bool:
    if connection.dialect.name == "sqlite":
        return True
    return bool(connection.scalar(select(func.pg_try_advisory_xact_lock(EVICTION_LOCK))))


def _surplus(size: int, size_max: int) -> int:
    """Return how much must leave, so that there is always some way to the next measuring."""
    spare = size_max // 20
    return size - (size_max - 2 * spare) if size > size_max - spare else 0


def _shrink(
    connection: Connection, count_max: int, bytes_max: int, *conditions: ColumnElement[bool]
) -> tuple[list[Evicted], int, int]:
    """Evict until there is no surplus any more. Shape: who left; count and size before."""
    count, size = quarantine_size(connection, *conditions)
    count_surplus, bytes_surplus = _surplus(count, count_max), _surplus(size, bytes_max)
    c = quarantine.c
    is_repairable = case((c.reason.in_(sorted(REPAIRABLE)), 1), else_=0)
    first_to_go = select(c.id, c.reason, c.peer, c.body_bytes).where(*conditions)
    first_to_go = first_to_go.order_by(is_repairable, c.id).limit(EVICTION_PAGE)
    evicted: list[Evicted] = []
    while count_surplus > 0 or bytes_surplus > 0:
        leaving = []
        for row in connection.execute(first_to_go).all():
            if count_surplus <= 0 and bytes_surplus <= 0:
                break
            leaving.append(Evicted(*row))
            count_surplus -= 1
            bytes_surplus -= row.body_bytes
        if not leaving:
            break
        ids = [delivery.id for delivery in leaving]
        connection.execute(delete(quarantine).where(c.id.in_(ids)))
        destroy_secrets(connection, ids)
        evicted += leaving
    return evicted, count, size
