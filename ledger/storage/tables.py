"""The durable tables, as the code sees them; `alembic/versions` is what creates them."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
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

    impl = DateTime(timezone=True).with_variant(String(27), "sqlite")
    cache_ok = True

    def process_bind_param(
        self, instant: datetime | None, dialect: Dialect
    ) -> datetime | str | None:
        if instant is None:
            return None
        if instant.tzinfo is None:
            raise ValueError("a stored moment needs a time zone")
        return write_instant(instant) if dialect.name == "sqlite" else instant.astimezone(UTC)

    def process_result_value(
        self, stored_instant: datetime | str | None, dialect: Dialect
    ) -> datetime | None:
        if stored_instant is None:
            return None
        if isinstance(stored_instant, str):
            return read_instant(stored_instant).astimezone(UTC)
        return stored_instant.astimezone(UTC)


_Type = TypeEngine[Any] | type[TypeEngine[Any]]


def _keys(column_type: _Type, *names: str) -> list[Column[Any]]:
    return [Column(name, column_type, primary_key=True) for name in names]


def _required(column_type: _Type, *names: str) -> list[Column[Any]]:
    return [Column(name, column_type, nullable=False) for name in names]


def _optional(column_type: _Type, *names: str) -> list[Column[Any]]:
    return [Column(name, column_type) for name in names]


def _delivery_columns() -> list[Column[Any]]:
    """Make the columns that every delivery fills alike, verified or not."""
    return [
        *_keys(Text, "id"),
        *_required(UtcDateTime, "received_at"),
        *_required(Text, "digest", "content_type", "peer"),
        *_optional(Text, "source", "endpoint_shop_id", "endpoint_mode"),
        *_required(Boolean, "is_from_named_range"),
        *_required(LargeBinary, "body"),
    ]


_NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""What counts up by itself: SQLite does that for its own integers only."""

metadata = MetaData()

events = Table(
    "events",
    metadata,
    *_keys(_NUMBER, "position"),
    *_required(Uuid, "originator_id"),
    *_required(BigInteger, "originator_version"),
    *_required(Text, "topic"),
    *_optional(Text, "notification_id"),
    *_required(LargeBinary, "state"),
    *_optional(LargeBinary, "details"),  # apart: following and rebuilding need not read it
    UniqueConstraint("originator_id", "originator_version", name="uq_events_stream"),
    sqlite_autoincrement=True,  # a position is never given out twice
)

notifications = Table(
    "notifications",
    metadata,
    *_delivery_columns(),
    *_required(UtcDateTime, "recorded_at"),
    *_required(Text, "format", "shop_id", "mode", "outcome", "signed_digest", "key_fingerprint"),
    *_optional(Text, "reason", "error_class", "code_version", "signed_text_tag"),
    *_optional(UtcDateTime, "told_at"),
    *_required(JSON, "positions"),
    Index("ix_notifications_signed_digest", "signed_digest"),
    Index("ix_notifications_shop", "shop_id", "mode", "id", "outcome"),
)
"""Everything verified, in the order of its ULIDs; append-only."""

RECORDED_ONCE = "uq_notifications_recorded"
_IS_RECORDED = text("outcome = 'recorded'")
Index(
    RECORDED_ONCE,
    notifications.c.signed_digest,
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
    *_keys(_NUMBER, "id"),
    *_required(Text, "notification_id", "signed_digest"),
    *_required(UtcDateTime, "decided_at"),
    *_required(Text, "outcome", "code_version"),
    *_optional(Text, "reason", "error_class"),
    *_required(JSON, "positions"),
    Index("ix_decisions_notification", "notification_id", "id"),
    Index("ix_decisions_signed_digest", "signed_digest"),
    sqlite_autoincrement=True,
)
"""What became of undecided notifications later; append-only, and the newest one counts."""

apparent_names = Table(
    "apparent_names",
    metadata,
    *_keys(Text, "shop_id", "mode", "name", "notification_id"),
)
"""What undecided notifications seem to be about; append-only."""

quarantine = Table(
    "quarantine",
    metadata,
    *_delivery_columns(),
    *_optional(Text, "format", "shop_id", "mode"),
    *_required(Text, "reason"),
    *_required(Integer, "body_bytes"),
    Index("ix_quarantine_peer", "peer", "id"),
    Index("ix_quarantine_reason", "reason", "id"),
    Index("ix_quarantine_mode", "mode", "received_at", "reason", "shop_id"),
)
"""What could not be read or verified; the only durable rows that may leave again."""

