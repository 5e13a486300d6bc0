"""The durable tables, as the code sees them; `alembic/versions` is what creates them."""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from ledger.storage.columns import (
    NUMBER,
    HexDigest,
    UtcDateTime,
    keys,
    metadata,
    optional,
    required,
)
from ledger.storage.compressed_columns import DETAILS, Compressed


def _delivery_columns() -> list[Column[Any]]:
    """Make the columns that every delivery fills alike, verified or not."""
    return [
        *required(UtcDateTime, "received_at"),
        *required(Text, "content_type", "peer"),
        *optional(Text, "source", "endpoint_shop_id", "endpoint_mode"),
        *required(Boolean, "is_from_named_range"),
    ]


events = Table(
    "events",
    metadata,
    *keys(NUMBER, "position"),
    *required(Uuid, "originator_id"),
    *required(BigInteger, "originator_version"),
    *required(Text, "topic"),
    *required(Text, "origin_id"),
    *required(LargeBinary, "state"),
    *optional(Compressed(DETAILS), "details"),  # apart: following and rebuilding need not read it
    *optional(SmallInteger, "part"),
    UniqueConstraint("originator_id", "originator_version", name="uq_events_stream"),
    sqlite_autoincrement=True,  # a position is never given out twice
)

"""Shape: `details` are the harmless ones, in the open; `part` is the number, from 0, of what else
it says among the sealed parts of its origin, None when there is nothing else."""

notifications = Table(
    "notifications",
    metadata,
    *keys(NUMBER, "place"),
    *required(Text, "id"),
    *_delivery_columns(),
    *required(Boolean, "is_imported"),
    *required(UtcDateTime, "recorded_at"),
    *required(Text, "format", "shop_id", "mode", "outcome", "key_fingerprint"),
    *required(HexDigest, "signed_tag"),
    *optional(Text, "reason", "error_class", "code_version"),
    *optional(HexDigest, "signed_text_tag"),
    *optional(UtcDateTime, "told_at"),
    *required(JSON, "positions"),
    UniqueConstraint("id", name="uq_notifications_id"),
    Index("ix_notifications_signed_tag", "signed_tag"),
    Index("ix_notifications_shop", "shop_id", "mode", "id", "outcome"),
    sqlite_autoincrement=True,
)
"""Everything verified; append-only. Shape: `place` grows with commits, ids with arrival."""

RECORDED_ONCE = "uq_notifications_recorded"
_IS_RECORDED = text("outcome = 'recorded'")
Index(
    RECORDED_ONCE,
    notifications.c.signed_tag,
    unique=True,
    sqlite_where=_IS_RECORDED,
    postgresql_where=_IS_RECORDED,
)
TEXT_ONCE = "uq_notifications_signed_text"
Index(
    TEXT_ONCE,
    notifications.c.signed_text_tag,
    unique=True,
    sqlite_where=_IS_RECORDED,
    postgresql_where=_IS_RECORDED,
)
# Almost no row has a reason, so this stays tiny and spares a search of the whole inbox.
HAS_REASON = text("reason IS NOT NULL")
Index(
    "ix_notifications_reason",
    notifications.c.reason,
    notifications.c.id,
    sqlite_where=HAS_REASON,
    postgresql_where=HAS_REASON,
)

IS_UNDECIDED = text("outcome = 'undecided'")
Index(
    "ix_notifications_undecided",
    notifications.c.shop_id,
    notifications.c.mode,
    notifications.c.id,
    sqlite_where=IS_UNDECIDED,
    postgresql_where=IS_UNDECIDED,
)

decisions = Table(
    "decisions",
    metadata,
    *keys(NUMBER, "place"),
    *required(Text, "id", "notification_id"),
    *required(HexDigest, "signed_tag"),
    *required(UtcDateTime, "decided_at"),
    *required(Text, "outcome", "code_version"),
    *optional(Text, "reason", "error_class"),
    *required(JSON, "positions"),
    UniqueConstraint("id", name="uq_decisions_id"),
    Index("ix_decisions_notification", "notification_id", "place"),
    Index("ix_decisions_signed_tag", "signed_tag"),
    sqlite_autoincrement=True,
)
"""What became of undecided notifications later; append-only, and the newest one counts."""

acts = Table(
    "acts",
    metadata,
    *keys(NUMBER, "place"),
    *required(Text, "id", "kind"),
    *required(UtcDateTime, "done_at"),
    *required(Text, "shop_id", "mode"),
    *required(JSON, "positions"),
    UniqueConstraint("id", name="uq_acts_id"),
    sqlite_autoincrement=True,
)
"""What operators did that made events; append-only."""

