"""Writes and withdraws notes for whoever asks, on a page or over the API."""

from ledger.access.roles import OPERATOR
from ledger.errors import NotFoundError
from ledger.queries.notes import Note, notes_about
from ledger.recording.notes import Author, Subject
from web.authentication import caller, log_act
from web.context import ledger


def notes_on(subject: Subject) -> list[Note]:
    """Return the notes about one object, oldest first, as the caller may see them."""
    return notes_about(ledger(), [subject.stream_id], caller())


def may_withdraw(note: Note) -> bool:
    """Return True if a note stands, and the caller wrote it or is an operator."""
    is_own = note.author is not None and note.author.id == caller().id
    return note.withdrawn_at is None and (is_own or caller().role == OPERATOR)


def write(subject: Subject, text: str) -> str:
    """Keep a note of the caller, and return its id. Errors: UnavailableError."""
    id_ = ledger().notes.write(subject, _author(), text)
    log_act("note-written", reference=id_)
    return id_


def withdraw(subject: Subject, note_id: str) -> None:
    """Withdraw a note of the caller, or any for an operator; again it changes nothing.

    Errors: NotFoundError; UnavailableError.
    """
    note = next((note for note in notes_on(subject) if note.id == note_id), None)
    if note is None or not (note.withdrawn_at or may_withdraw(note)):
        raise NotFoundError("not found: there is no such note of yours about this")
    ledger().notes.withdraw(subject, _author(), note_id)
    log_act("note-withdrawn", reference=note_id)


def _author() -> Author:
    return Author(caller().id, caller().name)
