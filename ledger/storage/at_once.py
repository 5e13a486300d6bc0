"""Appends a batch on PostgreSQL by one statement that reads and one that writes.

Each is a transaction of its own, so that a call waits for two answers instead of eight. Between
them anybody else may write, as between the statements of any transaction at this level of
isolation: the same constraints refuse whoever comes second.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import UTC
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, BigInteger, Column, Connection
from sqlalchemy.dialects import postgresql

from ledger.storage import references
from ledger.storage.additions import Addition, Additions, Asked, Known, New
from ledger.storage.database import Database, driver_errors
from ledger.storage.mapper import Entry
from ledger.storage.recorder import event_row
from ledger.storage.tables import (
    UtcDateTime,
    events,
    notifications,
    repeats,
    subscription_references,
)


class AtOnce:
    """The short way, where a trip to the server costs more than what it does there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self) -> AbstractContextManager[Connection]:
        return self._database.keyed()

    def known(self, connection: Connection, asked: Sequence[Asked]) -> Known:
        streams: dict[UUID, list[Entry]] = {id_: [] for one in asked for id_ in one.streams}
        told = {
            "ids": list(streams),
            "dated": [id_ for one in asked for id_ in one.dated],
            "digests": [one.signed_digest for one in asked],
        }
        found = Known({}, streams, {})
        for id_, version, topic, state, position, confirmed_at, digest, positions in _execute(
            connection, _KNOWN, told
        ):
            if digest is not None:
                found.positions_by_digest[digest] = tuple(positions)
                continue
            streams[id_].append(Entry(id_, version, topic, state, position))
            if confirmed_at is not None:
                found.confirmed_at[id_] = confirmed_at.astimezone(UTC)
        for entries in streams.values():
            entries.sort(key=_version)
        return found

    def add(self, connection: Connection, additions: Additions) -> list[int]:
        told: dict[str, Any] = {
            "deliveries": _json([_delivery(one) for one in additions.deliveries]),
            "bodies": [one.row.body for one in additions.deliveries],
        }
        if additions.events:
            rows = [event_row(*one) for one in additions.events]
            told["events"] = _json([{name: row[name] for name in _EVENT} for row in rows])
            told["states"] = [row["state"] for row in rows]
            told["details"] = [row["details"] for row in rows]
        if additions.repeats:
            told["repeats"] = _json([one._asdict() for one in additions.repeats])
        if additions.references:
            told["names"] = _json(additions.references)
        return [row[0] for row in _execute(connection, _writing(frozenset(told)), told)]


def _execute(connection: Connection, statement: str, told: dict[str, Any]) -> list[Any]:
    """Straight through the driver, in the binary form: bytes as text would be twice as long."""
    with driver_errors(connection, statement):
        cursor: Any = connection.connection.cursor()
        found: list[Any] = cursor.execute(statement, told, binary=True).fetchall()
        return found


# -- what is sent ---------------------------------------------------------------------------------


def _json(rows: Sequence[Any]) -> str:
    return orjson.dumps(rows).decode()


def _delivery(one: Addition) -> dict[str, Any]:
    told: dict[str, Any] = {name: getattr(one.row, name) for name in _DELIVERY}
    for name in _MOMENTS:
        told[name] = _MOMENT.process_bind_param(told[name], _DIALECT)
    told["known"] = [place for place in one.places if not isinstance(place, New)]
    told["new"] = [place.index + 1 for place in one.places if isinstance(place, New)]
    return told


def _version(entry: Entry) -> int:
    return entry.originator_version


# -- the statements -------------------------------------------------------------------------------

