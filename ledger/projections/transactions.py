"""Show the current state of every transaction, one row each, from events alone."""

from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text

from ledger.aggregates.basis import ASKED
from ledger.ipn.modes import MODES
from ledger.projections.definition import (
    ADD,
    CONTINUED,
    FIRST,
    EventRecord,
    Projection,
    Rows,
    continued_column,
    merged,
    stream_columns,
    stream_row,
)

_MONEY = ("amount_minor", "requested_amount_minor")

# Rows of one moment are few, and put in order when they are read; those of one amount may be many.
# An index of a moment alone has the order of the table, and PostgreSQL would walk along it where
# another finds few rows.
_OF_A_MODE = (
    ("shop_id", "first_seen_at"),
    ("shop_id", "amount_minor", "id"),
    ("first_seen_at", "id"),
    ("amount_minor", "id"),
    ("shop_id", "created_at", "id"),
    ("created_at", "id"),
    ("status", "first_seen_at"),
)

transactions = Table(
    "transactions",
    MetaData(),
    *stream_columns(
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
        Column("authorisation_result", Text),
        Column("authorisation_number", Text),
        Column("parent_uuid", Text),
        Column("created_at", Text),
        Column("capture_at", Text),
        Column("captured_at", Text),
    ),
    continued_column(),
    merged(ADD, "late_count", Integer, nullable=False),
    merged(ADD, "contradiction_count", Integer, nullable=False),
    info={
        "indexes": (("order_id",),),
        "any_case_indexes": ("trans_id", "authorisation_number"),
        "partial_indexes": {
            # every row has a mode, but one that is the same in a whole index only makes it slow
            **{f"mode = '{mode}'": _OF_A_MODE for mode in MODES},
            # few rows have these
            "alias IS NOT NULL": (("alias",),),
            "subscription_id IS NOT NULL": (("subscription_id",),),
            "contradiction_count > 0": (("mode", "first_seen_at"),),
            "late_count > 0": (("mode", "first_seen_at"),),
            "is_doubtful = 1": (("mode", "first_seen_at"),),
            f"basis = '{ASKED}'": (("mode", "first_seen_at"),),
        },
    },
)


def rows(event: EventRecord) -> Rows:
    """Produce the row of the transaction: the facts that an event moved, and that it happened.

    What is doubtful is shown without its amounts, so that nobody adds them up.
    """
    own_columns = {
        "reference": event.reference,
        "uuid": event.uuid,
        CONTINUED: event.is_continued,
        "late_count": int(event.late) + event.other_late,
        "contradiction_count": int(event.contradiction) + event.other_contradictions,
    }
    taken = dict(event.taken())
    if event.is_doubtful:
        for name in _MONEY:
            taken.pop(name, None)
    yield transactions, stream_row(event, taken) | own_columns


PROJECTION = Projection("transactions", (transactions,), rows, kinds=("transaction",))
