"""The durable tables, as the first release has them.

Written out in full and never edited again: the tables of today are in `ledger/storage/tables.py`.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

IDENTITY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.String(27), "sqlite")
APPEND_ONLY = (
    "events",
    "notifications",
    "bodies",
    "archives",
    "decisions",
    "acts",
    "apparent_names",
    "repeats",
    "stream_names",
    "log_entries",
    "log_tiles",
    "checkpoints",
    "timestamps",
    "erasures",
    "erased_origins",
    "erased_streams",
    "expiries",
    "holds",
    "journal_files",
    "journal_parts",
    "reports",
    "report_days",
    "questions",
    "answers",
    "notes",
    "access_log",
    "schema_revisions",
)
ORDERED = (
    "events",
    "notifications",
    "decisions",
    "acts",
    "erasures",
    "expiries",
    "journal_files",
    "reports",
    "answers",
    "notes",
)
"""Tables that are followed in the order in which their rows were committed."""
YOUNG_ON_SQLITE = "OLD.at >= strftime('%Y-%m-%dT%H:%M:%S', 'now', '-12 months')"
YOUNG_ON_POSTGRESQL = "(OLD.at >= (now() - make_interval(months => 12)))"
"""What of the access log is too young to be deleted."""
POSITIONS_LOCK = 0x1ED6_0002
MONTHS_LOCK = 0x1ED6_0004
FREEZE = "autovacuum_freeze_min_age = 0, autovacuum_vacuum_insert_scale_factor = 0.02"
"""Rows that never change are frozen soon and little by little, so that no vacuum against wraparound
has to write most of the log at once."""


def upgrade() -> None:
    _create_revisions()
    _create_events()
    _create_notifications()
    _create_decisions()
    _create_sealed()
    _create_log()
    _create_persons()
    _create_drift()
    _create_erasures()
    _create_reconciliation()
    _create_asking()
    _create_notes()
    _create_alerts()
    _create_destinations()
    _create_quarantine()
    _create_references()
    _create_generations()
    _create_access()
    if op.get_bind().dialect.name == "sqlite":
        _protect_sqlite()
    else:
        _protect_postgresql()
        _order_postgresql()
        _compress_postgresql()
        _divide_postgresql()
        _freeze_postgresql()


def downgrade() -> None:
    raise NotImplementedError("migrations only go forward")


def _create_revisions() -> None:
    """Make where each migration says which code may go on serving beside it: here none before."""
    revisions = op.create_table(
        "schema_revisions",
        sa.Column("revision", sa.Text()),
        sa.Column("oldest_code", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("revision", name="pk_schema_revisions"),
    )
    op.bulk_insert(revisions, [{"revision": revision, "oldest_code": revision}])


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("position", IDENTITY, autoincrement=True),
        sa.Column("originator_id", sa.Uuid(), nullable=False),
        sa.Column("originator_version", sa.BigInteger(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("origin_id", sa.Text(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("details", sa.LargeBinary()),
        sa.Column("part", sa.SmallInteger()),
        sa.PrimaryKeyConstraint("position", name="pk_events"),
        sa.UniqueConstraint("originator_id", "originator_version", name="uq_events_stream"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "repeats",
        sa.Column("originator_id", sa.Uuid()),
        sa.Column("notification_id", sa.Text()),
        sa.Column("told_at", INSTANT),
        sa.PrimaryKeyConstraint("originator_id", "notification_id", name="pk_repeats"),
    )
    mark = op.create_table(
        "high_water_mark",
        sa.Column("id", sa.Integer(), autoincrement=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_high_water_mark"),
    )
    op.bulk_insert(mark, [{"id": 1, "position": 0}])


def _create_notifications() -> None:
    op.create_table(
        "notifications",
        sa.Column("place", IDENTITY, autoincrement=True),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("source", sa.Text()),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("error_class", sa.Text()),
        sa.Column("code_version", sa.Text()),
        sa.Column("signed_tag", sa.LargeBinary(), nullable=False),
        sa.Column("signed_text_tag", sa.LargeBinary()),
        sa.Column("key_fingerprint", sa.Text(), nullable=False),
        sa.Column("told_at", INSTANT),
        sa.Column("positions", sa.JSON(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("endpoint_shop_id", sa.Text()),
        sa.Column("endpoint_mode", sa.Text()),
        sa.Column("is_from_named_range", sa.Boolean(), nullable=False),
        sa.Column("is_imported", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("place", name="pk_notifications"),
        sa.UniqueConstraint("id", name="uq_notifications_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notifications_signed_tag", "notifications", ["signed_tag"])
    op.create_index("ix_notifications_shop", "notifications", ["shop_id", "mode", "id", "outcome"])
    _create_partial_indexes()


def _create_partial_indexes() -> None:
    is_recorded = sa.text("outcome = 'recorded'")
    op.create_index(
        "uq_notifications_recorded",
        "notifications",
        ["signed_tag"],
        unique=True,
        sqlite_where=is_recorded,
        postgresql_where=is_recorded,
    )
    op.create_index(
        "uq_notifications_signed_text",
        "notifications",
        ["signed_text_tag"],
        unique=True,
        sqlite_where=is_recorded,
        postgresql_where=is_recorded,
    )
    has_reason = sa.text("reason IS NOT NULL")
    op.create_index(
        "ix_notifications_reason",
        "notifications",
        ["reason", "id"],
        sqlite_where=has_reason,
        postgresql_where=has_reason,
    )
    is_undecided = sa.text("outcome = 'undecided'")
    op.create_index(
        "ix_notifications_undecided",
        "notifications",
        ["shop_id", "mode", "id"],
        sqlite_where=is_undecided,
        postgresql_where=is_undecided,
    )


def _create_decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("place", IDENTITY, autoincrement=True),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("notification_id", sa.Text(), nullable=False),
        sa.Column("signed_tag", sa.LargeBinary(), nullable=False),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("error_class", sa.Text()),
        sa.Column("positions", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("place", name="pk_decisions"),
        sa.UniqueConstraint("id", name="uq_decisions_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_decisions_notification", "decisions", ["notification_id", "place"])
    op.create_index("ix_decisions_signed_tag", "decisions", ["signed_tag"])
    op.create_table(
        "acts",
        sa.Column("place", IDENTITY, autoincrement=True),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("done_at", INSTANT, nullable=False),
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("positions", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("place", name="pk_acts"),
        sa.UniqueConstraint("id", name="uq_acts_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "apparent_names",
        sa.Column("shop_id", sa.Text()),
        sa.Column("mode", sa.Text()),
        sa.Column("name", sa.Text()),
        sa.Column("notification_id", sa.Text()),
        sa.PrimaryKeyConstraint(
            "shop_id", "mode", "name", "notification_id", name="pk_apparent_names"
        ),
    )


def _create_sealed() -> None:
    op.create_table(
        "bodies",
        # ids sort by the time in them, so a month is a range of ids, whatever the server's language
        sa.Column("origin_id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql")),
        sa.Column("body", sa.LargeBinary()),
        sa.Column("personal", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("origin_id", name="pk_bodies"),
        postgresql_partition_by="RANGE (origin_id)",
    )
    op.create_table(
        "archives",
        sa.Column("place", IDENTITY, autoincrement=True),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("file_bytes", sa.BigInteger(), nullable=False),
        sa.Column("archived_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("place", name="pk_archives"),
        sa.UniqueConstraint("address", name="uq_archives_address"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "origin_secrets",
        sa.Column("origin_id", sa.Text()),
        sa.Column("master", sa.Text(), nullable=False),
        sa.Column("body_secret", sa.LargeBinary()),
        sa.Column("personal_secret", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("origin_id", name="pk_origin_secrets"),
    )
    op.create_table(
        "wrapped_keys",
        sa.Column("name", sa.Text()),
        sa.Column("master", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_wrapped_keys"),
    )


def _create_log() -> None:
    op.create_table(
        "log_entries",
        sa.Column("log", sa.Integer()),
        sa.Column("entry_index", sa.BigInteger()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("origin_id", sa.Text()),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log", "entry_index", name="pk_log_entries"),
    )
    op.create_index("uq_log_entries_origin", "log_entries", ["log", "origin_id"], unique=True)
    op.create_table(
        "log_tiles",
        sa.Column("log", sa.Integer()),
        sa.Column("level", sa.Integer()),
        sa.Column("number", sa.BigInteger()),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log", "level", "number", name="pk_log_tiles"),
    )
    op.create_table(
        "log_progress",
        sa.Column("log", sa.Integer()),
        sa.Column("source", sa.Text()),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "source", name="pk_log_progress"),
    )
    op.create_table(
        "checkpoints",
        sa.Column("log", sa.Integer()),
        sa.Column("size", sa.BigInteger()),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("signed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("log", "size", name="pk_checkpoints"),
    )
    op.create_table(
        "timestamps",
        sa.Column("id", IDENTITY, autoincrement=True),
        sa.Column("log", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("stamped_at", INSTANT, nullable=False),
        sa.Column("stored_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_timestamps"),
        sqlite_autoincrement=True,
    )


def _create_persons() -> None:
    op.create_table(
        "person_tags",
        sa.Column("tag", sa.Text()),
        sa.Column("kind", sa.Text()),
        sa.Column("origin_id", sa.Text()),
        sa.PrimaryKeyConstraint("tag", "kind", "origin_id", name="pk_person_tags"),
    )
    op.create_index("ix_person_tags_origin", "person_tags", ["origin_id"])
    progress = op.create_table(
        "person_progress",
        sa.Column("source", sa.Text()),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_person_progress"),
    )
    sources = ("delivery", "answer")
    op.bulk_insert(progress, [{"source": source, "place": 0} for source in sources])


def _create_drift() -> None:
    scope = ("shop_id", "mode", "format")

    def keyed(table: str, *names: str) -> list[sa.schema.SchemaItem]:
        columns = [sa.Column(name, sa.Text()) for name in (*scope, *names)]
        return [*columns, sa.PrimaryKeyConstraint(*scope, *names, name=f"pk_{table}")]

    def seen(*counts: str) -> list[sa.Column[Any]]:
        return [
            sa.Column("first_delivery_id", sa.Text(), nullable=False),
            sa.Column("first_seen_at", INSTANT, nullable=False),
            sa.Column("last_seen_at", INSTANT, nullable=False),
            *(sa.Column(name, sa.BigInteger(), nullable=False) for name in counts),
        ]

    op.create_table(
        "drift_kinds",
        *keyed("drift_kinds", "kind"),
        sa.Column("call_count", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "drift_names",
        *keyed("drift_names", "kind", "name"),
        *seen("call_count", "run_from", "run_last", "run_calls"),
        sa.Column("missing_delivery_id", sa.Text()),
    )
    op.create_table(
        "drift_values",
        *keyed("drift_values", "name", "what", "value"),
        *seen("call_count"),
    )
    op.create_table(
        "drift_findings",
        *keyed("drift_findings", "kind", "drift", "name", "value", "delivery_id"),
        sa.Column("noticed_at", INSTANT, nullable=False),
    )
    op.create_index("ix_drift_findings_noticed", "drift_findings", ["noticed_at"])
    progress = op.create_table(
        "drift_progress",
        sa.Column("source", sa.Text()),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_drift_progress"),
    )
    op.bulk_insert(progress, [{"source": "delivery", "place": 0}])


def _create_erasures() -> None:
    op.create_table(
        "erasures",
        sa.Column("place", IDENTITY, autoincrement=True),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("erasure_id", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_whom", sa.Text(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("origins", sa.JSON(), nullable=False),
        sa.Column("streams", sa.JSON(), nullable=False),
        sa.Column("masters", sa.JSON(), nullable=False),
        sa.Column("verified", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("place", name="pk_erasures"),
        sa.UniqueConstraint("id", name="uq_erasures_id"),
        sa.UniqueConstraint("erasure_id", "phase", name="uq_erasures_phase"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "erased_origins",
        sa.Column("origin_id", sa.Text()),
        sa.Column("what", sa.Text()),
        sa.Column("erasure_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("origin_id", "what", name="pk_erased_origins"),
    )
    op.create_index("ix_erased_origins_erasure", "erased_origins", ["erasure_id"])
    op.create_table(
        "erased_streams",
        sa.Column("originator_id", sa.Uuid()),
        sa.Column("erasure_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("originator_id", name="pk_erased_streams"),
    )
    op.create_table(
        "expiries",
        sa.Column("place", IDENTITY, autoincrement=True),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("body_until", sa.Text(), nullable=False),
        sa.Column("personal_until", sa.Text(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("place", name="pk_expiries"),
        sa.UniqueConstraint("id", name="uq_expiries_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "holds",
        sa.Column("id", sa.Text()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("hold_id", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by_whom", sa.Text(), nullable=False),
        sa.Column("originator_id", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("until", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_holds"),
    )
    op.create_index("ix_holds_hold", "holds", ["hold_id"])


def _create_reconciliation() -> None:
    op.create_table(
        "journal_files",
        sa.Column("place", IDENTITY, autoincrement=True),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("by_whom", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Text()),
        sa.Column("last_day", sa.Text()),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("byte_count", sa.BigInteger(), nullable=False),
        sa.Column("heading", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("place", name="pk_journal_files"),
        sa.UniqueConstraint("id", name="uq_journal_files_id"),
        sa.UniqueConstraint("tag", name="uq_journal_files_tag"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_journal_files_shop", "journal_files", ["shop_id", "mode", "place"])
    op.create_table(
        "journal_parts",
        sa.Column("file_id", sa.Text()),
        sa.Column("number", sa.Integer()),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("file_id", "number", name="pk_journal_parts"),
    )
    op.create_table(
        "reports",
        sa.Column("place", IDENTITY, autoincrement=True),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Text(), nullable=False),
        sa.Column("last_day", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("rules", sa.Integer(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("replaces", sa.Text()),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("place", name="pk_reports"),
        sa.UniqueConstraint("id", name="uq_reports_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reports_shop", "reports", ["shop_id", "mode", "place"])
    op.create_table(
        "report_days",
        sa.Column("shop_id", sa.Text()),
        sa.Column("mode", sa.Text()),
        sa.Column("day", sa.Text()),
        sa.Column("report_id", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("listed", sa.Integer(), nullable=False),
        sa.Column("confirmed", sa.Integer(), nullable=False),
        sa.Column("gaps", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "mode", "day", "report_id", name="pk_report_days"),
    )
    op.create_table(
        "listed_money",
        sa.Column("file_id", sa.Text()),
        sa.Column("line", sa.Integer()),
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("moved_on", sa.Text(), nullable=False),
        sa.Column("trans_id", sa.Text()),
        sa.Column("order_id", sa.Text()),
        sa.Column("uuid", sa.Text()),
        sa.Column("claim", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("file_id", "line", name="pk_listed_money"),
    )
    shop = ("shop_id", "mode")
    op.create_index("ix_listed_money_day", "listed_money", [*shop, "kind", "moved_on"])
    op.create_index("ix_listed_money_number", "listed_money", [*shop, "trans_id"])
    op.create_index("ix_listed_money_order", "listed_money", [*shop, "order_id"])
    op.create_index("ix_listed_money_uuid", "listed_money", [*shop, "uuid"])


def _create_asking() -> None:
    op.create_table(
        "questions",
        sa.Column("place", IDENTITY, autoincrement=True),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("key_fingerprint", sa.Text(), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("place", name="pk_questions"),
        sa.UniqueConstraint("id", name="uq_questions_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_questions_shop", "questions", ["shop_id", "mode", "id"])
    names = ["shop_id", "mode", "subject", "service", "id"]
    op.create_index("ix_questions_subject", "questions", names)
    op.create_table(
        "answers",
        sa.Column("place", IDENTITY, autoincrement=True),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("question_id", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("key_fingerprint", sa.Text(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("server", sa.Text()),
        sa.Column("certificate", sa.Text()),
        sa.Column("told_at", INSTANT),
        sa.Column("http_status", sa.Integer()),
        sa.Column("positions", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("place", name="pk_answers"),
        sa.UniqueConstraint("id", name="uq_answers_id"),
        sa.UniqueConstraint("question_id", name="uq_answers_question_id"),
        sqlite_autoincrement=True,
    )


def _create_notes() -> None:
    op.create_table(
        "notes",
        sa.Column("place", IDENTITY, autoincrement=True),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("stream_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("note_id", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("place", name="pk_notes"),
        sa.UniqueConstraint("id", name="uq_notes_id"),
        sa.UniqueConstraint("stream_id", "version", name="uq_notes_stream"),
        sa.UniqueConstraint("note_id", "kind", name="uq_notes_withdrawn_once"),
        sqlite_autoincrement=True,
    )


def _create_alerts() -> None:
    op.create_table(
        "alert_conditions",
        sa.Column("name", sa.Text()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("sent_at", INSTANT),
        sa.Column("tried_at", INSTANT),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_alert_conditions"),
    )
    op.create_table(
        "verifications",
        sa.Column("check_name", sa.Text()),
        sa.Column("ended_at", INSTANT),
        sa.Column("faults", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("check_name", "ended_at", name="pk_verifications"),
    )


def _create_destinations() -> None:
    op.create_table(
        "destinations",
        sa.Column("name", sa.Text()),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("has_personal", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("reached_at", INSTANT),
        sa.Column("failing_since", INSTANT),
        sa.Column("retry_at", INSTANT),
        sa.Column("disabled_at", INSTANT),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("name", name="pk_destinations"),
    )


def _create_quarantine() -> None:
    op.create_table(
        "quarantine",
        sa.Column("id", sa.Text()),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("format", sa.Text()),
        sa.Column("shop_id", sa.Text()),
        sa.Column("mode", sa.Text()),
        sa.Column("source", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("endpoint_shop_id", sa.Text()),
        sa.Column("endpoint_mode", sa.Text()),
        sa.Column("is_from_named_range", sa.Boolean(), nullable=False),
        sa.Column("body_bytes", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name="pk_quarantine"),
    )
    op.create_index("ix_quarantine_peer", "quarantine", ["peer", "id"])
    op.create_index("ix_quarantine_reason", "quarantine", ["reason", "id"])
    op.create_index(
        "ix_quarantine_mode", "quarantine", ["mode", "received_at", "reason", "shop_id"]
    )


def _create_references() -> None:
    op.create_table(
        "stream_names",
        sa.Column("name_id", sa.Uuid()),
        sa.Column("originator_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("name_id", name="pk_stream_names"),
    )
    op.create_table(
        "subscription_references",
        sa.Column("shop_id", sa.Text()),
        sa.Column("mode", sa.Text()),
        sa.Column("subscription_id", sa.Text()),
        sa.Column("alias", sa.Text()),
        sa.Column("order_id", sa.Text()),
        sa.Column("originator_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint(
            "shop_id", "mode", "subscription_id", "alias", name="pk_subscription_references"
        ),
    )
    op.create_index(
        "ix_subscription_references_order",
        "subscription_references",
        ["shop_id", "mode", "alias", "order_id"],
    )


def _create_generations() -> None:
    op.create_table(
        "generations",
        sa.Column("id", IDENTITY, autoincrement=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("shards", sa.Integer(), nullable=False),
        sa.Column("part_length", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_generations"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "generation_positions",
        sa.Column("generation_id", sa.BigInteger()),
        sa.Column("part", sa.Integer()),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("moved_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("generation_id", "part", name="pk_generation_positions"),
    )
    op.create_table(
        "poison_events",
        sa.Column("generation_id", sa.BigInteger()),
        sa.Column("position", sa.BigInteger()),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("found_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("generation_id", "position", name="pk_poison_events"),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text()),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )


def _create_access() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", sa.Text()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("shops", sa.JSON(none_as_null=True)),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT),
        sa.Column("revoked_at", INSTANT),
        sa.Column("last_used_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("secret_hash", name="uq_tokens_secret_hash"),
    )
    op.create_table(
        "access_log",
        sa.Column("id", IDENTITY, autoincrement=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("token_id", sa.Text(), nullable=False),
        sa.Column("token_name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.Text()),
        sa.Column("mode", sa.Text()),
        sa.Column("reference", sa.Text()),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_access_log"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_access_log_token", "access_log", ["token_id", "id"])
    op.create_index("ix_access_log_shop", "access_log", ["shop_id", "mode", "id"])
    op.create_index(
        "ix_access_log_at",
        "access_log",
        ["at"],
        postgresql_using="brin",
        postgresql_with={"autosummarize": True},
    )
    op.create_table(
        "access_addresses",
        sa.Column("access_id", sa.BigInteger()),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("access_id", name="pk_access_addresses"),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Text()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("shops", sa.JSON(none_as_null=True)),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("stamp", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT),
        sa.Column("disabled_at", INSTANT),
        sa.Column("password_changed_at", INSTANT, nullable=False),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("last_signed_in_at", INSTANT),
        sa.Column("last_signed_in_from", sa.Text()),
        sa.Column("issuer", sa.Text()),
        sa.Column("subject", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("name_key", name="uq_users_name_key"),
        sa.UniqueConstraint("issuer", "subject", name="uq_users_subject"),
    )
    op.create_table(
        "second_factors",
        sa.Column("user_id", sa.Text()),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("enrolled_at", INSTANT, nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_second_factors"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", sa.Text()),
        sa.Column("code_hash", sa.Text()),
        sa.PrimaryKeyConstraint("user_id", "code_hash", name="pk_recovery_codes"),
    )
    op.create_table(
        "failed_tries",
        sa.Column("id", IDENTITY, autoincrement=True),
        sa.Column("brake", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_failed_tries"),
    )
    op.create_index("ix_failed_tries_brake", "failed_tries", ["brake", "at"])
    op.create_index("ix_failed_tries_at", "failed_tries", ["at"])


def _protect_sqlite() -> None:
    for table in APPEND_ONLY:
        for change in ("UPDATE", "DELETE"):
            is_by_age = table == "access_log" and change == "DELETE"
            condition = f"WHEN {YOUNG_ON_SQLITE} " if is_by_age else ""
            op.execute(
                f"CREATE TRIGGER {table}_refuse_{change.lower()} BEFORE {change} ON {table} "
                f"{condition}"
                f"BEGIN SELECT RAISE(ABORT, '{table} are append-only'); END"
            )


def _protect_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION '% are append-only', TG_TABLE_NAME; END $$"
    )
    for table in APPEND_ONLY:
        changes = "UPDATE OR TRUNCATE" if table == "access_log" else "UPDATE OR DELETE OR TRUNCATE"
        op.execute(
            f"CREATE TRIGGER {table}_refuse_change BEFORE {changes} "
            f"ON {table} FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()"
        )
    # A condition of the trigger itself names its functions once and for all: one in the body of a
    # function would look them up in the schemas of whoever deletes.
    op.execute(
        "CREATE TRIGGER access_log_refuse_delete BEFORE DELETE ON access_log "
        f"FOR EACH ROW WHEN {YOUNG_ON_POSTGRESQL} EXECUTE FUNCTION ledger_refuse_change()"
    )


def _order_postgresql() -> None:
    # Whoever inserts what has a place in an order, by whatever statement, holds this lock from
    # before the first is drawn until the commit. A reader that gets it exclusively for an instant
    # knows that no lower one can still appear. A trigger cannot be forgotten and costs no trip.
    op.execute(
        "CREATE FUNCTION ledger_lock_positions() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN PERFORM pg_advisory_xact_lock_shared({POSITIONS_LOCK}); RETURN NULL; END $$"
    )
    for table in ORDERED:
        op.execute(
            f"CREATE TRIGGER {table}_lock_positions BEFORE INSERT ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION ledger_lock_positions()"
        )


def _compress_postgresql() -> None:
    # The default does not compress these bodies at all; a server may be built without lz4.
    has_lz4 = op.get_bind().scalar(
        sa.text(
            "SELECT 'lz4' = ANY (enumvals) FROM pg_settings "
            "WHERE name = 'default_toast_compression'"
        )
    )
    if has_lz4:
        op.execute("ALTER TABLE events ALTER COLUMN state SET COMPRESSION lz4")
    for table, column in (
        ("events", "details"),
        ("log_entries", "entry"),
        ("bodies", "body"),
        ("bodies", "personal"),
        ("quarantine", "body"),
    ):
        # compressed already: nobody should try once more
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTERNAL")


def _divide_postgresql() -> None:
    """Divide the bodies by month, so that old ones can be put elsewhere whole."""
    op.execute(
        "CREATE FUNCTION ledger_first_id_at(instant timestamptz) RETURNS text"
        " LANGUAGE plpgsql IMMUTABLE AS $$"
        " DECLARE rest bigint := floor(extract(epoch FROM instant) * 1000); digits text := '';"
        " BEGIN FOR i IN 1..10 LOOP"
        " digits := substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', (rest & 31)::int + 1, 1) || digits;"
        " rest := rest >> 5; END LOOP; RETURN digits; END $$"
    )
    op.execute("CREATE TABLE bodies_other PARTITION OF bodies DEFAULT")
    op.execute(
        "CREATE TRIGGER bodies_other_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE"
        " ON bodies_other FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()"
    )
    # The service may call this and nothing else of the kind: it adds a month and changes no row.
    op.execute(
        "CREATE FUNCTION ledger_add_month_of_bodies(month date) RETURNS boolean"  # noqa: S608  our own
        " LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$"
        " DECLARE first date := date_trunc('month', month);"
        " name text := 'bodies_' || to_char(first, 'YYYY_MM');"
        " lower_id text := ledger_first_id_at(first::timestamp AT TIME ZONE 'UTC');"
        " upper_id text := ledger_first_id_at((first + interval '1 month') AT TIME ZONE 'UTC');"
        f" BEGIN PERFORM pg_advisory_xact_lock({MONTHS_LOCK});"
        " IF to_regclass(name) IS NOT NULL OR EXISTS"
        " (SELECT FROM bodies_other WHERE origin_id >= lower_id AND origin_id < upper_id)"
        " THEN RETURN false; END IF;"
        " EXECUTE format('CREATE TABLE %I PARTITION OF bodies FOR VALUES FROM (%L) TO (%L)"
        f" WITH ({FREEZE})',"
        " name, lower_id, upper_id);"
        " EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON %I"
        " FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change()',"
        " name || '_refuse_change', name);"
        " RETURN true; END $$"
    )
    op.execute("REVOKE ALL ON FUNCTION ledger_add_month_of_bodies(date) FROM PUBLIC")


def _freeze_postgresql() -> None:
    for table in (*APPEND_ONLY, "bodies_other"):
        if table != "bodies":  # divided: it has no pages of its own
            op.execute(f"ALTER TABLE {table} SET ({FREEZE})")
