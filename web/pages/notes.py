"""Notes of readers on the pages of objects: shown at their time, written, and withdrawn."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, NotFound

from ledger.ipn.kinds import KINDS
from ledger.queries.find_by_name import ORDER
from ledger.queries.notes import (
    Note,
    notes_about,
    stream_of_order,
    streams_with_notes,
    subject_of,
)
from ledger.recording.notes import NOTE_LENGTH_MAX, Subject
from web.authentication import caller
from web.context import ledger
from web.notes import may_withdraw, withdraw, write
from web.pages.blueprint import bp
from web.pages.history_lines import KnownHistory


@dataclass
class NotesShown:
    """The notes of one page, taken in their order. Shape: without addresses none can be added."""

    waiting: list[Note]
    address: str | None = None
    withdraw_address: str | None = None
    _taken: int = field(default=0)

    def due(self, until: datetime | None) -> Sequence[Note]:
        """Take the notes recorded before an instant that were not taken yet; None is all."""
        first = self._taken
        while self._taken < len(self.waiting) and (
            until is None or self.waiting[self._taken].recorded_at < until
        ):
            self._taken += 1
        return self.waiting[first : self._taken]

    def may_withdraw(self, note: Note) -> bool:
        """Return True if whoever looks may withdraw this note."""
        return self.withdraw_address is not None and may_withdraw(note)


def notes_shown(history: KnownHistory, kind: str, mode: str, shop_id: str, name: str) -> NotesShown:
    """Return the notes for the page of an object, as known now or then."""
    order = stream_of_order(kind, shop_id, mode, name)
    stream_ids = streams_with_notes(history.all_streams, order)
    notes = notes_about(ledger(), stream_ids, caller(), as_of=history.at)
    if history.at is not None:
        return NotesShown(notes)
    address = partial(url_for, mode=mode, shop_id=shop_id, kind=kind, name=name, alias=_alias())
    return NotesShown(notes, address("pages.write_note"), address("pages.withdraw_note"))


@bp.post("/<mode:mode>/shops/<shop_id>/notes/<kind>/<name:name>")
def write_note(mode: str, shop_id: str, kind: str, name: str) -> ResponseReturnValue:
    """Keep a note about an object that the reader may see."""
    subject = _subject(kind, shop_id, mode, name)
    text = request.form.get("text", "").strip().replace("\r\n", "\n")
    if not 0 < len(text) <= NOTE_LENGTH_MAX:
        raise BadRequest
    return _back_to(subject, mode, write(subject, text))


@bp.post("/<mode:mode>/shops/<shop_id>/withdrawn-notes/<kind>/<name:name>")
def withdraw_note(mode: str, shop_id: str, kind: str, name: str) -> ResponseReturnValue:
    """Withdraw a note; it stays readable. Errors: NotFoundError, also for one of somebody else."""
    subject, note_id = _subject(kind, shop_id, mode, name), request.form.get("note", "")
    withdraw(subject, note_id)
    return _back_to(subject, mode, note_id)


def _subject(kind: str, shop_id: str, mode: str, name: str) -> Subject:
    if kind not in (*KINDS, ORDER):
        raise NotFound
    return subject_of(ledger(), kind, shop_id, mode, name, alias=_alias())


def _alias() -> str | None:
    return request.args.get("alias") or None


def _back_to(subject: Subject, mode: str, note_id: str) -> ResponseReturnValue:
    address = url_for(
        f"pages.{subject.kind}",
        mode=mode,
        shop_id=subject.shop_id,
        name=subject.name,
        alias=_alias(),
        _anchor=f"note-{note_id}",
    )
    return redirect(address, 303)
