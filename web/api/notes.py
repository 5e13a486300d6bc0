"""Notes about objects over HTTP: read, written, and withdrawn."""

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Response
from marshmallow import RAISE, fields, validate

from ledger.instants import write_public_instant
from ledger.ipn.kinds import KINDS
from ledger.queries.find_by_name import ALIAS, ORDER, SUBSCRIPTION, TRANSACTION
from ledger.queries.notes import Note, subject_of
from ledger.recording.notes import NOTE_LENGTH_MAX, Author, Subject
from ledger.storage.outcomes import Sealed
from web.api.answer_fields import answer_schema, instant, many, text
from web.api.object_answers import CURSOR, NEWEST
from web.api.objects import PLURAL
from web.api.parameter_names import Question
from web.api.query_schemas import STORABLE, NotesQuery, SubscriptionNotesQuery, described
from web.api.responses import a_blueprint, answer, answer_page, serve
from web.authentication import log_personal_read
from web.context import ledger
from web.notes import notes_on, withdraw, write

bp = a_blueprint("notes", "What readers of the ledger have written about objects.")

_SEALED = (Sealed.OPENED, Sealed.CLOSED, Sealed.ERASED, Sealed.LOCKED, Sealed.DAMAGED)
NoteAnswer = answer_schema(
    "Note",
    id=text(),
    about=text("the kind of the object", choices=(*KINDS, ORDER)),
    recorded_at=instant("when it was written"),
    author=text("null once it cannot be read", none=True),
    text=text("null where it is not shown", none=True),
    sealed=text(
        "opened: `text` is all of it; closed: it is for readers with personal data and its author",
        choices=tuple(map(str, _SEALED)),
    ),
    withdrawn_at=instant("null while it stands", none=True),
    withdrawn_by=text(none=True),
)
NotesAnswer = answer_schema(
    "NotesAnswer",
    items=many(NoteAnswer, "oldest first, withdrawn ones too"),
    next_cursor=CURSOR,
    newest_position=NEWEST,
)


class NoteBody(Question):
    text = fields.String(
        required=True,
        validate=[
            validate.Length(1, NOTE_LENGTH_MAX, error="must have 1 to {max} characters"),
            validate.Predicate("strip", error="must not be blank"),
            STORABLE,
        ],
        metadata=described("plain text; card data in it is masked"),
    )


class WithdrawBody(Question):
    note_id = fields.String(required=True, metadata=described("of the note that does not stand"))


def _list(kind: str, parameters: dict[str, Any], shop_id: str, mode: str, name: str) -> Response:
    subject = subject_of(ledger(), kind, shop_id, mode, name, **parameters)
    log_personal_read(f"{kind}-notes", shop_id=shop_id, mode=mode, reference=name)
    return answer_page(list(map(_note_data, notes_on(subject))), None)


def _write(
    kind: str,
    request_body: dict[str, Any],
    parameters: dict[str, Any],
    shop_id: str,
    mode: str,
    name: str,
) -> Response:
    subject = subject_of(ledger(), kind, shop_id, mode, name, **parameters)
    return _answer(subject, write(subject, request_body["text"].strip()))


def _withdraw(
    kind: str,
    request_body: dict[str, Any],
    parameters: dict[str, Any],
    shop_id: str,
    mode: str,
    name: str,
) -> Response:
    subject = subject_of(ledger(), kind, shop_id, mode, name, **parameters)
    withdraw(subject, request_body["note_id"])
    return _answer(subject, request_body["note_id"])


def _answer(subject: Subject, note_id: str) -> Response:
    return answer(next(_note_data(note) for note in notes_on(subject) if note.id == note_id))


def _note_data(note: Note) -> dict[str, Any]:
    withdrawn_at = note.withdrawn_at
    return {
        "id": note.id,
        "about": note.about,
        "recorded_at": write_public_instant(note.recorded_at),
        "author": _name(note.author),
        "text": note.text if note.sealed == Sealed.OPENED else None,
        "sealed": note.sealed,
        "withdrawn_at": withdrawn_at and write_public_instant(withdrawn_at),
        "withdrawn_by": _name(note.withdrawn_by),
    }


def _name(author: Author | None) -> str | None:
    return None if author is None else author.name


def _serve(kind: str, article: str) -> None:
    """Serve the notes about objects of a kind: GET and POST, and POST to withdraw one."""
    path = f"/shops/<shop_id>/<mode>/{PLURAL[kind]}/<name:name>/notes"
    query_schema = SubscriptionNotesQuery if kind == SUBSCRIPTION else NotesQuery
    listing: Callable[..., Response] = bp.response(200, NotesAnswer)(partial(_list, kind))
    summary = f"List the notes about {article}."
    serve(bp, path, listing, f"get_{kind}_notes", summary, query_schema)
    for verb, handler, schema, where, summary in (
        ("write", _write, NoteBody, path, f"Write a note about {article}; it changes no fact."),
        (
            "withdraw",
            _withdraw,
            WithdrawBody,
            f"{path}/withdraw",
            f"Withdraw a note about {article}, your own or as an operator; it stays readable.",
        ),
    ):
        view: Callable[..., Response] = bp.response(200, NoteAnswer)(partial(handler, kind))
        view = bp.arguments(query_schema, location="query", unknown=RAISE)(view)
        view.__name__, view.__doc__ = f"{verb}_{kind}_note", summary
        bp.post(where)(bp.arguments(schema, location="json", unknown=RAISE)(view))


for _kind, _article in (
    (TRANSACTION, "a transaction"),
    (ALIAS, "an alias"),
    (SUBSCRIPTION, "a subscription"),
    (ORDER, "an order"),
):
    _serve(_kind, _article)
