"""The tables of who may ask, who may sign in, and who has read what."""

from sqlalchemy import JSON, BigInteger, Boolean, Index, Integer, Table, Text, UniqueConstraint

from ledger.storage.columns import (
    NUMBER,
    SUMMARISED,
    UtcDateTime,
    keys,
    metadata,
    optional,
    required,
)

tokens = Table(
    "tokens",
    metadata,
    *keys(Text, "id"),
    *required(Text, "name", "role", "secret_hash"),
    *optional(JSON(none_as_null=True), "shops"),
    *required(UtcDateTime, "created_at"),
    *optional(UtcDateTime, "expires_at", "revoked_at", "last_used_at"),
    UniqueConstraint("secret_hash", name="uq_tokens_secret_hash"),
)
"""Who may ask; never the token itself, only its SHA-256. No shops means all of them."""

users = Table(
    "users",
    metadata,
    *keys(Text, "id"),
    *required(Text, "name", "name_key", "role", "password_hash", "stamp"),
    *optional(JSON(none_as_null=True), "shops"),
    *required(UtcDateTime, "created_at", "password_changed_at"),
    *required(Boolean, "must_change_password"),
    *optional(UtcDateTime, "expires_at", "disabled_at", "last_signed_in_at"),
    *optional(Text, "last_signed_in_from"),
    *optional(Text, "issuer", "subject"),
    UniqueConstraint("name_key", name="uq_users_name_key"),
    UniqueConstraint("issuer", "subject", name="uq_users_subject"),
)
"""Who may sign in. A session holds the stamp; whatever shall end all sessions changes it.

With an issuer it is somebody of an identity provider, who has no password here.
"""

second_factors = Table(
    "second_factors",
    metadata,
    *keys(Text, "user_id"),
    *required(Text, "salt"),
    *required(UtcDateTime, "enrolled_at"),
    *required(BigInteger, "last_step"),
    *required(Integer, "failures"),
)
"""Who signs in with codes as well: their secret is derived from the salt and the service's key."""

recovery_codes = Table(
    "recovery_codes",
    metadata,
    *keys(Text, "user_id", "code_hash"),
)
"""What may stand in for a lost device; a code that was used is gone."""

failed_tries = Table(
    "failed_tries",
    metadata,
    *keys(NUMBER, "id"),
    *required(Text, "brake"),
    *required(UtcDateTime, "at"),
    Index("ix_failed_tries_brake", "brake", "at"),
    Index("ix_failed_tries_at", "at"),
)
"""Wrong passwords of the last quarter of an hour, under each brake that counts them."""

access_log = Table(
    "access_log",
    metadata,
    *keys(NUMBER, "id"),
    *required(UtcDateTime, "at"),
    *required(Text, "token_id", "token_name", "role", "method", "route", "kind"),
    *optional(Text, "shop_id", "mode", "reference"),
    *required(Integer, "status"),
    Index("ix_access_log_token", "token_id", "id"),
    Index("ix_access_log_shop", "shop_id", "mode", "id"),
    Index("ix_access_log_at", "at", postgresql_using="brin", postgresql_with=SUMMARISED),
    sqlite_autoincrement=True,
)
"""Who has read personal or raw data, or tried to; never changed, and deleted by age alone."""

access_addresses = Table(
    "access_addresses",
    metadata,
    *keys(BigInteger, "access_id"),
    *required(Text, "peer"),
)
"""From where, for lines of the access log that are young enough: an address is about a person."""
