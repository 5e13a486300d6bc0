"""The tables of what operators are told of, and of how each audit ended."""

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

verifications = Table(
    "verifications",
    metadata,
    *keys(Text, "check_name"),
    *keys(UtcDateTime, "ended_at"),
    *required(Integer, "faults"),
)
"""Each check of `ledger verify` that came to its end, and how many faults it found."""
