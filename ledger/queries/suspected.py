"""How many events seem to hold card data: what an operator should look at."""

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from ledger.errors import ViewNotBuiltError
from ledger.queries.lists import AUDIT_TRAIL
from ledger.queries.live_tables import live_table


def count_suspected(
    connection: Connection, *, mode: str | None = None, shops: Sequence[str] | None = None
) -> int:
    """Count the events in which card data seems to be; none before the audit trail is built.

    Shape: `mode` in capitals; None is both. `shops` None is every shop.
    """
    try:
        trail, _, _ = live_table(connection, AUDIT_TRAIL.view, AUDIT_TRAIL.table)
    except ViewNotBuiltError:
        return 0
    query = select(func.count()).where(trail.c.is_suspected == 1)
    if mode is not None:
        query = query.where(trail.c.mode == mode)
    if shops is not None:
        query = query.where(trail.c.shop_id.in_(shops))
    return connection.scalar(query) or 0
