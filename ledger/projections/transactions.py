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
            ("created_at",),
        ),
        "partial_indexes": {
            "contradiction_count > 0": ("mode", "first_seen_at", "id"),
            "late_count > 0": ("mode", "first_seen_at", "id"),
        },
    },
)

_FACTS = tuple(
    column.name
    for column in transactions.columns
    if column.name
    in {
        "order_id",
        "operation_type",
        "status",
        "amount_minor",
        "currency",
        "requested_amount_minor",
        "requested_currency",
        "payment_method",
        "wallet",
        "alias",
        "subscription_id",
        "instalment_number",
        "sequence_number",
        "trans_id",
        "trans_date",
        "contract",
        "parent_uuid",
        "created_at",
        "capture_at",
        "captured_at",
    }
)


def rows(event: StoredView) -> Rows:
    """What one event brings: the facts it moved, and that it happened."""
    taken = event.taken()
    row: Row = {name: taken.get(name) for name in _FACTS}
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
