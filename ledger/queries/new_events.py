"""Counts the events that became known after a position, in bounded time."""

from sqlalchemy import Connection, Select, func, literal, select, union

from ledger.application import Ledger
from ledger.errors import NotFoundError
from ledger.ipn.kinds import KINDS
from ledger.queries.filter_conditions import sql_conditions
from ledger.queries.filter_declarations import EventFilter
from ledger.queries.find_by_name import ORDER, find_stream
from ledger.queries.lists import AUDIT_TRAIL
from ledger.queries.live_tables import live_table
from ledger.queries.orders import lines_of_order, order_lines_table

COUNTED_MAX = 100
"""So many events are counted at most."""

StreamIds = Select[tuple[str]]


def count_after(
    connection: Connection,
    after: int,
    event_filter: EventFilter,
    *,
    stream_ids: StreamIds | None = None,
) -> int:
    """Count the events of a filter behind a position, of some streams or of all.

    Shape: at most `COUNTED_MAX`. Errors: ViewNotBuiltError.
    """
    table, _, _ = live_table(connection, AUDIT_TRAIL.view, AUDIT_TRAIL.table)
    conditions = [table.c.position > after, *sql_conditions(event_filter, table)]
    if stream_ids is not None:
        conditions.append(table.c.id.in_(stream_ids))
    few = select(table.c.position).where(*conditions).limit(COUNTED_MAX).subquery()
    return int(connection.execute(select(func.count()).select_from(few)).scalar_one())


def stream_ids_of(
    ledger: Ledger, kind: str, shop_id: str, mode: str, name: str, *, alias: str | None = None
) -> StreamIds:
    """Return the query for the streams of an object, or of an order's transactions.

    Shape: `mode` in capitals; `alias` tells subscriptions of the same id apart.
    Errors: NotFoundError, AmbiguousError; UnavailableError while orders are not built.
    """
    if kind in KINDS:
        return select(literal(find_stream(ledger, kind, shop_id, mode, name, alias=alias).hex))
    if kind != ORDER:
        raise NotFoundError("not found: there is no such kind of object")
    with ledger.database.single() as connection:
        lines, _ = order_lines_table(connection)
    ids = union(*lines_of_order(lines, shop_id, mode, name)).subquery()
    return select(ids.c.id)
