"""Writes a write set on PostgreSQL by one statement that reads and one that writes.

Each is a transaction of its own, so that a call waits for two answers instead of eight. Between
them anybody else may write, as between the statements of any transaction at this level of
isolation: the same constraints refuse whoever comes second.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC
from functools import lru_cache
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, BigInteger, Column, Connection, Uuid
from sqlalchemy.dialects import postgresql

from ledger.storage import subscription_index
from ledger.storage.compressed_columns import compress_details
from ledger.storage.database import Database
from ledger.storage.database_errors import driver_errors
from ledger.storage.event_mapper import Entry
from ledger.storage.event_recorder import event_row
from ledger.storage.inbox import InboxRecord
from ledger.storage.sealed_rows import SealedOrigin
from ledger.storage.stream_names import name_rows
from ledger.storage.tables import (
    events,
    notifications,
    origin_secrets,
    repeats,
    stream_names,
    subscription_references,
)
from ledger.storage.write_set import PROVISIONAL, Loaded, LoadRequest, WriteSet


class PostgresqlWriter:
    """The short strategy, where a trip to the server costs more than what it does there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self) -> AbstractContextManager[Connection]:
        return self._database.keyed()

    def load(self, connection: Connection, requests: Sequence[LoadRequest]) -> Loaded:
        streams: dict[UUID, list[Entry]] = {
            id_: [] for request in requests for id_ in request.stream_ids
        }
        parameters = {
            "ids": list(streams),
            "dated": [id_ for request in requests for id_ in request.dated],
            "signed_tags": [bytes.fromhex(request.signed_tag) for request in requests],
            "tags": [bytes.fromhex(tag) for request in requests for tag in request.text_tags],
        }
        loaded = Loaded({}, streams, {})
        for id_, version, topic, state, position, confirmed_at, digest, positions in execute(
            connection, _LOAD, parameters
        ):
            if topic is not None and version is None:
                loaded.texts_by_tag[topic] = digest
                continue
            if id_ is not None and version is None:
                loaded.stream_by_name[id_] = UUID(digest)
                continue
            if digest is not None:
                loaded.positions_by_tag[digest] = tuple(positions)
                continue
            streams.setdefault(id_, []).append(Entry(id_, version, topic, state, position))
            if confirmed_at is not None:
                loaded.confirmed_at[id_] = confirmed_at.astimezone(UTC)
        for entries in streams.values():
            entries.sort(key=attrgetter("originator_version"))
        return loaded

    def lock(self, connection: Connection, loaded: Loaded) -> bool:
        return True

    def write(self, connection: Connection, writes: WriteSet) -> list[int]:
        assert not writes.decisions, "later decisions are for the plain strategy"
        assert not [*writes.acts, *writes.answers], "acts and answers are, too"
        sealed = writes.sealed_origins
        parameters: dict[str, Any] = {
            "deliveries": _json([_delivery(record) for record in writes.deliveries]),
            "sealed": _json([_sealed(each, writes.streams_by_origin) for each in sealed]),
            **{f"sealed_{name}": [getattr(each, name) for each in sealed] for name in _SEALED},
        }
        if writes.new_events:
            event_rows = [event_row(event) for event in writes.new_events]
            parameters["states"] = [row.pop("state") for row in event_rows]
            parameters["details"] = [compress_details(row.pop("details")) for row in event_rows]
            parameters["events"] = _json(event_rows)
        if writes.repeats:
            parameters["repeats"] = _json([repeat._asdict() for repeat in writes.repeats])
        if writes.stream_by_name:
            parameters["names"] = _json(name_rows(writes.stream_by_name))
        if writes.subscriptions:
            parameters["subscriptions"] = _json(list(writes.subscriptions.values()))
        statement = _writing(frozenset(parameters))
        return [row[0] for row in execute(connection, statement, parameters)]


def execute(connection: Connection, statement: str, parameters: dict[str, Any]) -> list[Any]:
    """Execute straight through the driver, in the binary form: bytes as text are twice as long."""
    with driver_errors(connection, statement):
        cursor: Any = connection.connection.cursor()
        result: list[Any] = cursor.execute(statement, parameters, binary=True).fetchall()
        return result


def _json(json_rows: Sequence[Any]) -> str:
    return orjson.dumps(json_rows).decode()