_KNOWN = """
SELECT originator_id, originator_version, topic, state, position,
  CASE WHEN originator_version = 1 AND originator_id = ANY(%(dated)b::uuid[]) THEN (
    SELECT max(told_at) FROM repeats WHERE repeats.originator_id = events.originator_id
  ) END, NULL, NULL
FROM events WHERE originator_id = ANY(%(ids)b::uuid[])
UNION ALL (
  SELECT DISTINCT ON (signed_digest) NULL, NULL, NULL, NULL, NULL, NULL, signed_digest, positions
  FROM notifications WHERE signed_digest = ANY(%(digests)b::text[])
  ORDER BY signed_digest, outcome, id
)"""

_EVENT = ("originator_id", "originator_version", "topic", "notification_id")
_DELIVERY = [str(one.name) for one in notifications.c if one.name not in ("positions", "body")]
_DIALECT: Any = postgresql.dialect()  # type: ignore[no-untyped-call]  # the library has no types here
_MOMENT = UtcDateTime()
_MOMENTS = [str(one.name) for one in notifications.c if isinstance(one.type, UtcDateTime)]


@lru_cache
def _writing(told: frozenset[str]) -> str:
    """The statement for a batch that brings these things; what it does not bring costs nothing."""
    parts = _adding_events() if "events" in told else [_NO_EVENTS]
    parts.append(f"deliveries AS ({_adding_deliveries()})")
    if "repeats" in told:
        columns = ", ".join(repeats.c.keys())
        source = _records("repeats", list(repeats.c))
        parts.append(f"repeated AS (INSERT INTO repeats ({columns}) SELECT * FROM {source})")  # noqa: S608
    if "names" in told:
        source = _records("names", list(subscription_references.c))
        parts.append(f"named AS ({references.adding(f'SELECT * FROM {source}')})")  # noqa: S608
    return f"WITH {', '.join(parts)} SELECT position FROM placed ORDER BY ord"  # noqa: S608


def _adding_events() -> list[str]:
    """Positions are drawn in the order told."""
    columns = ", ".join((*_EVENT, "state", "details"))
    told = _zipped("events", [events.c[name] for name in _EVENT], "states", "details")
    return [
        f"told AS MATERIALIZED (SELECT * FROM {told} AS told ({columns}, ord))",  # noqa: S608
        f"added AS (INSERT INTO events ({columns}) SELECT {columns} FROM told ORDER BY ord"  # noqa: S608
        " RETURNING position, originator_id, originator_version)",
        "placed AS (SELECT ord, position FROM added JOIN told"
        " USING (originator_id, originator_version))",
    ]


_NO_EVENTS = "placed AS (SELECT 0 AS ord, 0::bigint AS position WHERE false)"


def _adding_deliveries() -> str:
    columns = ", ".join(_DELIVERY)
    typed: list[Column[Any]] = [notifications.c[name] for name in _DELIVERY]
    typed += [Column("known", ARRAY(BigInteger)), Column("new", ARRAY(BigInteger))]
    told = _zipped("deliveries", typed, "bodies")
    positions = (
        "SELECT coalesce(json_agg(position ORDER BY position), '[]') FROM ("
        "SELECT unnest(known) AS position"
        " UNION ALL SELECT position FROM placed WHERE ord = ANY(new)) AS places"
    )
    return (
        f"INSERT INTO notifications ({columns}, body, positions)"  # noqa: S608
        f" SELECT {columns}, body, ({positions})"
        f" FROM {told} AS told ({columns}, known, new, body, ord) ORDER BY ord"
    )


def _zipped(name: str, columns: Sequence[Column[Any]], *arrays: str) -> str:
    """Records and arrays of bytes side by side: bytes have no place in JSON."""
    beside = ", ".join(f"unnest(%({one})b::bytea[])" for one in arrays)
    return f"ROWS FROM ({_records(name, columns)}, {beside}) WITH ORDINALITY"


def _records(name: str, columns: Sequence[Column[Any]]) -> str:
    """What was told as JSON, as rows. Shape: the columns of a table, by their own types."""
    typed = ", ".join(f"{one.name} {one.type.compile(_DIALECT)}" for one in columns)
    return f"json_to_recordset(%({name})s::json) AS ({typed})"
