"""The tables of what was erased, and of what must not be; `alembic/versions` creates them."""

from sqlalchemy import JSON, Index, Table, Text, UniqueConstraint, Uuid

from ledger.storage.columns import NUMBER, UtcDateTime, keys, metadata, optional, required

erasures = Table(
    "erasures",
    metadata,
    *keys(NUMBER, "place"),
    *required(Text, "id", "erasure_id", "phase", "reason", "by_whom", "salt"),
    *required(UtcDateTime, "recorded_at"),
    *required(JSON, "origins", "streams", "masters", "verified"),
    UniqueConstraint("id", name="uq_erasures_id"),
    UniqueConstraint("erasure_id", "phase", name="uq_erasures_phase"),
    sqlite_autoincrement=True,
)
"""What was to be erased (`intent`), and what was (`done`); append-only. Shape: `origins` are ids,
`streams` hexadecimal ones of transactions, `verified` counts what was looked at before."""

erased_origins = Table(
    "erased_origins",
    metadata,
    *keys(Text, "origin_id", "what"),
    *required(Text, "erasure_id"),
    Index("ix_erased_origins_erasure", "erasure_id"),
)
"""Which secrets an erasure has destroyed, or kept from being stored; append-only."""

erased_streams = Table(
    "erased_streams",
    metadata,
    *keys(Uuid, "originator_id"),
    *required(Text, "erasure_id"),
)
"""Transactions that were erased as a whole; append-only. What arrives about one is not readable."""

expiries = Table(
    "expiries",
    metadata,
    *keys(NUMBER, "place"),
    *required(Text, "id"),
    *required(UtcDateTime, "recorded_at"),
    *required(Text, "body_until", "personal_until"),
    *required(JSON, "counts"),
    UniqueConstraint("id", name="uq_expiries_id"),
    sqlite_autoincrement=True,
)
"""What has outlived its time; append-only. Shape: `body_until` and `personal_until` are ids: the
secrets of earlier ones were destroyed, but for what was held."""

holds = Table(
    "holds",
    metadata,
    *keys(Text, "id"),
    *required(Text, "kind", "hold_id", "shop_id", "mode", "reference", "reason", "by_whom"),
    *required(Uuid, "originator_id"),
    *required(UtcDateTime, "recorded_at"),
    *optional(UtcDateTime, "until"),
    Index("ix_holds_hold", "hold_id"),
)
"""Transactions of which nothing may be destroyed, and their releases; append-only."""
