"""Erasures as they are stored: what was to be erased, and what was."""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, insert, select
from ulid import ULID

from ledger.errors import ConflictError, NotFoundError
from ledger.privacy.selection import Selection
from ledger.storage.database import chunks
from ledger.storage.erased import DONE, INTENT
from ledger.storage.erasure_tables import erasures
from ledger.storage.tables import origin_secrets

ERASING_LOCK = 0x1ED6_0005
"""PostgreSQL advisory lock: one erasure at a time says what it wants."""

SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class Erasure:
    """One row of an erasure. Shape: `id` is the same in both phases, `row_id` is its own."""

    id: str
    row_id: str
    phase: str
    reason: str
    by_whom: str
    salt: str
    recorded_at: datetime
    selection: Selection
    masters: tuple[str, ...]
    verification: Mapping[str, int]


def add_intent(
    connection: Connection,
    selection: Selection,
    *,
    reason: str,
    by_whom: str,
    verification: Mapping[str, int],
    now: datetime,
) -> Erasure:
    """Store what is to be erased. Errors: ConflictError while another erasure is not done."""
    if connection.dialect.name != "sqlite":
        connection.execute(select(func.pg_advisory_xact_lock(ERASING_LOCK)))
    if unfinished(connection):
        raise ConflictError("another erasure is going on: try again when it is done")
    id_ = str(ULID.from_datetime(now))
    masters = masters_of(connection, selection.origin_ids)
    salt = secrets.token_hex(SALT_BYTES)
    erasure = Erasure(
        id_, id_, INTENT, reason, by_whom, salt, now, selection, tuple(masters), verification
    )
    _add(connection, erasure)
    return erasure


def add_done(
    connection: Connection, intent: Erasure, origin_ids: Collection[str], now: datetime
) -> None:
    """Store what was erased, with what came in between. Errors: IntegrityError when it is there."""
    done = Erasure(
        intent.id,
        str(ULID.from_datetime(now)),
        DONE,
        intent.reason,
        intent.by_whom,
        intent.salt,
        now,
        Selection(frozenset(origin_ids), intent.selection.stream_ids),
        intent.masters,
        intent.verification,
    )
    _add(connection, done)


def unfinished(connection: Connection) -> list[Erasure]:
    """Return the erasures that were begun and not done, oldest first."""
    c = erasures.c
    done = select(c.erasure_id).where(c.phase == DONE)
    query = select(erasures).where(c.phase == INTENT, c.erasure_id.not_in(done)).order_by(c.place)
    return [_erasure(row) for row in connection.execute(query)]


def erasure_phases(connection: Connection, erasure_id: str) -> dict[str, Erasure]:
    """Return the rows of an erasure by their phase. Errors: NotFoundError."""
    rows = connection.execute(select(erasures).where(erasures.c.erasure_id == erasure_id)).all()
    if not rows:
        raise NotFoundError(f"there is no erasure {erasure_id}")
    return {row.phase: _erasure(row) for row in rows}


def erasures_by_id(connection: Connection) -> dict[str, list[Erasure]]:
    """Return all rows of erasures, by the id of the erasure."""
    by_id: dict[str, list[Erasure]] = {}
    for row in connection.execute(select(erasures).order_by(erasures.c.place)):
        by_id.setdefault(row.erasure_id, []).append(_erasure(row))
    return by_id


def masters_of(connection: Connection, origin_ids: Collection[str]) -> list[str]:
    """Return the master keys that lock the secrets of origins."""
    masters = set[str]()
    c, in_order = origin_secrets.c, sorted(origin_ids)
    for chunk in chunks(in_order):
        query = select(c.master).distinct().where(c.origin_id.in_(chunk))
        masters |= {*connection.scalars(query)}
    return sorted(masters)


def _add(connection: Connection, erasure: Erasure) -> None:
    row = {
        "id": erasure.row_id,
        "erasure_id": erasure.id,
        "phase": erasure.phase,
        "reason": erasure.reason,
        "by_whom": erasure.by_whom,
        "salt": erasure.salt,
        "recorded_at": erasure.recorded_at,
        "origins": sorted(erasure.selection.origin_ids),
        "streams": sorted(id_.hex for id_ in erasure.selection.stream_ids),
        "masters": list(erasure.masters),
        "verified": dict(erasure.verification),
    }
    connection.execute(insert(erasures), row)


def _erasure(row: Row[Any]) -> Erasure:
    selection = Selection(frozenset(row.origins), frozenset(map(UUID, row.streams)))
    names = (row.erasure_id, row.id, row.phase, row.reason, row.by_whom, row.salt)
    return Erasure(*names, row.recorded_at, selection, tuple(row.masters), row.verified)