repeats = Table(
    "repeats",
    metadata,
    *_keys(Uuid, "originator_id"),
    *_keys(Text, "notification_id"),
    *_optional(UtcDateTime, "told_at"),
)
"""Which streams a delivery names without changing them."""

subscription_references = Table(
    "subscription_references",
    metadata,
    *_keys(Text, "shop_id", "mode", "subscription_id", "alias"),
    *_optional(Text, "order_id"),
    *_required(Uuid, "originator_id"),
    Index("ix_subscription_references_order", "shop_id", "mode", "alias", "order_id"),
)
"""How the platform's names lead to a subscription's stream; an id alone is not unique."""

generations = Table(
    "generations",
    metadata,
    *_keys(_NUMBER, "id"),
    *_required(Text, "name", "fingerprint", "state"),
    *_required(UtcDateTime, "created_at", "changed_at"),
    *_required(Integer, "shards"),
    sqlite_autoincrement=True,
)
"""One row per set of a read model's tables; its state is building, built, live or retired."""

generation_positions = Table(
    "generation_positions",
    metadata,
    *_keys(BigInteger, "generation_id"),
    *_keys(Integer, "shard"),
    *_required(BigInteger, "position"),
    *_required(UtcDateTime, "moved_at"),
)
"""How far each shard of a generation has followed the log; moves with its rows."""

poison_events = Table(
    "poison_events",
    metadata,
    *_keys(BigInteger, "generation_id", "position"),
    *_required(Text, "topic", "error"),
    *_required(UtcDateTime, "found_at"),
)
"""Events that a read model could not apply and skipped."""

leases = Table(
    "leases",
    metadata,
    *_keys(Text, "name"),
    *_required(Text, "holder"),
    *_required(UtcDateTime, "expires_at"),
)
"""Which process does, for a while, what only one may do."""

tokens = Table(
    "tokens",
    metadata,
    *_keys(Text, "id"),
    *_required(Text, "name", "role", "secret_hash"),
    *_optional(JSON(none_as_null=True), "shops"),
    *_required(UtcDateTime, "created_at"),
    *_optional(UtcDateTime, "expires_at", "revoked_at", "last_used_at"),
    UniqueConstraint("secret_hash", name="uq_tokens_secret_hash"),
)
"""Who may ask; never the token itself, only its SHA-256. No shops means all of them."""

users = Table(
    "users",
    metadata,
    *_keys(Text, "id"),
    *_required(Text, "name", "name_key", "role", "password_hash", "stamp"),
    *_optional(JSON(none_as_null=True), "shops"),
    *_required(UtcDateTime, "created_at", "password_changed_at"),
    *_required(Boolean, "must_change_password"),
    *_optional(UtcDateTime, "expires_at", "disabled_at", "last_signed_in_at"),
    *_optional(Text, "last_signed_in_from"),
    *_optional(Text, "issuer", "subject"),
    UniqueConstraint("name_key", name="uq_users_name_key"),
    UniqueConstraint("issuer", "subject", name="uq_users_subject"),
)
"""Who may sign in. A session holds the stamp; whatever shall end all sessions changes it.

With an issuer it is somebody of an identity provider, who has no password here.
"""

second_factors = Table(
    "second_factors",
    metadata,
    *_keys(Text, "user_id"),
    *_required(Text, "salt"),
    *_required(UtcDateTime, "enrolled_at"),
    *_required(BigInteger, "last_step"),
    *_required(Integer, "failures"),
)
"""Who signs in with codes as well: their secret is derived from the salt and the service's key."""

recovery_codes = Table(
    "recovery_codes",
    metadata,
    *_keys(Text, "user_id", "code_hash"),
)
"""What may stand in for a lost device; a code that was used is gone."""

failed_tries = Table(
    "failed_tries",
    metadata,
    *_keys(_NUMBER, "id"),
    *_required(Text, "brake"),
    *_required(UtcDateTime, "at"),
    Index("ix_failed_tries_brake", "brake", "at"),
    Index("ix_failed_tries_at", "at"),
)
"""Wrong passwords of the last quarter of an hour, under each brake that counts them."""

access_log = Table(
    "access_log",
    metadata,
    *_keys(_NUMBER, "id"),
    *_required(UtcDateTime, "at"),
    *_required(Text, "token_id", "token_name", "role", "method", "route", "kind", "peer"),
    *_optional(Text, "shop_id", "mode", "reference"),
    *_required(Integer, "status"),
    Index("ix_access_log_token", "token_id", "id"),
    Index("ix_access_log_shop", "shop_id", "mode", "id"),
    sqlite_autoincrement=True,
)
"""Who has read personal or raw data, or tried to; append-only."""
