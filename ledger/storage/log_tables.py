"""The tables of the log, as the code sees them; `alembic/versions` is what creates them."""

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, Table, Text

from ledger.storage.columns import NUMBER, UtcDateTime, keys, metadata, optional, required
from ledger.storage.compressed_columns import LOG_ENTRIES, Compressed

log_entries = Table(
    "log_entries",
    metadata,
    *keys(Integer, "log"),
    *keys(BigInteger, "entry_index"),
    *required(Text, "kind"),
    *optional(Text, "origin_id"),
    *required(Compressed(LOG_ENTRIES), "entry"),
    *required(LargeBinary, "hash"),
    Index("uq_log_entries_origin", "log", "origin_id", unique=True),
)
"""Every entry of the log, written once; append-only."""

log_tiles = Table(
    "log_tiles",
    metadata,
    *keys(Integer, "log", "level"),
    *keys(BigInteger, "number"),
    *required(LargeBinary, "root"),
)
"""The root of every full tile, so that a proof reads some hundred hashes at most; append-only."""

log_progress = Table(
    "log_progress",
    metadata,
    *keys(Integer, "log"),
    *keys(Text, "source"),
    *required(BigInteger, "place"),
)
"""Up to which place the origins of each kind have their entries; moves with these."""

checkpoints = Table(
    "checkpoints",
    metadata,
    *keys(Integer, "log"),
    *keys(BigInteger, "size"),
    *required(Text, "note", "public_key"),
    *required(UtcDateTime, "signed_at"),
)
"""What was signed of the log; append-only. Shape: `public_key` is what the signer's verifies with,
for services on machines that have no key; whoever checks takes it from elsewhere."""

timestamps = Table(
    "timestamps",
    metadata,
    *keys(NUMBER, "id"),
    *required(Integer, "log"),
    *required(BigInteger, "size"),
    *required(LargeBinary, "token"),
    *required(Text, "authority"),
    *required(UtcDateTime, "stamped_at", "stored_at"),
    sqlite_autoincrement=True,
)
"""Tokens of time stamping authorities over checkpoints; append-only. Shape: `authority` are the
certificates, in PEM, with which a token was verified when it came."""
