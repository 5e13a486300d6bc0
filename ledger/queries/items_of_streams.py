"""Reads the items of lists by the streams that they are about."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Connection, select

from ledger.projections.definition import CONTINUED
from ledger.queries.keyset import Row
from ledger.queries.lists import Item, Listing
from ledger.queries.live_tables import live_table
from ledger.storage.database import chunks


def items_of(
    connection: Connection, listing: Listing, stream_ids: Collection[UUID]
) -> tuple[list[Item], list[Row]]:
    """Return the items of some streams, in no order, and the rows for which others stand.

    Errors: ViewNotBuiltError.
    """
    table, _, _ = live_table(connection, listing.view, listing.table)
    names = [str(column.name) for column in table.columns]  # not SQLAlchemy's quoted names
    rows: list[Row] = [
        dict(zip(names, row, strict=True))
        for chunk in chunks(sorted(id_.hex for id_ in stream_ids))
        for row in connection.execute(select(table).where(table.c.id.in_(chunk)))
    ]
    continued = [row for row in rows if row.get(CONTINUED)]
    items = [listing.item(row) for row in rows if not row.get(CONTINUED)]
    return items, continued
