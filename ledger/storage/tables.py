"""The durable tables, as the code sees them; `alembic/versions` is what creates them."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from ledger.instants import read_instant, write_instant


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant, always UTC outside the database.

    Shape: on SQLite text of fixed width (`2026-01-31T09:00:00.000000Z`), so that it sorts.
    Errors: ValueError for a naive datetime, which is no instant.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[datetime] | TypeEngine[str]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(27))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | str | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored moment needs a time zone")
        moment = value.astimezone(UTC)
        if dialect.name == "sqlite":
            return write_instant(moment)
        return moment

    def process_result_value(
        self, value: datetime | str | None, dialect: Dialect
    ) -> datetime | None:
        if value is None:
            return None
        moment = read_instant(value) if isinstance(value, str) else value
        return moment.astimezone(UTC)


metadata = MetaData()

events = Table(
    "events",
    metadata,
    Column("position", BigInteger().with_variant(Integer, "sqlite"), autoincrement=True),
    Column("originator_id", Uuid, nullable=False),
    Column("originator_version", BigInteger, nullable=False),
    Column("topic", Text, nullable=False),
    Column("notification_id", Text),
    Column("state", LargeBinary, nullable=False),
    Column("details", LargeBinary),  # apart, so that following and rebuilding need not read it
    PrimaryKeyConstraint("position", name="pk_events"),
    UniqueConstraint("originator_id", "originator_version", name="uq_events_stream"),
    sqlite_autoincrement=True,  # a position is never given out twice
)

notifications = Table(
    "notifications",
    metadata,
    Column("id", Text),
    Column("received_at", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("format", Text, nullable=False),
    Column("shop_id", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("source", Text),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("digest", Text, nullable=False),
    Column("signed_digest", Text, nullable=False),
    Column("key_fingerprint", Text, nullable=False),
    Column("told_at", UtcDateTime),
    Column("positions", JSON, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("peer", Text, nullable=False),
    Column("endpoint_shop_id", Text),
    Column("endpoint_mode", Text),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("id", name="pk_notifications"),
    Index("ix_notifications_signed_digest", "signed_digest"),
    Index("ix_notifications_shop", "shop_id", "mode", "id", "outcome"),
)
"""Everything verified, in the order of its ULIDs; append-only."""

IS_RECORDED = text("outcome = 'recorded'")
RECORDED_ONCE = "uq_notifications_recorded"
Index(
    RECORDED_ONCE,
    notifications.c.signed_digest,
    unique=True,
    sqlite_where=IS_RECORDED,
    postgresql_where=IS_RECORDED,
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

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Text),
    Column("received_at", UtcDateTime, nullable=False),
    Column("format", Text),
    Column("shop_id", Text),
    Column("mode", Text),
    Column("source", Text),
    Column("reason", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("peer", Text, nullable=False),
    Column("endpoint_shop_id", Text),
    Column("endpoint_mode", Text),
    Column("body_bytes", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("id", name="pk_quarantine"),
    Index("ix_quarantine_peer", "peer", "id"),
    Index("ix_quarantine_reason", "reason", "id"),
    Index("ix_quarantine_mode", "mode", "received_at", "reason", "shop_id"),
)
"""What could not be read or verified; the only durable rows that may leave again."""

repeats = Table(
    "repeats",
    metadata,
    Column("originator_id", Uuid),
    Column("notification_id", Text),
    Column("told_at", UtcDateTime),
    PrimaryKeyConstraint("originator_id", "notification_id", name="pk_repeats"),
)
"""Which streams a delivery names without changing them."""

subscription_references = Table(
    "subscription_references",
    metadata,
    Column("shop_id", Text),
    Column("mode", Text),
    Column("subscription_id", Text),
    Column("alias", Text),
    Column("order_id", Text),
    Column("originator_id", Uuid, nullable=False),
    PrimaryKeyConstraint(
        "shop_id", "mode", "subscription_id", "alias", name="pk_subscription_references"
    ),
    Index("ix_subscription_references_order", "shop_id", "mode", "alias", "order_id"),
)
"""How the platform's names lead to a subscription's stream; an id alone is not unique."""


generations = Table(
    "generations",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), autoincrement=True),
    Column("name", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("shards", Integer, nullable=False),
    PrimaryKeyConstraint("id", name="pk_generations"),
    sqlite_autoincrement=True,
)
"""One row per set of a read model's tables; its state is building, built, live or retired."""

generation_positions = Table(
    "generation_positions",
    metadata,
    Column("generation_id", BigInteger),
    Column("shard", Integer),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("generation_id", "shard", name="pk_generation_positions"),
)
"""How far each shard of a generation has followed the log; moves with its rows."""

poison_events = Table(
    "poison_events",
    metadata,
    Column("generation_id", BigInteger),
    Column("position", BigInteger),
    Column("topic", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("found_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("generation_id", "position", name="pk_poison_events"),
)
"""Events that a read model could not apply and skipped."""

leases = Table(
    "leases",
    metadata,
    Column("name", Text),
    Column("holder", Text, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("name", name="pk_leases"),
)
"""Which process does, for a while, what only one may do."""

tokens = Table(
    "tokens",
    metadata,
    Column("id", Text),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("shops", JSON(none_as_null=True)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
    PrimaryKeyConstraint("id", name="pk_tokens"),
    UniqueConstraint("secret_hash", name="uq_tokens_secret_hash"),
)
"""Who may ask; never the token itself, only its SHA-256. No shops means all of them."""

users = Table(
    "users",
    metadata,
    Column("id", Text),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("shops", JSON(none_as_null=True)),
    Column("password_hash", Text, nullable=False),
    Column("stamp", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("disabled_at", UtcDateTime),
    Column("password_changed_at", UtcDateTime, nullable=False),
    Column("last_signed_in_at", UtcDateTime),
    PrimaryKeyConstraint("id", name="pk_users"),
    UniqueConstraint("name_key", name="uq_users_name_key"),
)
"""Who may sign in. A session holds the stamp; whatever shall end all sessions changes it."""

access_log = Table(
    "access_log",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("token_id", Text, nullable=False),
    Column("token_name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("shop_id", Text),
    Column("mode", Text),
    Column("reference", Text),
    Column("status", Integer, nullable=False),
    Column("peer", Text, nullable=False),
    PrimaryKeyConstraint("id", name="pk_access_log"),
    Index("ix_access_log_token", "token_id", "id"),
    Index("ix_access_log_shop", "shop_id", "mode", "id"),
    sqlite_autoincrement=True,
)
"""Who has read personal or raw data, or tried to; append-only."""
