"""Every stored means of payment and what it has come to, one row each."""

from sqlalchemy import Column, Integer, MetaData, Table, Text

from ledger.projections.view import FIRST, Projection, Rows, StoredView, merged

aliases = Table(
    "aliases",
    MetaData(),
    Column("id", Text, primary_key=True),
    merged(FIRST, "shop_id", Text, nullable=False),
    merged(FIRST, "mode", Text, nullable=False),
    merged(FIRST, "alias", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("payment_method", Text),
    Column("order_id", Text),
    Column("transaction_uuid", Text),
    Column("made_at", Text),
    merged(FIRST, "first_seen_at", Text, nullable=False),
    Column("last_changed_at", Text, nullable=False),
    Column("version", Integer, nullable=False),
    info={
        "indexes": (
            ("shop_id", "mode", "first_seen_at", "id"),
            ("mode", "first_seen_at", "id"),
            ("alias",),
            ("order_id",),
        )
    },
)


def rows(event: StoredView) -> Rows:
    """What one event brings."""
    taken = event.taken()
    yield (
        aliases,
        {
            "id": event.originator_id,
            "shop_id": event.shop_id,
            "mode": event.mode,
            "alias": event.reference,
            "status": event.status,
            "payment_method": taken.get("payment_method"),
            "order_id": taken.get("order_id"),
            "transaction_uuid": taken.get("transaction_uuid"),
            "made_at": taken.get("made_at"),
            "first_seen_at": event.timestamp,
            "last_changed_at": event.timestamp,
            "version": event.version,
        },
    )


PROJECTION = Projection("aliases", (aliases,), rows, kinds=("alias",))
