"""Holds the log as a whole against what the database promised: growing positions, no changes."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text

from ledger.audit.fault import Found
from ledger.storage.guards import missing_guards

LISTED = 1_000  # empty positions named one by one; the rest is counted


@dataclass(frozen=True, slots=True)
class Order:
    """The whole log from `first` on."""

    first: int = 1


def check_order(connection: Connection, part: Order) -> Found:
    """Check the guards, the counter of positions, and on SQLite that no position is empty."""
    found = Found()
    for one in missing_guards(connection):
        found.add(None, "database", "guard-missing", one)
    newest = connection.scalar(text("SELECT max(position) FROM events")) or 0
    given_out = _given_out(connection)
    if given_out is not None and newest > given_out:
        told = f"the counter stands at {given_out}, the newest event at {newest}"
        found.add(newest, "positions", "sequence", told)
    if connection.dialect.name == "sqlite":  # elsewhere a transaction rolled back leaves a hole
        for gap in _gaps(connection, part.first, max(newest, given_out or 0)):
            found.add(gap, "positions", "position-missing", "no event stands here")
    return found


def _given_out(connection: Connection) -> int | None:
    """The last position that the database has given out; None when it does not say."""
    if connection.dialect.name == "sqlite":
        query = "SELECT seq FROM sqlite_sequence WHERE name = 'events'"
    else:
        name = connection.scalar(text("SELECT pg_get_serial_sequence('events', 'position')"))
        if name is None:
            return None
        query = f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {name}"  # noqa: S608  the database's own name
    found = connection.scalar(text(query))
    return None if found is None else int(found)


def _gaps(connection: Connection, first: int, last: int) -> Iterator[int]:
    told = {"first": first, "last": last}
    count = text("SELECT count(*) FROM events WHERE position >= :first AND position <= :last")
    if connection.scalar(count, told) == max(0, last - first + 1):
        return
    query = text(
        "SELECT before, position FROM (SELECT position,"
        " lag(position, 1, :first - 1) OVER (ORDER BY position) AS before"
        " FROM (SELECT position FROM events WHERE position >= :first"
        " UNION ALL SELECT :last + 1)) WHERE position > before + 1 LIMIT :limit"
    )
    listed = 0
    for row in connection.execute(query, told | {"limit": LISTED}):
        for gap in range(row.before + 1, row.position):
            listed += 1
            if listed > LISTED:
                return
            yield gap