def _sealed(sealed_origin: SealedOrigin, streams_by_origin: Mapping[str, Sequence[UUID]]) -> Any:
    streams = streams_by_origin.get(sealed_origin.origin_id, ())
    return {
        "origin_id": sealed_origin.origin_id,
        "master": sealed_origin.master,
        "streams": streams,
    }


def _delivery(record: InboxRecord) -> dict[str, Any]:
    delivery: dict[str, Any] = {name: getattr(record, name) for name in _DELIVERY}
    positions = record.positions
    for name in _TAGS:
        if delivery[name] is not None:
            delivery[name] = rf"\x{delivery[name]}"  # how the server writes bytes as text
    delivery["stored"] = [position for position in positions if position < PROVISIONAL]
    delivery["new"] = [place - PROVISIONAL + 1 for place in positions if place >= PROVISIONAL]
    return delivery


_LOAD = """
SELECT originator_id, originator_version, topic, state, position,
  CASE WHEN originator_version = 1 AND originator_id = ANY(%(dated)b::uuid[]) THEN (
    SELECT max(told_at) FROM repeats WHERE repeats.originator_id = events.originator_id
  ) END, NULL::text, NULL::json
FROM events WHERE originator_id = ANY(%(ids)b::uuid[])
UNION ALL
SELECT originator_id, originator_version, topic, state, position,
  CASE WHEN originator_version = 1 THEN (
    SELECT max(told_at) FROM repeats WHERE repeats.originator_id = events.originator_id
  ) END, NULL, NULL
FROM events WHERE originator_id IN (
  SELECT originator_id FROM stream_names
  WHERE name_id = ANY(%(ids)b::uuid[]) AND originator_id <> ALL(%(ids)b::uuid[])
)
UNION ALL
SELECT name_id, NULL, NULL, NULL, NULL, NULL, originator_id::text, NULL
FROM stream_names WHERE name_id = ANY(%(ids)b::uuid[])
UNION ALL (
  SELECT DISTINCT ON (signed_tag)
    NULL, NULL, NULL, NULL, NULL, NULL, encode(signed_tag, 'hex'), positions
  FROM (
    SELECT signed_tag, positions, outcome FROM notifications
    WHERE signed_tag = ANY(%(signed_tags)b::bytea[])
    UNION ALL
    SELECT signed_tag, positions, outcome FROM decisions
    WHERE signed_tag = ANY(%(signed_tags)b::bytea[])
  ) AS signed WHERE outcome <> 'undecided' ORDER BY signed_tag, outcome
)
UNION ALL
SELECT NULL, NULL, encode(signed_text_tag, 'hex'), NULL, NULL, NULL, id, NULL
FROM notifications WHERE signed_text_tag = ANY(%(tags)b::bytea[]) AND outcome = 'recorded'"""

_EVENT = ("originator_id", "originator_version", "topic", "origin_id", "part")
_DELIVERY = [
    str(column.name) for column in notifications.c if column.name not in ("positions", "place")
]
_TAGS = ("signed_tag", "signed_text_tag")
_SEALED = ("body", "personal", "body_secret", "personal_secret")
_DIALECT: Any = postgresql.dialect()  # type: ignore[no-untyped-call]  # the library has no types here


@lru_cache
def _writing(parameter_names: frozenset[str]) -> str:
    """Build the statement for a write set with these parameters; what it lacks costs nothing."""
    clauses = _adding_events() if "events" in parameter_names else [_NO_EVENTS]
    clauses.append(f"deliveries AS ({_adding_deliveries()})")
    clauses += _adding_sealed()
    if "repeats" in parameter_names:
        columns = ", ".join(repeats.c.keys())
        source = _records("repeats", list(repeats.c))
        clauses.append(f"repeated AS (INSERT INTO repeats ({columns}) SELECT * FROM {source})")  # noqa: S608  names of our own columns
    if "names" in parameter_names:
        source = _records("names", list(stream_names.c))
        clauses.append(
            f"called AS (INSERT INTO stream_names (name_id, originator_id) SELECT * FROM {source})"  # noqa: S608  as above
        )
    if "subscriptions" in parameter_names:
        source = _records("subscriptions", list(subscription_references.c))
        clauses.append(f"named AS ({subscription_index.adding(f'SELECT * FROM {source}')})")  # noqa: S608  as above
    return f"WITH {', '.join(clauses)} SELECT position FROM placed ORDER BY ord"  # noqa: S608  as above


