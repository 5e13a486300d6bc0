"""Current state of every transaction, one row each, from events alone."""

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text

from ledger.projections.view import ADD, FIRST, Projection, Row, Rows, StoredView, merged

transactions = Table(
    "transactions",
    MetaData(),
    Column("id", Text, primary_key=True),
    merged(FIRST, "shop_id", Text, nullable=False),
    merged(FIRST, "mode", Text, nullable=False),
    merged(FIRST, "reference", Text, nullable=False),
    Column("uuid", Text),
    Column("order_id", Text),
    Column("operation_type", Text),
    Column("status", Text),
    Column("amount_minor", BigInteger),
    Column("currency", Text),
    Column("requested_amount_minor", BigInteger),
    Column("requested_currency", Text),
    Column("payment_method", Text),
    Column("wallet", Text),
    Column("alias", Text),
    Column("subscription_id", Text),
    Column("instalment_number", BigInteger),
    Column("sequence_number", BigInteger),
    Column("trans_id", Text),
    Column("trans_date", Text),
    Column("contract", Text),
    Column("parent_uuid", Text),
    Column("created_at", Text),
    Column("capture_at", Text),
    Column("captured_at", Text),
    merged(FIRST, "first_seen_at", Text, nullable=False),
    Column("last_changed_at", Text, nullable=False),
    Column("version", Integer, nullable=False),
    merged(ADD, "late_count", Integer, nullable=False),
    merged(ADD, "contradiction_count", Integer, nullable=False),
    info={
        "indexes": (
            ("shop_id", "mode", "first_seen_at", "id"),
            ("shop_id", "mode", "amount_minor", "id"),
            ("mode", "first_seen_at", "id"),
            ("mode", "amount_minor", "id"),
            ("mode", "status", "first_seen_at", "id"),
            ("order_id",),
            ("alias",),
            ("subscription_id",),
            ("trans_id",),
            ("created_at",),
        ),
        "partial_indexes": {
            "contradiction_count > 0": ("mode", "first_seen_at", "id"),
            "late_count > 0": ("mode", "first_seen_at", "id"),
        },
    },
)


def rows(event: StoredView) -> Rows:
    """What one event brings: the facts it moved, and that it happened."""
    row: Row = dict(event.taken())  # facts have their columns' names; others are passed over
    row["id"] = event.originator_id
    row["shop_id"] = event.shop_id
    row["mode"] = event.mode
    row["reference"] = event.reference
    row["uuid"] = event.uuid
    row["first_seen_at"] = event.timestamp
    row["last_changed_at"] = event.timestamp
    row["version"] = event.version
    row["late_count"] = int(event.late)
    row["contradiction_count"] = int(event.contradiction)
    yield transactions, row


PROJECTION = Projection("transactions", (transactions,), rows, kinds=("transaction",))
