"""Rows as an audit reads them: plain, and prepared for anything in any column."""

from collections.abc import Iterable, Iterator, Sequence
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

DELIVERY_PAGE = 250  # bodies in memory at a time
_DECIDED = (
    " FROM notifications n LEFT JOIN decisions d ON n.outcome = 'undecided' AND d.place = (SELECT"
    " max(place) FROM decisions WHERE notification_id = n.id AND outcome <> 'undecided')"
)
"""Joins what was decided later to what was undecided on arrival."""

_DELIVERIES = text(
    "SELECT n.id, n.received_at, coalesce(d.decided_at, n.recorded_at) AS recorded_at, n.format,"
    " n.shop_id, n.mode, n.source, coalesce(d.outcome, n.outcome) AS outcome,"
    " n.outcome AS first_outcome, n.signed_tag, n.key_fingerprint, n.told_at,"
    " coalesce(d.positions, n.positions) AS positions, n.content_type, n.endpoint_shop_id,"
    f" n.endpoint_mode, n.is_from_named_range, coalesce(d.id, n.id) AS origin_id{_DECIDED}"
    " WHERE n.id > :after AND n.id <= :until ORDER BY n.id LIMIT :limit"
)
_EVENT_COLUMNS = "position, originator_id, originator_version, topic, origin_id, state"
_COLUMN_TYPES = {"id": "text", "position": "bigint", "originator_id": "uuid"}


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """One verified delivery as the inbox holds it, with its columns in `raw_row`.

    Shape: an erased one has an empty body; whoever reads it has to know. An answer has no
    `signed_tag`.
    """

    delivery: Delivery
    recorded_at: datetime
    told_at: datetime | None
    positions: tuple[int, ...]
    raw_row: Any = field(repr=False)
    signed_tag: str = ""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event as it is stored. Shape: `originator_id` as 32 hex digits."""

    position: int
    originator_id: str
    version: int
    topic: str
    origin_id: str
    state_json: bytes = field(repr=False)
    stored_details: bytes | None = field(default=None, repr=False)
    part: int | None = None


def delivery_pages(connection: Connection, after_id: str, until_id: str) -> Iterator[Sequence[Any]]:
    """Yield the raw rows of a range of ids, page by page."""
    bounds = {"after": after_id, "until": until_id, "limit": DELIVERY_PAGE}
    while raw_rows := connection.execute(_DELIVERIES, bounds).all():
        yield raw_rows
        bounds["after"] = raw_rows[-1].id


def read_delivery(raw_row: Any, body: bytes) -> StoredDelivery:
    """Read a raw row, with the body that was opened. Errors: those of UNREADABLE."""
    told_at = raw_row.told_at
    delivery = Delivery(
        id=raw_row.id,
        received_at=_read_instant(raw_row.received_at),
        body=body,
        content_type=raw_row.content_type,
        shop_id=raw_row.endpoint_shop_id,
        mode=raw_row.endpoint_mode,
        is_from_named_range=bool(raw_row.is_from_named_range),
    )
    return StoredDelivery(
        delivery,
        _read_instant(raw_row.recorded_at),
        None if told_at is None else _read_instant(told_at),
        read_positions(raw_row.positions),
        raw_row,
        raw_row.signed_tag.hex(),
    )


def read_positions(column: Any) -> tuple[int, ...]:
    """Read a list of positions. Errors: those of UNREADABLE."""
    positions = orjson.loads(column) if isinstance(column, str | bytes) else column
    if not all(type(position) is int for position in positions):
        raise ValueError("a position is no whole number")
    return tuple(positions)


def _read_instant(column: Any) -> datetime:
    instant = read_instant(column) if isinstance(column, str) else column
    if instant.tzinfo is None:
        raise ValueError("an instant without its time zone")
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)


def events_at(connection: Connection, positions: Sequence[int]) -> dict[int, StoredEvent]:
    """Return the events that stand at these positions, with details, by position."""
    columns = f"{_EVENT_COLUMNS}, details, part"
    rows = _rows_with(connection, columns, "events", "position", sorted(positions))
    return {row.position: _event(row) for row in rows}


def events_of(connection: Connection, stream_ids: Iterable[UUID]) -> list[StoredEvent]:
    """Return the events of these streams in the order of positions, without details."""
    is_postgresql = connection.dialect.name == "postgresql"
    ids = [str(id_) if is_postgresql else id_.hex for id_ in stream_ids]
    columns = _EVENT_COLUMNS
    rows = _rows_with(connection, columns, "events", "originator_id", ids)
    return sorted(map(_event, rows), key=lambda event: event.position)


def events_between(connection: Connection, after: int, until: int) -> list[StoredEvent]:
    """Return the events of a range of positions in their order, without details."""
    query = text(
        f"SELECT {_EVENT_COLUMNS} FROM events"  # noqa: S608  no value in it
        " WHERE position > :after AND position <= :until ORDER BY position"
    )
    return list(map(_event, connection.execute(query, {"after": after, "until": until})))


def outcome_and_positions(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[str, Any]]:
    """Return the outcome and the positions that origins of events name, by their ids.

    Shape: an origin is a delivery, a later decision about one, an answer, or what an operator did.
    """
    source = (
        "(SELECT id, outcome, positions FROM notifications"
        " UNION ALL SELECT id, outcome, positions FROM decisions"
        " UNION ALL SELECT id, outcome, positions FROM answers"
        " UNION ALL SELECT id, 'recorded', positions FROM acts) AS origins"
    )
    rows = _rows_with(connection, "id, outcome, positions", source, "id", sorted(ids))
    return {row.id: (row.outcome, row.positions) for row in rows}


def stray_decisions(connection: Connection) -> Iterable[Any]:
    """Return the later decisions about what was not undecided on arrival, or is not there."""
    query = (
        "SELECT d.id, d.notification_id FROM decisions d LEFT JOIN notifications n"
        " ON n.id = d.notification_id AND n.signed_tag = d.signed_tag"
        " AND n.outcome = 'undecided' WHERE n.id IS NULL ORDER BY d.place"
    )
    return connection.execute(text(query))


def _rows_with(
    connection: Connection, selected: str, table: str, column: str, column_values: list[Any]
) -> Iterable[Any]:
    """Read the rows whose column has one of these values, in one statement prepared once."""
    if not column_values:
        return ()
    if connection.dialect.name == "postgresql":
        condition = f"= ANY(CAST(:values AS {_COLUMN_TYPES[column]}[]))"
        parameter: object = column_values
    else:
        condition = "IN (SELECT value FROM json_each(:values))"
        parameter = orjson.dumps(column_values).decode()
    query = text(f"SELECT {selected} FROM {table} WHERE {column} {condition}")  # noqa: S608  no value in it
    return connection.execute(query, {"values": parameter})


def _event(raw_row: Any) -> StoredEvent:
    """Take over whatever the columns hold: what is no UUID or no bytes shows when it is read."""
    position, id_, *more = raw_row
    return StoredEvent(
        position, id_ if isinstance(id_, str) else getattr(id_, "hex", str(id_)), *more
    )
