"""Read stored events for read models: once for all that need them."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from ledger.projections.definition import EventRecord, Projection
from ledger.projections.engine.folding import StoredRow, decode_event, decode_once
from ledger.projections.engine.key_ranges import KeyRange
from ledger.storage.database_errors import driver_errors

Kinds = tuple[str, ...] | None
"""First words of topics; None is all of them."""


class EventReader:
    """Reads the events that read models follow, and shares what several of them read.

    Shape: `positions` are those after which several models read in turn; events that more than
    one of them reads are read and decoded once, `with_details` if one of them takes some.
    """

    def __init__(self, positions: Iterable[int] = (), *, with_details: bool = False) -> None:
        self._with_details = with_details
        self._shared = {position for position, count in Counter(positions).items() if count > 1}
        self._read: dict[tuple[int, int], Sequence[StoredRow]] = {}
        self._decode = decode_once() if self._shared else decode_event

    def read(
        self,
        connection: Connection,
        model: Projection,
        *,
        after: int,
        until: int,
    ) -> Sequence[StoredRow]:
        """Return the stored events above `after` up to `until` that a model reads, in order."""
        kinds = model.kinds
        if after not in self._shared:
            return read_events(
                connection,
                kinds,
                after=after,
                until=until,
                with_details=bool(model.harmless_details),
            )
        span = (after, until)
        if span not in self._read:
            self._read[span] = read_events(
                connection, None, after=after, until=until, with_details=self._with_details
            )
        return [stored for stored in self._read[span] if is_of_kind(stored, kinds)]

    def decode(self, stored: StoredRow) -> EventRecord:
        """Decode one of these events; read models change nothing in it."""
        return self._decode(stored)


def is_of_kind(stored: StoredRow, kinds: Kinds) -> bool:
    """Return True if an event is of one of these kinds."""
    return kinds is None or stored[3].partition(".")[0] in kinds


def read_events(
    connection: Connection,
    kinds: Kinds,
    *,
    after: int,
    until: int,
    with_details: bool = False,
) -> Sequence[StoredRow]:
    """Return the stored events above `after` up to `until`, of these kinds, in order."""
    mark = _mark(connection)
    conditions = [f"position > {mark}", f"position <= {mark}"]
    if kinds is not None:
        # a topic begins with the kind of its stream and a dot, which `/` follows in order
        ranges = [f"(topic >= '{kind}.' AND topic < '{kind}/')" for kind in kinds]
        conditions.append(f"({' OR '.join(ranges)})")
    return _read(connection, conditions, (after, until), with_details=with_details)


def read_streams(
    connection: Connection, key_range: KeyRange, *, with_details: bool = False
) -> Sequence[StoredRow]:
    """Return the stored events of the streams whose ids are in a range, in order."""
    is_postgresql, mark = connection.dialect.name == "postgresql", _mark(connection)
    conditions, bounds = [], list[Any]()
    for operator, bound in ((">=", key_range.start), ("<", key_range.end)):
        if bound is not None:
            conditions.append(f"originator_id {operator} {mark}")
            bounds.append(UUID(f"{bound[0]:0<32}") if is_postgresql else bound[0])
    return _read(connection, conditions, bounds, with_details=with_details)


def read_positions(
    connection: Connection, positions: Sequence[int], *, with_details: bool = False
) -> Sequence[StoredRow]:
    """Return the stored events at these positions, in order."""
    bound_list: Any = list(positions)
    condition = "position = ANY(%s)"
    if connection.dialect.name == "sqlite":
        bound_list = json.dumps(bound_list)
        condition = "position IN (SELECT value FROM json_each(?))"
    return _read(connection, [condition], [bound_list], with_details=with_details)


def _mark(connection: Connection) -> str:
    return "%s" if connection.dialect.name == "postgresql" else "?"


def _read(
    connection: Connection,
    clauses: Sequence[str],
    bound_values: Sequence[Any],
    *,
    with_details: bool,
) -> Sequence[StoredRow]:
    stream_id, options = "originator_id", {}
    if connection.dialect.name == "postgresql":
        # in the binary form: as text, the bytes of an event would travel twice as long
        options = {"binary": True}
        stream_id = "encode(uuid_send(originator_id), 'hex')"
    last = ", details" if with_details else ""
    columns = f"position, {stream_id}, originator_version, topic, state{last}"
    where = " AND ".join(clauses) or "true"
    query = f"SELECT {columns} FROM events WHERE {where} ORDER BY position"  # noqa: S608  no value in it
    cursor: Any = connection.connection.cursor()
    with driver_errors(connection, query):
        return list(cursor.execute(query, tuple(bound_values), **options).fetchall())
