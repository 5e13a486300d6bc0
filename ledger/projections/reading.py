"""Reads stored events for views: all that one reads, or what several read, once."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ledger.projections.folding import StoredRow, read_stored
from ledger.projections.view import Projection, StoredView
from ledger.storage.database_errors import driver_errors


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of the streams, told apart by their ids. Shape: number `index` of `count`."""

    index: int = 0
    count: int = 1


WHOLE = Shard()

Kinds = tuple[str, ...] | None
"""First words of topics; None is all of them."""


class Source:
    """Where views find the events that they follow.

    Shape: `positions` are those after which several views read in turn; what more than one of
    them reads is read and decoded once.
    """

    def __init__(self, positions: Iterable[int] = ()) -> None:
        self._shared = {one for one, count in Counter(positions).items() if count > 1}
        self._rows: dict[tuple[int, int], Sequence[StoredRow]] = {}
        self._views: dict[int, StoredView] = {}

    def events(
        self,
        connection: Connection,
        view: Projection,
        *,
        after: int,
        until: int,
        shard: Shard = WHOLE,
    ) -> Sequence[StoredRow]:
        """Stored events above `after` up to `until` that a view reads, in order of position."""
        if after not in self._shared or shard != WHOLE:
            return read_events(connection, view.kinds, after=after, until=until, shard=shard)
        rows = self._rows.get((after, until))
        if rows is None:
            rows = read_events(connection, None, after=after, until=until)
            self._rows[after, until] = rows
        kinds = view.kinds
        return [row for row in rows if kinds is None or row[3].partition(".")[0] in kinds]

    def read(self, stored: StoredRow) -> StoredView:
        """One of them, as views see it; they change nothing in it."""
        if not self._shared:
            return read_stored(stored)
        known = self._views.get(stored[0])
        if known is None:
            known = self._views[stored[0]] = read_stored(stored)
        return known


def read_events(
    connection: Connection,
    kinds: Kinds,
    *,
    after: int,
    until: int,
    shard: Shard = WHOLE,
) -> Sequence[StoredRow]:
    """Stored events above `after` up to `until`, of some kinds or all, in order of position."""
    if connection.dialect.name == "postgresql":
        return _read_postgresql(connection, kinds, after, until, shard)
    assert shard == WHOLE, "only PostgreSQL fills shards side by side"
    where = " AND ".join(["position > ?", "position <= ?", *_of_kinds(kinds)])
    columns = "position, originator_id, originator_version, topic, state"
    query = f"SELECT {columns} FROM events WHERE {where} ORDER BY position"  # noqa: S608  no value in it
    cursor: Any = connection.connection.cursor()
    with driver_errors(connection, query):
        return list(cursor.execute(query, (after, until)).fetchall())


def _read_postgresql(
    connection: Connection, kinds: Kinds, after: int, until: int, shard: Shard
) -> Sequence[StoredRow]:
    """Read in the binary form: as text, the bytes of an event would travel twice as long."""
    conditions = ["position > %s", "position <= %s", *_of_kinds(kinds)]
    if shard.count > 1:
        mine = f"get_byte(uuid_send(originator_id), 15) %% {shard.count} = {shard.index}"
        conditions.append(mine)
    columns = "position, encode(uuid_send(originator_id), 'hex'), originator_version, topic, state"
    where = " AND ".join(conditions)
    query = f"SELECT {columns} FROM events WHERE {where} ORDER BY position"  # noqa: S608  no value in it
    cursor: Any = connection.connection.cursor()
    with driver_errors(connection, query):
        return list(cursor.execute(query, (after, until), binary=True).fetchall())


def _of_kinds(kinds: Kinds) -> list[str]:
    """Topics begin with the kind of their stream, a dot, and no later character than `.`."""
    if kinds is None:
        return []
    ranges = [f"(topic >= '{one}.' AND topic < '{one}/')" for one in kinds]
    return [f"({' OR '.join(ranges)})"]
