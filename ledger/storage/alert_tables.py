"""The table of what operators are told of: one row for each condition that holds."""

from sqlalchemy import Integer, Table, Text

from ledger.storage.columns import UtcDateTime, keys, metadata, optional, required

alert_conditions = Table(
    "alert_conditions",
    metadata,
    *keys(Text, "name"),
    *required(Text, "kind", "message"),
    *required(UtcDateTime, "began_at"),
    *optional(UtcDateTime, "ended_at", "sent_at", "tried_at"),
    *required(Integer, "failures"),
)
"""What holds now, and what has ended and was not told yet. Shape: `sent_at` is when an operator was
last told of it, `failures` how often that failed since."""
