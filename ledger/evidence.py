"""The raw body behind an event, verified once more: what an auditor can check by hand."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ledger.application import Ledger
from ledger.errors import NotFoundError, NotificationError
from ledger.formats import read
from ledger.notification import Limits
from ledger.recording.rows import delivery_of
from ledger.shops import Shop, Shops
from ledger.signature import digest
from ledger.storage.event_store import RecordedEvent
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
    def is_sound(self) -> bool:
        """Whether all of it holds."""
        return self.signature == VERIFIED and self.is_digest_same and self.is_linked

    @property
    def body(self) -> bytes:
        return self.row.body or b""


def evidence(ledger: Ledger, position: int) -> Evidence:
    """The delivery that told of an event. Errors: NotFoundError."""
    event = event_at(ledger, position)
    found = evidence_of(ledger, [event])
    if position not in found:
        raise NotFoundError("the delivery behind this event is not in the journal")
    return found[position]


def evidence_of(ledger: Ledger, events: Sequence[RecordedEvent]) -> dict[int, Evidence]:
    """The same for several events, by position; one without a delivery is missing.

    Deliveries are read at once, and each is verified once whatever it told.
    """
    ids = dict.fromkeys(one.event.notification_id for one in events)
    with ledger.database.connect() as connection:
        rows = ledger.journal.get_verified(connection, list(ids))
    proofs = {id_: (verified_again(ledger, row), _digest_same(row)) for id_, row in rows.items()}
    found = {}
    for one in events:
        id_ = one.event.notification_id
        if id_ in rows:
            is_linked = one.position in rows[id_].positions
            found[one.position] = Evidence(one, rows[id_], *proofs[id_], is_linked)
    return found


def event_at(ledger: Ledger, position: int) -> RecordedEvent:
    """The event at this place of the ledger. Errors: NotFoundError."""
    events = []
    if 0 < position <= POSITION_MAX:
        events = ledger.events.events_after(position - 1, 1, stop=position)
    if not events:
        raise NotFoundError(f"no event at position {position}")
    return events[0]


def _digest_same(row: JournalRow) -> bool:
    return digest(row.body or b"") == row.digest


def verified_again(ledger: Ledger, row: JournalRow) -> str:
    """Verify a kept delivery with the very key of then, whatever its window is now.

    Shape: verified, key-gone or failed.
    """
    key = ledger.shops.key_by_fingerprint(row.key_fingerprint or "")
    if key is None:
        return KEY_GONE
    unlimited = replace(key, not_before=None, not_after=None)
    only = Shops({key.shop_id: Shop(key.shop_id, "", (unlimited,))})
    delivery = delivery_of(row)
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
