"""The tables of files that somebody put here, and of what was found by them; all append-only."""

from sqlalchemy import JSON, BigInteger, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from ledger.storage.columns import NUMBER, UtcDateTime, keys, metadata, optional, required

journal_files = Table(
    "journal_files",
    metadata,
    *keys(NUMBER, "place"),
    *required(Text, "id", "by_whom", "file_name", "shop_id", "mode", "kind", "tag"),
    *required(UtcDateTime, "recorded_at"),
    *optional(Text, "first_day", "last_day"),
    *required(Integer, "parts", "row_count"),
    *required(BigInteger, "byte_count"),
    *required(JSON, "heading"),
    UniqueConstraint("id", name="uq_journal_files_id"),
    UniqueConstraint("tag", name="uq_journal_files_tag"),
    Index("ix_journal_files_shop", "shop_id", "mode", "place"),
    sqlite_autoincrement=True,
)
"""Files of the platform. Shape: `first_day` and `last_day` are the UTC days that a file is of;
`tag` names its content under the index key; its rows are derived from it, never stored."""

journal_parts = Table(
    "journal_parts",
    metadata,
    *keys(Text, "file_id"),
    *keys(Integer, "number"),
    *required(LargeBinary, "sealed"),
)
"""The content of files, in pieces from 0, each sealed under the secret of its file."""

reports = Table(
    "reports",
    metadata,
    *keys(NUMBER, "place"),
    *required(Text, "id", "shop_id", "mode", "first_day", "last_day", "digest"),
    *required(UtcDateTime, "recorded_at"),
    *required(BigInteger, "position"),
    *required(Integer, "rules"),
    *required(JSON, "files"),
    *optional(Text, "replaces"),
    *required(LargeBinary, "content"),
    UniqueConstraint("id", name="uq_reports_id"),
    Index("ix_reports_shop", "shop_id", "mode", "place"),
    sqlite_autoincrement=True,
)
"""What was found by files. Shape: `content` is canonical JSON, compressed; `digest` its SHA-256
before that; `rules` the version of the rules that it was made by; `replaces` an earlier report of
the same days."""

report_days = Table(
    "report_days",
    metadata,
    *keys(Text, "shop_id", "mode", "day", "report_id"),
    *required(Text, "state"),
    *required(Integer, "listed", "confirmed", "gaps"),
)
"""What each report says of each of its UTC days; the newest report of a day counts."""