def _adding_events() -> list[str]:
    """Insert events; positions are drawn in the order given."""
    columns = ", ".join((*_EVENT, "state", "details"))
    source = _zipped("events", [events.c[name] for name in _EVENT], "states", "details")
    return [
        f"given AS MATERIALIZED (SELECT * FROM {source} AS given ({columns}, ord))",  # noqa: S608  as above
        f"added AS (INSERT INTO events ({columns}) SELECT {columns} FROM given ORDER BY ord"  # noqa: S608  as above
        " RETURNING position, originator_id, originator_version)",
        "placed AS (SELECT ord, position FROM added JOIN given"
        " USING (originator_id, originator_version))",
    ]


_NO_EVENTS = "placed AS (SELECT 0 AS ord, 0::bigint AS position WHERE false)"


def _adding_deliveries() -> str:
    columns = ", ".join(_DELIVERY)
    typed: list[Column[Any]] = [notifications.c[name] for name in _DELIVERY]
    typed += [Column("stored", ARRAY(BigInteger)), Column("new", ARRAY(BigInteger))]
    positions = (
        "SELECT coalesce(json_agg(position ORDER BY position), '[]') FROM ("
        "SELECT unnest(stored) AS position"
        " UNION ALL SELECT position FROM placed WHERE ord = ANY(new)) AS places"
    )
    return (
        f"INSERT INTO notifications ({columns}, positions)"  # noqa: S608  as above
        f" SELECT {columns}, ({positions})"
        f" FROM ROWS FROM ({_records('deliveries', typed)}) WITH ORDINALITY"
        f" AS given ({columns}, stored, new, ord) ORDER BY ord"
    )


def _adding_sealed() -> list[str]:
    """Insert what origins seal, and their secrets, but for those about erased transactions."""
    columns = ", ".join(("origin_id", "master", "streams", *_SEALED))
    typed: list[Column[Any]] = [origin_secrets.c.origin_id, origin_secrets.c.master]
    typed.append(Column("streams", ARRAY(Uuid)))
    source = _zipped("sealed", typed, *(f"sealed_{name}" for name in _SEALED))
    secrets = "origin_id, master, body_secret, personal_secret"
    return [
        f"closed AS MATERIALIZED (SELECT * FROM {source} AS closed ({columns}, ord))",  # noqa: S608  as above
        "kept AS (INSERT INTO bodies (origin_id, body, personal)"
        " SELECT origin_id, body, personal FROM closed)",
        _ERASED,
        f"locked AS (INSERT INTO origin_secrets ({secrets}) SELECT {secrets} FROM closed"  # noqa: S608  as above
        " WHERE origin_id NOT IN (SELECT origin_id FROM erased))",
    ]


_ERASED = """erased AS MATERIALIZED (
  SELECT * FROM (
    SELECT origin_id, coalesce((
      SELECT erasure_id FROM erased_streams WHERE originator_id = ANY(streams) LIMIT 1
    ), (
      SELECT erasure_id FROM erased_streams WHERE originator_id = ANY(ARRAY(
        SELECT originator_id FROM stream_names WHERE name_id = ANY(streams)
      )) LIMIT 1
    )) AS erasure_id FROM closed OFFSET 0
  ) AS looked_up WHERE erasure_id IS NOT NULL
),
noted AS (
  INSERT INTO erased_origins (origin_id, what, erasure_id)
  SELECT origin_id, what, erasure_id FROM erased JOIN closed USING (origin_id)
    CROSS JOIN LATERAL (VALUES ('body', body_secret), ('personal', personal_secret))
      AS secret (what, locked) WHERE secret.locked IS NOT NULL
)"""
"""What is about an erased transaction has its sealed contents stored, and no secret. Each is looked
up by its keys: a join planned while the tables are empty would read all of them for each call."""


def _zipped(parameter: str, typed_columns: Sequence[Column[Any]], *arrays: str) -> str:
    """Put records and arrays of bytes side by side: bytes have no place in JSON."""
    beside = ", ".join(f"unnest(%({array})b::bytea[])" for array in arrays)
    return f"ROWS FROM ({_records(parameter, typed_columns)}, {beside}) WITH ORDINALITY"


def _records(parameter: str, typed_columns: Sequence[Column[Any]]) -> str:
    """Turn JSON into rows. Shape: the columns of a table, by their own types."""
    typed = ", ".join(f"{column.name} {column.type.compile(_DIALECT)}" for column in typed_columns)
    return f"json_to_recordset(%({parameter})s::json) AS ({typed})"
