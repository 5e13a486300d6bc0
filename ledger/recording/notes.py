"""Readers write notes about objects, and withdraw them: beside the events, never among them.

Source: decision 46. What is written is sealed like personal data and has an entry in the log.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from ledger.errors import NotFoundError
from ledger.ipn.card_data import masked_text
from ledger.ipn.storable import storable
from ledger.recording.origins import new_origin_id
from ledger.recording.retries import retrying
from ledger.sealing.sealing import Sealing
from ledger.storage.database import Database
from ledger.storage.event_recorder import lock_streams
from ledger.storage.notes import (
    WITHDRAWN,
    WRITTEN,
    NoteRow,
    add_note,
    newest_version,
    note_rows,
)
from ledger.storage.sealed_rows import add_sealed

NOTE_LENGTH_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Subject:
    """What a note is about. Shape: `mode` as stored; `stream_id` is that of its events, of an order
    made of its name."""

    kind: str
    shop_id: str
    mode: str
    name: str
    stream_id: UUID


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes. Shape: the id and the name of a token, or of somebody who has signed in."""

    id: str
    name: str


class Notes:
    """Appends notes, one at a time."""

    def __init__(self, database: Database, sealing: Sealing, now: Callable[[], datetime]) -> None:
        self._database = database
        self._sealing = sealing
        self._now = now

    def write(self, subject: Subject, author: Author, text: str) -> str:
        """Keep a note, in which card data is masked; return its id. Errors: UnavailableError."""
        return self._append(subject, author, text, WRITTEN)

    def withdraw(self, subject: Subject, author: Author, note_id: str) -> str:
        """Note that a note does not stand any more; it stays readable.

        Shape: the id of the withdrawal, also of one that was there already.
        Errors: NotFoundError when there is no such note about this; UnavailableError.
        """
        with self._database.connect() as connection:
            rows = _of_note(connection, subject, note_id)
        if WRITTEN not in rows:
            raise NotFoundError("not found: there is no such note about this")
        if WITHDRAWN in rows:
            return rows[WITHDRAWN].id
        return self._append(subject, author, "", WITHDRAWN, note_id)

    def _append(
        self, subject: Subject, author: Author, text: str, kind: str, note_id: str | None = None
    ) -> str:
        now = self._now()
        id_ = new_origin_id(now)
        members = {
            "about": {"kind": subject.kind, "name": storable(subject.name)},
            "author": {"id": author.id, "name": storable(author.name)},
            "text": storable(masked_text(text)[0]),
        }
        sealed = self._sealing.seal(id_, None, [json.dumps(members, sort_keys=True).encode()])

        def attempt(_: int) -> str:
            with self._database.begin() as connection:
                lock_streams(connection, [subject.stream_id])
                if note_id is not None:
                    rows = _of_note(connection, subject, note_id)
                    if WITHDRAWN in rows:  # somebody else was faster
                        return rows[WITHDRAWN].id
                row = NoteRow(
                    id=id_,
                    stream_id=subject.stream_id,
                    version=newest_version(connection, subject.stream_id) + 1,
                    kind=kind,
                    note_id=note_id or id_,
                    about=subject.kind,
                    shop_id=subject.shop_id,
                    mode=subject.mode,
                    recorded_at=now,
                )
                add_sealed(connection, [sealed])
                add_note(connection, row)
            return id_

        return retrying(attempt)


def _of_note(connection: Connection, subject: Subject, note_id: str) -> dict[str, NoteRow]:
    rows = note_rows(connection, [subject.stream_id])
    return {row.kind: row for row in rows if row.note_id == note_id}
