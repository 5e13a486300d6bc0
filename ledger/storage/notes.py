"""Keeps notes about objects, and their withdrawals, and finds them again."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, insert, select

from ledger.storage.database import chunks
from ledger.storage.note_tables import notes

WRITTEN, WITHDRAWN = "written", "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRow:
    """One note, or the withdrawal of one, as it is kept. Shape: its text and author are sealed."""

    id: str
    stream_id: UUID
    version: int
    kind: str
    note_id: str
    about: str
    shop_id: str
    mode: str
    recorded_at: datetime


def add_note(connection: Connection, note_row: NoteRow) -> None:
    """Append to the notes of an object."""
    values = {name: getattr(note_row, name) for name in NoteRow.__slots__}
    connection.execute(insert(notes), values)


def newest_version(connection: Connection, stream_id: UUID) -> int:
    """Return how many notes and withdrawals there are about an object."""
    query = select(func.max(notes.c.version)).where(notes.c.stream_id == stream_id)
    return connection.scalar(query) or 0


def note_ids(connection: Connection, stream_ids: Collection[UUID]) -> set[str]:
    """Return the ids of what was written and withdrawn about objects."""
    return {note_row.id for note_row in note_rows(connection, stream_ids)}


def note_rows(connection: Connection, stream_ids: Collection[UUID]) -> list[NoteRow]:
    """Return what was written and withdrawn about objects, oldest first."""
    rows = [
        NoteRow(**{name: getattr(row, name) for name in NoteRow.__slots__})
        for chunk in chunks(sorted(stream_ids))
        for row in connection.execute(select(notes).where(notes.c.stream_id.in_(chunk)))
    ]
    return sorted(rows, key=lambda row: (row.recorded_at, row.id))
