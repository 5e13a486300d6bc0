"""The tables of what we asked the platform, and of what it answered; both append-only."""

from sqlalchemy import JSON, Index, Integer, Table, Text, UniqueConstraint

from ledger.storage.columns import NUMBER, UtcDateTime, keys, metadata, optional, required
from ledger.storage.tables import acts, decisions, notifications

questions = Table(
    "questions",
    metadata,
    *keys(NUMBER, "place"),
    *required(Text, "id", "shop_id", "mode", "service", "subject", "cause", "key_fingerprint"),
    *required(UtcDateTime, "asked_at"),
    UniqueConstraint("id", name="uq_questions_id"),
    Index("ix_questions_shop", "shop_id", "mode", "id"),
    Index("ix_questions_subject", "shop_id", "mode", "subject", "service", "id"),
    sqlite_autoincrement=True,
)
"""What was asked, noted before it is sent: so that whoever is killed has asked all the same."""

answers = Table(
    "answers",
    metadata,
    *keys(NUMBER, "place"),
    *required(Text, "id", "question_id", "shop_id", "mode", "outcome", "key_fingerprint"),
    *required(UtcDateTime, "recorded_at"),
    *optional(Text, "reason", "server", "certificate"),
    *optional(UtcDateTime, "told_at"),
    *optional(Integer, "http_status"),
    *required(JSON, "positions"),
    UniqueConstraint("id", name="uq_answers_id"),
    UniqueConstraint("question_id", name="uq_answers_question_id"),
    sqlite_autoincrement=True,
)
"""What came of each question. Shape: `certificate` is the SHA-256 of that of the server; the body
is sealed under the id, as that of a delivery; `told_at` is the platform's time."""

ORIGINS_OF_EVENTS = (notifications, decisions, acts, answers)
"""The tables of what makes events. Shape: each has an id and the positions."""
