"""Show every stored means of payment and its current state, one row each."""

from sqlalchemy import Column, MetaData, Table, Text

from ledger.projections.definition import FIRST, EventRecord, Projection, Row, Rows, merged
from ledger.projections.stream_columns import fill_stream_columns, stream_columns

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

_TAKEN = ("payment_method", "order_id", "transaction_uuid", "made_at")


def rows(event: EventRecord) -> Rows:
    """Produce the row of the alias from one of its events."""
    taken = event.taken()
    row: Row = {name: taken.get(name) for name in _TAKEN}
    fill_stream_columns(event, row)
    row["alias"] = event.reference
    row["status"] = event.status
    yield aliases, row


PROJECTION = Projection("aliases", (aliases,), rows, kinds=("alias",))
