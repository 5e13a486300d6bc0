"""Show every subscription, and every attempt at an instalment with its transaction."""

from sqlalchemy import BigInteger, Column, MetaData, Table, Text

from ledger.ipn.snapshots import INSTALMENT_FACTS
from ledger.projections.definition import (
    FIRST,
    EventRecord,
    Projection,
    Rows,
    merged,
    stream_columns,
    stream_row,
)

_metadata = MetaData()

subscriptions = Table(
    "subscriptions",
    _metadata,
    *stream_columns(
        merged(FIRST, "subscription_id", Text, nullable=False),
        merged(FIRST, "alias", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("order_id", Text),
        Column("effect_on", Text),
        Column("schedule", Text),
        Column("amount_minor", BigInteger),
        Column("currency", Text),
        Column("initial_amount_minor", BigInteger),
        Column("initial_amount_number", BigInteger),
    ),
    info={
        "indexes": (
            ("shop_id", "mode", "first_seen_at", "id"),
            ("mode", "first_seen_at", "id"),
            ("subscription_id",),
            ("alias",),
            ("order_id",),
        )
    },
)
instalments = Table(
    "instalments",
    _metadata,
    Column("id", Text, primary_key=True),
    Column("transaction_uuid", Text, primary_key=True),
    Column("number", BigInteger),
    Column("status", Text),
    Column("amount_minor", BigInteger),
    Column("currency", Text),
    Column("created_at", Text),
)


def rows(event: EventRecord) -> Rows:
    """Produce the row of the subscription, and that of the instalment the event is about."""
    is_of_instalment = ".instalment-" in event.topic
    own_columns = {
        "subscription_id": event.subscription_id,
        "alias": event.alias,
        "status": event.status,
    }
    yield subscriptions, stream_row(event, {} if is_of_instalment else event.taken()) | own_columns
    if is_of_instalment and not event.is_doubtful:
        facts = {name: event.facts.get(name) for name in INSTALMENT_FACTS}
        yield instalments, facts | {"id": event.originator_id}


PROJECTION = Projection(
    "subscriptions", (subscriptions, instalments), rows, kinds=("subscription",)
)
