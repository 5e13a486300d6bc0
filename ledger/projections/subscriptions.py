"""Show every subscription, and every attempt at an instalment with its transaction."""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Column, MetaData, Table, Text

from ledger.ipn.snapshots import INSTALMENT_FACTS
from ledger.projections.definition import FIRST, EventRecord, Projection, Row, Rows, merged
from ledger.projections.stream_columns import fill_stream_columns, stream_columns

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
_PLAN = (
    "order_id",
    "effect_on",
    "schedule",
    "amount_minor",
    "currency",
    "initial_amount_minor",
    "initial_amount_number",
)


def rows(event: EventRecord) -> Rows:
    """Produce the row of the subscription, and that of the instalment the event is about."""
    is_of_instalment = ".instalment-" in event.topic
    plan: Mapping[str, str | int] = {} if is_of_instalment else event.taken()
    row: Row = {name: plan.get(name) for name in _PLAN}
    fill_stream_columns(event, row)
    row["subscription_id"] = event.subscription_id
    row["alias"] = event.alias
    row["status"] = event.status
    yield subscriptions, row
    if is_of_instalment:
        yield instalments, _instalment(event)


def _instalment(event: EventRecord) -> Row:
    row: Row = {name: event.facts.get(name) for name in INSTALMENT_FACTS}
    row["id"] = event.originator_id
    return row


PROJECTION = Projection(
    "subscriptions", (subscriptions, instalments), rows, kinds=("subscription",)
)
