"""Rows as an audit reads them: plain, and prepared for anything in any column."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, text

from ledger.instants import read_instant
from ledger.ipn.delivery import Delivery

UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, OverflowError)
"""What reading a damaged row can raise."""

_DELIVERY_PAGE = text(
    "SELECT id, received_at, recorded_at, format, shop_id, mode, source, outcome, digest,"
    " signed_digest, key_fingerprint, told_at, positions, content_type, endpoint_shop_id,"
    " endpoint_mode, body FROM notifications"
    " WHERE id > :after AND id <= :until ORDER BY id LIMIT :limit"
)
_EVENT_COLUMNS = "position, originator_id, originator_version, topic, notification_id, state"
_COLUMN_TYPES = {"id": "text", "position": "bigint", "originator_id": "uuid"}


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """One verified delivery as the inbox holds it, with its columns in `row`."""

    delivery: Delivery
    recorded_at: datetime
    told_at: datetime | None
    positions: tuple[int, ...]
    row: Any = field(repr=False)


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


def delivery_pages(
    connection: Connection, after: str, until: str, page: int
) -> Iterator[list[Any]]:
    """Yield the raw rows of a range of ids, page by page."""
    while True:
        bounds = {"after": after, "until": until, "limit": page}
        rows = list(connection.execute(_DELIVERY_PAGE, bounds))
        if rows:
            yield rows
        if len(rows) < page:
            return
        after = rows[-1].id


def read_delivery(row: Any) -> StoredDelivery:
    """Read a raw row. Errors: those of UNREADABLE."""
    delivery = Delivery(
        id=row.id,
        received_at=_read_instant(row.received_at),
        body=bytes(row.body) if not isinstance(row.body, str) else row.body.encode(),
        content_type=row.content_type,
        shop_id=row.endpoint_shop_id,
        mode=row.endpoint_mode,
    )
    told_at = None if row.told_at is None else _read_instant(row.told_at)
    return StoredDelivery(
        delivery, _read_instant(row.recorded_at), told_at, read_positions(row.positions), row
    )


def read_positions(stored: Any) -> tuple[int, ...]:
    """Read a list of positions. Errors: those of UNREADABLE."""
    positions = orjson.loads(stored) if isinstance(stored, str | bytes) else stored
    if not all(type(position) is int for position in positions):
        raise ValueError("a position is no whole number")
    return tuple(positions)


def _read_instant(stored: Any) -> datetime:
    instant = read_instant(stored) if isinstance(stored, str) else stored
    if instant.tzinfo is None:
        raise ValueError("an instant without its time zone")
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)


def events_at(connection: Connection, positions: Sequence[int]) -> dict[int, StoredEvent]:
    """Return the events that stand at these positions, with details, by position."""
    columns = f"{_EVENT_COLUMNS}, details"
    rows = _rows_with(connection, columns, "events", "position", sorted(positions))
    return {row.position: _event(row) for row in rows}


def events_of(connection: Connection, streams: Sequence[UUID]) -> list[StoredEvent]:
    """Return the events of these streams in the order of positions, without details."""
    is_postgresql = connection.dialect.name == "postgresql"
    ids = [str(stream) if is_postgresql else stream.hex for stream in streams]
    columns = f"{_EVENT_COLUMNS}, NULL AS details"
    rows = _rows_with(connection, columns, "events", "originator_id", ids)
    return sorted((_event(row) for row in rows), key=lambda event: event.position)


def events_between(connection: Connection, after: int, until: int) -> list[StoredEvent]:
    """Return the events of a range of positions in their order, without details."""
    query = text(
        f"SELECT {_EVENT_COLUMNS}, NULL AS details FROM events"  # noqa: S608  no value in it
        " WHERE position > :after AND position <= :until ORDER BY position"
    )
    return [_event(row) for row in connection.execute(query, {"after": after, "until": until})]


def outcome_and_positions(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[str, Any]]:
    """Return the outcome and the positions that deliveries name, by their ids."""
    rows = _rows_with(connection, "id, outcome, positions", "notifications", "id", sorted(ids))
    return {row.id: (row.outcome, row.positions) for row in rows}


def _rows_with(
    connection: Connection, columns: str, table: str, column: str, values: Sequence[Any]
) -> Iterator[Any]:
    """Read the rows whose column has one of these values, in one statement prepared once."""
    if not values:
        return iter(())
    if connection.dialect.name == "postgresql":
        condition = f"= ANY(CAST(:values AS {_COLUMN_TYPES[column]}[]))"
        parameter: object = list(values)
    else:
        condition = "IN (SELECT value FROM json_each(:values))"
        parameter = orjson.dumps(list(values)).decode()
    query = text(f"SELECT {columns} FROM {table} WHERE {column} {condition}")  # noqa: S608  no value in it
    return iter(connection.execute(query, {"values": parameter}))


def _event(row: Any) -> StoredEvent:
    """Take over whatever the columns hold: what is no UUID or no bytes shows when it is read."""
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
