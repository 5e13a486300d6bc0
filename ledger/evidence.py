"""The raw body behind an event, verified once more: what an auditor can check by hand."""

from dataclasses import dataclass, replace

from ledger.application import Ledger, RecordedEvent
from ledger.errors import NotFoundError, NotificationError
from ledger.formats import read
from ledger.notification import Delivery, Limits
from ledger.shops import Shop, Shops
from ledger.signature import digest
from ledger.storage.journal import JournalRow

POSITION_MAX = 2**63 - 1  # that any database can hold
VERIFIED, KEY_GONE, FAILED = "verified", "key-gone", "failed"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What stands behind one event.

    Shape: `signature` is verified, key-gone (the key has left the shops file) or failed. The
    checks say whether the stored body has the digest noted on its arrival, and whether the
    delivery and the event still name each other.
    """

    event: RecordedEvent
    row: JournalRow
    signature: str
    is_digest_same: bool
    is_linked: bool

    @property
    def body(self) -> bytes:
        return self.row.body or b""


def evidence(ledger: Ledger, position: int) -> Evidence:
    """The delivery that told of an event. Errors: NotFoundError."""
    event = event_at(ledger, position)
    with ledger.database.connect() as connection:
        row = ledger.journal.get(connection, event.event.notification_id)
    if row is None:
        raise NotFoundError("the delivery behind this event is not in the journal")
    return Evidence(
        event=event,
        row=row,
        signature=_verified_again(ledger, row),
        is_digest_same=digest(row.body or b"") == row.digest,
        is_linked=position in row.positions,
    )


def event_at(ledger: Ledger, position: int) -> RecordedEvent:
    """The event at this place of the ledger. Errors: NotFoundError."""
    entries = []
    if 0 < position <= POSITION_MAX:
        entries = ledger.recorder.select_notifications(position, 1, stop=position)
    if not entries:
        raise NotFoundError(f"no event at position {position}")
    return ledger.read_entry(entries[0])


def _verified_again(ledger: Ledger, row: JournalRow) -> str:
    """Verify with the very key of then, whatever its window is now."""
    key = ledger.shops.key_by_fingerprint(row.key_fingerprint or "")
    if key is None:
        return KEY_GONE
    unlimited = replace(key, not_before=None, not_after=None)
    only = Shops({key.shop_id: Shop(key.shop_id, "", (unlimited,))})
    delivery = Delivery(
        id=row.id,
        received_at=row.received_at,
        body=row.body or b"",
        content_type=row.content_type,
        peer=row.peer,
        shop_id=row.endpoint_shop_id,
        mode=row.endpoint_mode,
    )
    settings = ledger.settings
    try:
        again, _ = read(delivery, only, Limits(settings.fields_max, settings.json_depth_max))
    except NotificationError:
        return FAILED
    is_same = (again.signed_digest, again.shop_id, again.mode) == (
        row.signed_digest,
        row.shop_id,
        row.mode,
    )
    return VERIFIED if is_same else FAILED
