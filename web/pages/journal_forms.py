"""Reads the forms by which operators put files of the platform here and compare days with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from marshmallow import Schema
from werkzeug.datastructures import FileStorage

from ledger.ipn.modes import Mode
from ledger.ipn.storable import storable
from ledger.reconciliation.files import KeptFile, chunks_of, import_file
from ledger.reconciliation.journal_error import JournalError
from ledger.reconciliation.report_store import DAYS_MAX
from web.authentication import caller
from web.context import context, ledger
from web.pages.languages import N_
from web.pages.request_parameters import Question, day

Days = tuple[date, date]

_BOTH_DAYS = N_("Write both days, the earlier one first, at most a year apart.")


class DaysForm(Schema):
    """A span of UTC days, both included."""

    first_day = day()
    last_day = day()


@dataclass(frozen=True, slots=True)
class PutFile:
    """What became of one file. Shape: `file` is None for one that was refused, with its reason."""

    name: str
    file: KeptFile | None = None
    is_new: bool = False
    journal_error: JournalError | None = None


def days_of(question: Question, *, are_required: bool = False) -> Days | None:
    """Return the days of a form; what cannot be is added to what is wrong with it."""
    first, last = (question.parameters.get(name) for name in ("first_day", "last_day"))
    if question.wrong or (first is None and last is None and not are_required):
        return None
    if first is None or last is None or not 0 <= (last - first).days < DAYS_MAX:
        question.wrong["last_day"] = [_BOTH_DAYS]
        return None
    return first, last


def put_files(
    uploads: Sequence[FileStorage], shop_id: str, mode: str, span: Days | None
) -> list[PutFile]:
    """Keep each file that can be read; one that cannot changes nothing for the others."""
    return [_put(upload, shop_id, mode, span) for upload in uploads]


def _put(upload: FileStorage, shop_id: str, mode: str, span: Days | None) -> PutFile:
    name = storable(upload.filename or "")
    try:
        imported = import_file(
            ledger(),
            chunks_of(upload.stream),
            name,
            by_whom=caller().name,
            now=context().clock(),
            shop_id=shop_id,
            mode=Mode(mode).value,
            days=span,
        )
    except JournalError as error:
        return PutFile(name, journal_error=error)
    return PutFile(name, imported.file, imported.is_new)
