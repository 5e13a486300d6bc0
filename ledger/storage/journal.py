"""The journal of deliveries: what was verified, for ever, and what was not, for a while."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.exc import IntegrityError

from ledger.reasons import REPAIRABLE
from ledger.storage.database import Database, padded
from ledger.storage.tables import (
    QUARANTINED,
    RECORDED_ONCE,
    notifications,
    quarantine,
    repeats,
)

EVICTION_LOCK = 0x1ED6_0003
"""PostgreSQL advisory lock: one process evicts at a time, so that none waits for another."""

TOTAL_CHECK_EVERY = 64  # the sum over all of quarantine is not worth every refusal
ROOM_PARTS = 4
PEERS_MAX = 1000  # whose rooms are remembered
EVICTION_PAGE = 500


class AlreadyRecorded(Exception):
    """What a notification's signature covers is recorded already: it is a repeat."""


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
    """What one peer may still send before anybody has to look again."""

    count: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRow:
    """One delivery as it was kept.

    Shape: `outcome` is recorded, repeated or quarantined. What only a verified delivery has
    (`recorded_at`, `signed_digest`, `key_fingerprint`, `told_at`, `positions`) is empty in
    quarantine; there `shop_id` and `mode` are as claimed. `body` is None in lists.
    """

    id: str
    received_at: datetime
    outcome: str
    digest: str
    recorded_at: datetime | None = None
    format: str | None = None
    shop_id: str | None = None
    mode: str | None = None
    source: str | None = None
    reason: str | None = None
    signed_digest: str | None = None
    key_fingerprint: str | None = None
    told_at: datetime | None = None
    positions: tuple[int, ...] = ()
    content_type: str = ""
    peer: str = ""
    endpoint_shop_id: str | None = None
    endpoint_mode: str | None = None
    body: bytes | None = field(default=None, repr=False)


class Repeat(NamedTuple):
    """A stream that a delivery was about without bringing it any news."""

    originator_id: UUID
    notification_id: str
    told_at: datetime | None


Rows = list[JournalRow]


