"""Checks the event store as a whole: guards, counter, empty positions, later decisions."""

from collections.abc import Iterator
from itertools import islice

from sqlalchemy import Connection, text

from ledger.audit.fault import CheckResult
from ledger.audit.stored_rows import stray_decisions
from ledger.storage.append_only_triggers import missing_guards
from ledger.storage.database import Database

LISTED = 1_000  # empty positions named one by one; the rest is left out


def check_append_order(database: Database, first: int) -> CheckResult:
    """Check guards, the counter of positions, and on SQLite that none from `first` on is empty."""
    result = CheckResult()
    with database.connect() as connection:
        for guard in missing_guards(connection):
            result.add(None, "database", "guard-missing", guard)
        for decision in stray_decisions(connection):
            subject = f"notification {decision.notification_id}"
            result.add(None, subject, "decision-stray", f"decision {decision.id}")
        newest = connection.scalar(text("SELECT max(position) FROM events")) or 0
        counter = _counter(connection)
        if counter is not None and newest > counter:
            detail = f"the counter stands at {counter}, the newest event at {newest}"
            result.add(newest, "positions", "sequence", detail)
        if database.is_sqlite:  # elsewhere a transaction rolled back leaves a gap
            for position in _empty_positions(connection, first, max(newest, counter or 0)):
                result.add(position, "positions", "position-missing", "no event stands here")
    return result


def _counter(connection: Connection) -> int | None:
    """Return the last position that the database has given out; None when it does not say."""
    if connection.dialect.name == "sqlite":
        query = "SELECT seq FROM sqlite_sequence WHERE name = 'events'"
    else:
        sequence = connection.scalar(text("SELECT pg_get_serial_sequence('events', 'position')"))
        if sequence is None:
            return None
        query = f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}"  # noqa: S608  the database's own name
    counter = connection.scalar(text(query))
    return None if counter is None else int(counter)


def _empty_positions(connection: Connection, first: int, last: int) -> Iterator[int]:
    span = {"first": first, "last": last}
    count = text("SELECT count(*) FROM events WHERE position BETWEEN :first AND :last")
    if connection.scalar(count, span) == max(0, last - first + 1):
        return iter(())  # counting is much cheaper than looking at each position's neighbour
    query = text(
        "SELECT before, position FROM (SELECT position,"
        " lag(position, 1, :first - 1) OVER (ORDER BY position) AS before"
        " FROM (SELECT position FROM events WHERE position >= :first"
        " UNION ALL SELECT :last + 1)) WHERE position > before + 1 LIMIT :limit"
    )
    gaps = connection.execute(query, span | {"limit": LISTED})
    empty = (position for gap in gaps for position in range(gap.before + 1, gap.position))
    return islice(empty, LISTED)