bodies = Table(
    "bodies",
    metadata,
    Column("origin_id", Text().with_variant(Text(collation="C"), "postgresql"), primary_key=True),
    *optional(LargeBinary, "body", "personal"),
)
"""What is sealed, by origin; append-only, divided by month on PostgreSQL. Shape: the raw body of a
delivery, and the parts of its events that are not harmless."""

archives = Table(
    "archives",
    metadata,
    *keys(NUMBER, "place"),
    *required(Text, "month", "address", "digest"),
    *required(BigInteger, "row_count", "file_bytes"),
    *required(UtcDateTime, "archived_at"),
    UniqueConstraint("address", name="uq_archives_address"),
    sqlite_autoincrement=True,
)
"""Where rows of `bodies` were put; append-only. Shape: `month` as `2026-01`, in UTC; `digest` is
the SHA-256 of the file."""

origin_secrets = Table(
    "origin_secrets",
    metadata,
    *keys(Text, "origin_id"),
    *required(Text, "master"),
    *optional(LargeBinary, "body_secret", "personal_secret"),
)
"""The secrets that open what is sealed, each locked by a master key; destroying one erases."""

wrapped_keys = Table(
    "wrapped_keys",
    metadata,
    *keys(Text, "name"),
    *required(Text, "master"),
    *required(LargeBinary, "wrapped"),
)
"""Keys of the ledger itself, locked by a master key."""

apparent_names = Table(
    "apparent_names",
    metadata,
    *keys(Text, "shop_id", "mode", "name", "notification_id"),
)
"""What undecided notifications seem to be about; append-only."""

quarantine = Table(
    "quarantine",
    metadata,
    *keys(Text, "id"),
    *_delivery_columns(),
    *optional(LargeBinary, "body"),
    *optional(Text, "format", "shop_id", "mode"),
    *required(Text, "reason"),
    *required(Integer, "body_bytes"),
    Index("ix_quarantine_peer", "peer", "id"),
    Index("ix_quarantine_reason", "reason", "id"),
    Index("ix_quarantine_mode", "mode", "received_at", "reason", "shop_id"),
)
"""What could not be read or verified; the only durable rows that may leave again."""

repeats = Table(
    "repeats",
    metadata,
    *keys(Uuid, "originator_id"),
    *keys(Text, "notification_id"),
    *optional(UtcDateTime, "told_at"),
)
"""Which streams a delivery names without changing them."""

stream_names = Table(
    "stream_names",
    metadata,
    *keys(Uuid, "name_id"),
    *required(Uuid, "originator_id"),
)
"""Which stream each name of a transaction leads to, by the id that a stream of that name would
have; append-only. A name leads to one stream: so two writers never make one payment twice."""

subscription_references = Table(
    "subscription_references",
    metadata,
    *keys(Text, "shop_id", "mode", "subscription_id", "alias"),
    *optional(Text, "order_id"),
    *required(Uuid, "originator_id"),
    Index("ix_subscription_references_order", "shop_id", "mode", "alias", "order_id"),
)
"""How the platform's names lead to a subscription's stream; an id alone is not unique."""

generations = Table(
    "generations",
    metadata,
    *keys(NUMBER, "id"),
    *required(Text, "name", "fingerprint", "state"),
    *required(UtcDateTime, "created_at", "changed_at"),
    *required(Integer, "shards", "part_length"),
    sqlite_autoincrement=True,
)
"""One row per set of a read model's tables; its state is building, built, live or retired.

Units: `part_length` in positions; 0 where none is loaded in parts.
"""

generation_positions = Table(
    "generation_positions",
    metadata,
    *keys(BigInteger, "generation_id"),
    *keys(Integer, "part"),
    *required(BigInteger, "position"),
    *required(UtcDateTime, "moved_at"),
)
"""How far a generation has followed the log: in parts while it is loaded, then as part 0."""

poison_events = Table(
    "poison_events",
    metadata,
    *keys(BigInteger, "generation_id", "position"),
    *required(Text, "topic", "error"),
    *required(UtcDateTime, "found_at"),
)
"""Events that a read model could not apply and skipped."""

leases = Table(
    "leases",
    metadata,
    *keys(Text, "name"),
    *required(Text, "holder"),
    *required(UtcDateTime, "expires_at"),
)
"""Which process does, for a while, what only one may do."""

schema_revisions = Table(
    "schema_revisions",
    metadata,
    *keys(Text, "revision"),
    *required(Text, "oldest_code"),
)
"""A row per migration; append-only. Shape: `oldest_code` is the newest migration that the oldest
code knows which may still serve when this one was applied: the migration itself if none may."""

high_water_mark = Table(
    "high_water_mark",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    *required(BigInteger, "position"),
)
"""One row: up to which position the log was proven complete, for those who read a standby."""