class Journal:
    """Reads and writes deliveries on the caller's connection, in the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._is_sqlite = database.is_sqlite
        self._until_total_check = 0
        self._rooms = threading.Lock()
        self._room_by_peer: dict[str, _Room] = {}

    def add(self, connection: Connection, row: JournalRow) -> None:
        """Keep a verified delivery for ever.

        Errors: AlreadyRecorded when its outcome is `recorded` and another such row has its
        signed digest; the transaction can then only be rolled back.
        """
        self.add_many(connection, [row])

    def add_many(self, connection: Connection, rows: Sequence[JournalRow]) -> None:
        """Keep verified deliveries for ever. Errors: as `add`."""
        values = [
            _values(row, notifications.c) | {"positions": list(row.positions)} for row in rows
        ]
        try:
            connection.execute(_ADD, values)
        except IntegrityError as error:
            if not _violates_recorded_once(error):
                raise
            raise AlreadyRecorded from error

    def find_verified(self, connection: Connection, id: str) -> JournalRow | None:
        """A verified delivery without its body, or None."""
        query = without_body(notifications).where(notifications.c.id == id)
        row = connection.execute(query).one_or_none()
        return None if row is None else journal_row(row)

    def positions_by_digest(
        self, connection: Connection, signed_digests: Sequence[str]
    ) -> dict[str, tuple[int, ...]]:
        """Where the events stand of what was signed before: as it was recorded, if it was.

        Shape: by signed digest, only those that are there.
        """
        found: dict[str, tuple[int, ...]] = {}
        for row in connection.execute(_SIGNED, {"digests": padded(signed_digests)}):
            found.setdefault(row.signed_digest, tuple(row.positions))
        return found

    def add_repeats(self, connection: Connection, repeated: Sequence[Repeat]) -> None:
        """Note which streams deliveries confirm as they were told before."""
        if repeated:
            connection.execute(insert(repeats), [one._asdict() for one in repeated])

    def confirmed_at(
        self, connection: Connection, originator_ids: Sequence[UUID]
    ) -> dict[UUID, datetime]:
        """When the platform last repeated what it had told. Shape: only streams it dated."""
        found = connection.execute(_CONFIRMED, {"ids": padded(originator_ids)})
        return {row[0]: row[1] for row in found}

    def take_room(self, row: JournalRow) -> bool:
        """Take the room of one delivery in quarantine; False when somebody has to look first."""
        with self._rooms:
            room = self._room_by_peer.get(row.peer)
            if room is None or self._until_total_check <= 1:
                return False
            room.count -= 1
            room.size -= len(row.body or b"")
            self._until_total_check -= 1
            return room.count >= 0 and room.size >= 0

    def put_aside(self, connection: Connection, rows: Sequence[JournalRow]) -> None:
        """Keep what could not be verified."""
        bodies = [row.body or b"" for row in rows]
        values = [
            _values(row, quarantine.c) | {"body": body, "body_bytes": len(body)}
            for row, body in zip(rows, bodies, strict=True)
        ]
        connection.execute(_PUT_ASIDE, values)

    def quarantine(self, connection: Connection, row: JournalRow, bounds: Bounds) -> list[Evicted]:
        """Keep what could not be verified, and evict what no longer fits.

        Out go first those that no key can repair, each kind oldest first; for all senders together
        only now and then.
        """
        self.put_aside(connection, [row])
        self._until_total_check -= 1
        if not self._may_evict(connection):
            return []
        from_peer = quarantine.c.peer == row.peer
        count, size = _size(connection, from_peer)
        over = _over(count, bounds.count_max), _over(size, bounds.bytes_max)
        evicted = _evict(connection, from_peer, *over)
        if self._is_total_due():
            evicted += self._evict_from_all(connection, bounds)
        self._note_room(row.peer, bounds.count_max - count, bounds.bytes_max - size)
        return evicted

    def release(self, connection: Connection, id: str) -> bool:
        """Take a delivery out of quarantine; False when it is not (or no longer) there."""
        gone = delete(quarantine).where(quarantine.c.id == id).returning(quarantine.c.id)
        return connection.execute(gone).one_or_none() is not None

    def get(self, connection: Connection, id: str) -> JournalRow | None:
        """One delivery with its body, verified or not."""
        for table in (notifications, quarantine):
            row = connection.execute(select(table).where(table.c.id == id)).one_or_none()
            if row is not None:
                return journal_row(row)
        return None

    def get_verified(self, connection: Connection, ids: Sequence[str]) -> dict[str, JournalRow]:
        """Several verified deliveries with their bodies, by id; only those that are there."""
        if not ids:
            return {}
        found = connection.execute(_VERIFIED, {"ids": padded(ids)})
        return {row.id: journal_row(row) for row in found}

    def same_signed(
        self, connection: Connection, signed_digest: str, *, limit: int
    ) -> list[JournalRow]:
        """Every delivery with this signed content, in the order of arrival, without bodies."""
        c = notifications.c
        query = without_body(notifications).where(c.signed_digest == signed_digest)
        return [journal_row(row) for row in connection.execute(query.order_by(c.id).limit(limit))]

    def quarantine_size(self, connection: Connection) -> tuple[int, int]:
        """How many deliveries are in quarantine. Units: rows, bytes of their bodies."""
        return _size(connection)

    def quarantine_reasons(self, connection: Connection) -> dict[str, int]:
        """How many deliveries are in quarantine for each reason."""
        reason = quarantine.c.reason
        query = select(reason, func.count()).group_by(reason).order_by(reason)
        return {row[0]: row[1] for row in connection.execute(query)}

    def _may_evict(self, connection: Connection) -> bool:
        if self._is_sqlite:
            return True
        mine = select(func.pg_try_advisory_xact_lock(EVICTION_LOCK))
        return bool(connection.scalar(mine))

    def _is_total_due(self) -> bool:
        # Two threads may count at once: then the sum is taken a little early or late. It stays due
        # for those that another one kept from evicting.
        if self._until_total_check > 0:
            return False
        self._until_total_check = TOTAL_CHECK_EVERY
        return True

    def _evict_from_all(self, connection: Connection, bounds: Bounds) -> list[Evicted]:
        count, size = _size(connection)
        over = _over(count, bounds.total_count_max), _over(size, bounds.total_bytes_max)
        return _evict(connection, None, *over)

    def _note_room(self, peer: str, count: int, size: int) -> None:
        """Other processes may fill the same room, so that each takes a part of it."""
        with self._rooms:
            if len(self._room_by_peer) >= PEERS_MAX:
                self._room_by_peer.clear()
            self._room_by_peer[peer] = _Room(count // ROOM_PARTS, size // ROOM_PARTS)


def _values(row: JournalRow, columns: Any) -> dict[str, Any]:
    return {one.name: getattr(row, one.name) for one in fields(row) if one.name in columns}


def _violates_recorded_once(error: IntegrityError) -> bool:
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is not None:
        return bool(diagnosis.constraint_name == RECORDED_ONCE)
    return "UNIQUE constraint failed: notifications.signed_digest" in str(error.orig)


def without_body(table: Any) -> Select[Any]:
    """Deliveries, to be narrowed; their bodies are the larger part and stay where they are."""
    return select(*(column for column in table.c if column.name != "body"))


_ADD = insert(notifications)
_PUT_ASIDE = insert(quarantine).returning(quarantine.c.id)
"""Several rows are one statement only when something is asked back of them."""
_VERIFIED = select(notifications).where(notifications.c.id.in_(bindparam("ids", expanding=True)))
_SIGNED = (
    select(notifications.c.signed_digest, notifications.c.positions)
    .where(notifications.c.signed_digest.in_(bindparam("digests", expanding=True)))
    .order_by(notifications.c.outcome, notifications.c.id)
)
_CONFIRMED = (
    select(repeats.c.originator_id, func.max(repeats.c.told_at))
    .where(
        repeats.c.originator_id.in_(bindparam("ids", expanding=True)),
        repeats.c.told_at.is_not(None),
    )
    .group_by(repeats.c.originator_id)
)


def journal_row(row: Row[Any]) -> JournalRow:
    """A row of either table."""
    values = dict(row._mapping)
    values.pop("body_bytes", None)
    values.setdefault("outcome", QUARANTINED)
    values["positions"] = tuple(values.get("positions", ()))
    return JournalRow(**values)


def _size(connection: Connection, where: ColumnElement[bool] | None = None) -> tuple[int, int]:
    query = select(func.count(), func.coalesce(func.sum(quarantine.c.body_bytes), 0))
    if where is not None:
        query = query.where(where)
    count, size = connection.execute(query).one()
    return count, int(size)


def _over(found: int, most: int) -> int:
    """How much must leave, so that there is always some way to the next look."""
    spare = most // 20
    return found - (most - 2 * spare) if found > most - spare else 0


def _evict(
    connection: Connection, where: ColumnElement[bool] | None, count_over: int, bytes_over: int
) -> list[Evicted]:
    """Delete until neither is over any more."""
    evicted: list[Evicted] = []
    while count_over > 0 or bytes_over > 0:
        page = connection.execute(_first_to_go(where)).all()
        leaving = []
        for row in page:
            if count_over <= 0 and bytes_over <= 0:
                break
            leaving.append(Evicted(row.id, row.reason, row.peer))
            count_over -= 1
            bytes_over -= row.body_bytes
        if not leaving:
            break
        ids = [one.id for one in leaving]
        connection.execute(delete(quarantine).where(quarantine.c.id.in_(ids)))
        evicted += leaving
    return evicted


def _first_to_go(where: ColumnElement[bool] | None) -> Select[Any]:
    c = quarantine.c
    is_repairable = case((c.reason.in_(sorted(REPAIRABLE)), 1), else_=0)
    query = select(c.id, c.reason, c.peer, c.body_bytes).order_by(is_repairable, c.id)
    query = query.limit(EVICTION_PAGE)
    return query if where is None else query.where(where)
