"""Notes about objects as their readers see them, as known now or at an instant."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection

from ledger.access.readers import Reader
from ledger.aggregates.aggregate import stream_id
from ledger.application import Ledger
from ledger.errors import NotFoundError
from ledger.ipn.modes import Mode
from ledger.queries.find_by_name import ORDER, events_known, find_stream
from ledger.queries.orders import order_history
from ledger.recording.notes import Author, Subject
from ledger.sealing.origin_secret import PERSONAL
from ledger.storage.event_store import RecordedEvent
from ledger.storage.notes import WITHDRAWN, WRITTEN, NoteRow, note_rows
from ledger.storage.outcomes import Sealed
from ledger.storage.sealed_rows import personal_frames


@dataclass(frozen=True, slots=True)
class Note:
    """What a reader of the ledger has opened_note about an object; never the platform's word.

    Shape: `about` is the kind of the object, and `stream_id` its stream. `sealed` says whether the
    text is shown; where it is not, `text` is empty. `author` is None once it cannot be read.
    """

    id: str
    about: str
    stream_id: UUID
    recorded_at: datetime
    author: Author | None
    text: str
    sealed: Sealed
    withdrawn_at: datetime | None = None
    withdrawn_by: Author | None = None


def subject_of(
    ledger: Ledger, kind: str, shop_id: str, mode: str, name: str, *, alias: str | None = None
) -> Subject:
    """Return what a note would be about. Errors: NotFoundError; AmbiguousError."""
    if kind == ORDER:
        if not any(order_history(ledger, shop_id, Mode(mode), name).histories):
            raise NotFoundError("not found: nothing in this ledger has this name")
        return Subject(kind, shop_id, Mode(mode), name, order_stream(shop_id, mode, name))
    id_ = find_stream(ledger, kind, shop_id, Mode(mode), name, alias=alias)
    own_id = events_known(ledger, id_)[-1].event.originator_id
    return Subject(kind, shop_id, Mode(mode), name, own_id)


def stream_of_order(kind: str, shop_id: str, mode: str, name: str) -> UUID | None:
    """Return where the notes about an object are besides those about its streams, if it is one."""
    return order_stream(shop_id, mode, name) if kind == ORDER else None


def order_stream(shop_id: str, mode: str, order_id: str) -> UUID:
    """Return the id of the notes about an order, which has no events of its own."""
    return stream_id(ORDER, shop_id, Mode(mode), order_id)


def streams_with_notes(
    streams: Iterable[Sequence[RecordedEvent]], order_stream_id: UUID | None = None
) -> set[UUID]:
    """Return where the notes about these objects are, and about the order that they are of."""
    ids = {recorded.event.originator_id for events in streams for recorded in events}
    return ids if order_stream_id is None else {*ids, order_stream_id}


def notes_about(
    ledger: Ledger,
    stream_ids: Collection[UUID],
    reader: Reader | None = None,
    *,
    as_of: datetime | None = None,
) -> list[Note]:
    """Return the notes about objects as known then, oldest first; no reader is the operator.

    Shape: the text is for readers with the right to personal data and for its author.
    """
    with ledger.database.connect() as connection:
        rows = note_rows(connection, stream_ids)
        rows = [row for row in rows if as_of is None or row.recorded_at <= as_of]
        written_by_id = _contents(connection, ledger, [row.id for row in rows])
    withdrawals = {row.note_id: row for row in rows if row.kind == WITHDRAWN}
    return [
        _note(row, withdrawals.get(row.note_id), written_by_id, reader)
        for row in rows
        if row.kind == WRITTEN
    ]


def _contents(
    connection: Connection, ledger: Ledger, ids: Collection[str]
) -> dict[str, dict[str, Any] | Sealed]:
    written_by_id: dict[str, dict[str, Any] | Sealed] = dict.fromkeys(ids, Sealed.DAMAGED)
    for locked in personal_frames(connection, ids):
        opened = ledger.sealing.open_frame(locked, PERSONAL)
        if isinstance(opened, Sealed):
            written_by_id[locked.origin_id] = opened
        else:
            written_by_id[locked.origin_id] = orjson.loads(opened.content)
    return written_by_id


def _note(
    note_row: NoteRow,
    withdrawal: NoteRow | None,
    written_by_id: dict[str, dict[str, Any] | Sealed],
    reader: Reader | None,
) -> Note:
    opened_note = written_by_id[note_row.id]
    author = _author(opened_note)
    is_shown = reader is None or reader.sees_personal or (author and author.id == reader.id)
    sealed = opened_note if isinstance(opened_note, Sealed) else Sealed.OPENED
    text = ""
    if isinstance(opened_note, dict):
        text, sealed = (opened_note["text"], sealed) if is_shown else ("", Sealed.CLOSED)
    return Note(
        id=note_row.id,
        about=note_row.about,
        stream_id=note_row.stream_id,
        recorded_at=note_row.recorded_at,
        author=author,
        text=text,
        sealed=sealed,
        withdrawn_at=None if withdrawal is None else withdrawal.recorded_at,
        withdrawn_by=None if withdrawal is None else _author(written_by_id[withdrawal.id]),
    )


def _author(opened_note: dict[str, Any] | Sealed) -> Author | None:
    return None if isinstance(opened_note, Sealed) else Author(**opened_note["author"])
