"""The table of where events are published to: one row for each destination."""

from sqlalchemy import BigInteger, Boolean, Integer, Table, Text

from ledger.storage.columns import UtcDateTime, keys, metadata, optional, required

destinations = Table(
    "destinations",
    metadata,
    *keys(Text, "name"),
    *required(BigInteger, "position"),
    *required(Boolean, "has_personal"),
    *required(Integer, "failures"),
    *optional(UtcDateTime, "reached_at", "failing_since", "retry_at", "disabled_at"),
    *optional(Text, "reason"),
)
"""Shape: `position` is how far it has come, and where a webhook goes on from; `failures` counts
those since the last success, `reason` is the last one in words. No secret or password is stored."""
