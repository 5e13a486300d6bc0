"""Show every stored means of payment and its current state, one row each."""

from sqlalchemy import Column, MetaData, Table, Text

from ledger.projections.definition import (
    FIRST,
    EventRecord,
    Projection,
    Rows,
    merged,
    stream_columns,
    stream_row,
)

aliases = Table(
    "aliases",
    MetaData(),
    *stream_columns(
        merged(FIRST, "alias", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("payment_method", Text),
        Column("order_id", Text),
        Column("transaction_uuid", Text),
        Column("made_at", Text),
    ),
    info={
        "indexes": (
            ("shop_id", "mode", "first_seen_at", "id"),
            ("mode", "first_seen_at", "id"),
            ("alias",),
            ("order_id",),
        )
    },
)


def rows(event: EventRecord) -> Rows:
    """Produce the row of the alias from one of its events."""
    own_columns = {"alias": event.reference, "status": event.status}
    yield aliases, stream_row(event, event.taken()) | own_columns


PROJECTION = Projection("aliases", (aliases,), rows, kinds=("alias",))
