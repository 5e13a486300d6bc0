"""The table of notes that readers write about objects: streams of their own, append-only."""

from sqlalchemy import Integer, Table, Text, UniqueConstraint, Uuid

from ledger.storage.columns import NUMBER, UtcDateTime, keys, metadata, required

notes = Table(
    "notes",
    metadata,
    *keys(NUMBER, "place"),
    *required(Text, "id"),
    *required(Uuid, "stream_id"),
    *required(Integer, "version"),
    *required(Text, "kind", "note_id", "about", "shop_id", "mode"),
    *required(UtcDateTime, "recorded_at"),
    UniqueConstraint("id", name="uq_notes_id"),
    UniqueConstraint("stream_id", "version", name="uq_notes_stream"),
    UniqueConstraint("note_id", "kind", name="uq_notes_withdrawn_once"),
    sqlite_autoincrement=True,
)
"""What was written about objects, and what of it was withdrawn; its text and author are sealed.

Shape: `stream_id` is that of the object; of an order, which has no events, made of its name.
`note_id` is the id of the note that is meant: its own, or of the one that is withdrawn.
"""
