"""Counts events by what happened, of one day or of any other filter, in bounded time."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from ledger.queries.filter_conditions import sql_conditions
from ledger.queries.filter_declarations import EventFilter
from ledger.queries.lists import AUDIT_TRAIL
from ledger.queries.live_tables import live_table

COUNTED_MAX = 10_000
"""So many events are counted at most: a page is answered in the time of a page."""


@dataclass(frozen=True, slots=True)
class EventCounts:
    """How many events there are. Shape: by type, the most frequent first; `is_bounded` when there
    are more than were counted."""

    count_by_type: dict[str, int]
    is_bounded: bool

    @property
    def total(self) -> int:
        return sum(self.count_by_type.values())


def count_events(connection: Connection, event_filter: EventFilter) -> EventCounts:
    """Count the events of a filter by their type, at most `COUNTED_MAX`.

    Errors: ViewNotBuiltError.
    """
    table, _, _ = live_table(connection, AUDIT_TRAIL.view, AUDIT_TRAIL.table)
    few = select(table.c.type).where(*sql_conditions(event_filter, table)).limit(COUNTED_MAX + 1)
    types = few.subquery()
    query = select(types.c.type, func.count()).group_by(types.c.type)
    counts = sorted(connection.execute(query), key=lambda row: (-row[1], row[0]))
    count_by_type = {type_: int(count) for type_, count in counts}
    is_bounded = sum(count_by_type.values()) > COUNTED_MAX
    return EventCounts(count_by_type, is_bounded)
