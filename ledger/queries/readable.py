"""Events and deliveries with what is sealed in them, for whoever may read it."""

from collections.abc import Sequence
from dataclasses import replace

from ledger.access.readers import Reader
from ledger.application import Ledger
from ledger.errors import ErasedError
from ledger.storage.answers import evidence_record
from ledger.storage.erased import BODY, PERSONAL, ErasureMark, erasure_marks
from ledger.storage.event_store import RecordedEvent
from ledger.storage.inbox import InboxRecord
from ledger.storage.outcomes import Sealed


def readable_events(
    ledger: Ledger, events: Sequence[RecordedEvent], reader: Reader | None = None
) -> list[RecordedEvent]:
    """Return events as a reader may see them: what is sealed stays closed for those without the
    right to personal data. Shape: no reader is the operator at the command line.
    """
    if reader is not None and not reader.sees_personal:
        return list(events)
    with ledger.database.connect() as connection:
        opened = ledger.sealing.opened(connection, events)
        erased = {each.origin_id or "" for each in opened if each.sealed is Sealed.ERASED}
        marks = erasure_marks(connection, erased, PERSONAL)
    return [replace(each, erasure=marks.get(each.origin_id or "")) for each in opened]


def find_delivery(ledger: Ledger, id_: str) -> InboxRecord | None:
    """Return one delivery with its body, verified or not; None for an unknown id.

    Errors: ArchiveError when the body lies elsewhere and cannot be read.
    """
    with ledger.database.connect() as connection:
        record = evidence_record(connection, id_)
        return None if record is None else ledger.sealing.with_bodies(connection, [record])[0]


def find_delivery_facts(ledger: Ledger, id_: str) -> InboxRecord | None:
    """Return one delivery without its body, wherever that lies; None for an unknown id."""
    with ledger.database.connect() as connection:
        record = evidence_record(connection, id_)
        return None if record is None else ledger.sealing.with_digests(connection, [record])[0]


def erasure_of_body(ledger: Ledger, row: InboxRecord) -> ErasureMark | None:
    """Return what has erased the body of a delivery; None when there is one, or it is unknown."""
    if row.sealed is not Sealed.ERASED:
        return None
    with ledger.database.connect() as connection:
        return erasure_marks(connection, [row.id], BODY).get(row.id)


def refuse_erased(ledger: Ledger, row: InboxRecord) -> None:
    """Refuse to show a body that is not there any more. Errors: ErasedError."""
    if row.sealed is Sealed.ERASED:
        mark = erasure_of_body(ledger, row)
        if mark is None:
            raise ErasedError("the body cannot be read: its secret is gone", None)
        raise ErasedError(f"the body was {mark.words} ({mark.id})", mark.id)
