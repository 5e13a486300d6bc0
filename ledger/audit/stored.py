"""Rows as an audit reads them: plain, and prepared for finding anything in any column."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, text

from ledger.notification import Delivery

UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, OverflowError)
"""What reading a damaged row can raise."""

_NAMES = (
    "id, received_at, recorded_at, format, shop_id, mode, source, outcome, digest, signed_digest,"
    " key_fingerprint, told_at, positions, content_type, endpoint_shop_id, endpoint_mode, body"
)
_DELIVERIES = text(
    f"SELECT {_NAMES} FROM notifications"  # noqa: S608  no value in it
    " WHERE id > :after AND id <= :until ORDER BY id LIMIT :limit"
)


@dataclass(frozen=True, slots=True)
class Kept:
    """One verified delivery as the journal keeps it."""

    delivery: Delivery
    recorded_at: datetime
    format: str
    shop_id: str
    mode: str
    source: str | None
    outcome: str
    digest: str
    signed_digest: str
    key_fingerprint: str
    told_at: datetime | None
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event as it is stored. Shape: `originator_id` as 32 hex digits."""

    position: int
    originator_id: str
    version: int
    topic: str
    notification_id: str | None
    state: bytes = field(repr=False)
    details: bytes | None = field(repr=False, default=None)


def deliveries(connection: Connection, after: str, until: str, page: int) -> Iterator[list[Any]]:
    """Raw rows of a range of ids, page by page."""
    while True:
        told = {"after": after, "until": until, "limit": page}
        rows = list(connection.execute(_DELIVERIES, told))
        if rows:
            yield rows
        if len(rows) < page:
            return
        after = rows[-1].id


def kept(row: Any) -> Kept:
    """Read a raw row. Errors: one of UNREADABLE."""
    delivery = Delivery(
        id=row.id,
        received_at=_moment(row.received_at),
        body=bytes(row.body) if not isinstance(row.body, str) else row.body.encode(),
        content_type=row.content_type,
        shop_id=row.endpoint_shop_id,
        mode=row.endpoint_mode,
    )
    return Kept(
        delivery=delivery,
        recorded_at=_moment(row.recorded_at),
        format=row.format,
        shop_id=row.shop_id,
        mode=row.mode,
        source=row.source,
        outcome=row.outcome,
        digest=row.digest,
        signed_digest=row.signed_digest,
        key_fingerprint=row.key_fingerprint,
        told_at=None if row.told_at is None else _moment(row.told_at),
        positions=positions(row.positions),
    )


def positions(value: Any) -> tuple[int, ...]:
    """Read a list of positions. Errors: one of UNREADABLE."""
    told = orjson.loads(value) if isinstance(value, str | bytes) else value
    if not all(type(one) is int for one in told):
        raise ValueError("a position is no whole number")
    return tuple(told)


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if moment.tzinfo is None:
        raise ValueError("a moment without its time zone")
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def events_at(connection: Connection, wanted: Sequence[int]) -> dict[int, StoredEvent]:
    """The events at some positions, those that are there."""
    if not wanted:
        return {}
    names = "position, originator_id, originator_version, topic, notification_id, state, details"
    rows = _execute_in(connection, names, "events", "position", sorted(wanted))
    return {row.position: _event(row) for row in rows}


def events_of(connection: Connection, streams: Sequence[UUID]) -> list[StoredEvent]:
    """The events of some streams, in the order of their positions, without details."""
    if not streams:
        return []
    names = (
        "position, originator_id, originator_version, topic, notification_id, state,"
        " NULL AS details"
    )
    is_postgresql = connection.dialect.name == "postgresql"
    values = [str(one) if is_postgresql else one.hex for one in streams]
    rows = _execute_in(connection, names, "events", "originator_id", values)
    return sorted((_event(row) for row in rows), key=lambda one: one.position)


def events_between(connection: Connection, after: int, until: int) -> list[StoredEvent]:
    """The events of a range of positions, in their order, without details."""
    query = text(
        "SELECT position, originator_id, originator_version, topic, notification_id, state,"
        " NULL AS details FROM events WHERE position > :after AND position <= :until"
        " ORDER BY position"
    )
    return [_event(row) for row in connection.execute(query, {"after": after, "until": until})]


def outcomes_of(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[str, Any]]:
    """The outcome and the positions that some deliveries name, by their ids."""
    if not ids:
        return {}
    rows = _execute_in(connection, "id, outcome, positions", "notifications", "id", sorted(ids))
    return {row.id: (row.outcome, row.positions) for row in rows}


def _execute_in(
    connection: Connection, names: str, table: str, column: str, values: Sequence[Any]
) -> Iterator[Any]:
    """Rows whose column has one of these values, as one statement that is prepared once."""
    if connection.dialect.name == "postgresql":
        kind = {"id": "text", "position": "bigint", "originator_id": "uuid"}[column]
        any_ = f"ANY(CAST(:values AS {kind}[]))"
        query = text(f"SELECT {names} FROM {table} WHERE {column} = {any_}")  # noqa: S608  no value in it
        return iter(connection.execute(query, {"values": list(values)}))
    chosen = "SELECT value FROM json_each(:values)"
    query = text(f"SELECT {names} FROM {table} WHERE {column} IN ({chosen})")  # noqa: S608  no value in it
    return iter(connection.execute(query, {"values": orjson.dumps(list(values)).decode()}))


def _event(row: Any) -> StoredEvent:
    """Whatever the columns hold: what is no UUID or no bytes shows when it is read."""
    id_ = row.originator_id
    return StoredEvent(
        position=row.position,
        originator_id=id_ if isinstance(id_, str) else getattr(id_, "hex", str(id_)),
        version=row.originator_version,
        topic=row.topic,
        notification_id=row.notification_id,
        state=row.state,
        details=row.details,
    )
