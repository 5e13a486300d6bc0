"""Events and deliveries with what is sealed in them, for whoever may read it."""

from collections.abc import Sequence

from ledger.access.readers import Reader
from ledger.application import Ledger
from ledger.storage.event_store import RecordedEvent
from ledger.storage.inbox import Inbox, InboxRecord


def readable_events(
    ledger: Ledger, events: Sequence[RecordedEvent], reader: Reader | None = None
) -> list[RecordedEvent]:
    """Return events as a reader may see them: what is sealed stays closed for those without the
    right to personal data. Shape: no reader is the operator at the command line.
    """
    if reader is not None and not reader.sees_personal:
        return list(events)
    with ledger.database.connect() as connection:
        return ledger.sealing.opened(connection, events)


def find_delivery(ledger: Ledger, id_: str) -> InboxRecord | None:
    """Return one delivery with its body, verified or not; None for an unknown id."""
    with ledger.database.connect() as connection:
        record = Inbox(connection).get(id_)
        return None if record is None else ledger.sealing.with_bodies(connection, [record])[0]
