"""Finds the raw body behind an event and verifies it once more, as an auditor can by hand."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ledger.application import Ledger
from ledger.errors import NotFoundError, NotificationError
from ledger.ipn.delivery import Limits
from ledger.ipn.parse import read
from ledger.ipn.shops_and_keys import Shop, Shops
from ledger.ipn.signature import digest
from ledger.ipn.storable import INTEGER_MAX
from ledger.recording.inbox_rows import delivery_of
from ledger.storage.event_store import RecordedEvent
from ledger.storage.inbox import Inbox, InboxRecord

VERIFIED, KEY_GONE, FAILED = "verified", "key-gone", "failed"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What stands behind one event.

    Shape: `signature` is verified, key-gone (the key has left the shops file) or failed. The
    checks say whether the stored body has the digest noted on its arrival, and whether the
    delivery and the event still name each other.
    """

    event: RecordedEvent
    row: InboxRecord
    signature: str
    is_digest_same: bool
    is_linked: bool

    @property
    def is_sound(self) -> bool:
        """Return True if the body still has its stored digest, the signature verifies, and delivery
        and event name each other."""
        return self.signature == VERIFIED and self.is_digest_same and self.is_linked

    @property
    def body(self) -> bytes:
        return self.row.body or b""


def evidence(ledger: Ledger, position: int) -> Evidence:
    """Return the evidence of the event at a position. Errors: NotFoundError."""
    event = event_at(ledger, position)
    evidence_by_position = evidence_of(ledger, [event])
    if position not in evidence_by_position:
        raise NotFoundError("the delivery behind this event is not in the journal")
    return evidence_by_position[position]


def evidence_of(ledger: Ledger, events: Sequence[RecordedEvent]) -> dict[int, Evidence]:
    """Return the evidence of events by position; an event without a delivery is left out.

    Deliveries are read at once, and each is verified once, however many events it caused.
    """
    ids = dict.fromkeys(recorded.event.notification_id for recorded in events)
    with ledger.database.connect() as connection:
        rows = Inbox(connection).get_verified(list(ids))
    proofs = {id_: (verified_again(ledger, row), _digest_same(row)) for id_, row in rows.items()}
    evidence_by_position = {}
    for recorded in events:
        id_ = recorded.event.notification_id
        if id_ in rows:
            is_linked = recorded.position in rows[id_].positions
            proof = Evidence(recorded, rows[id_], *proofs[id_], is_linked)
            evidence_by_position[recorded.position] = proof
    return evidence_by_position


def event_at(ledger: Ledger, position: int) -> RecordedEvent:
    """Return the event at a position of the ledger. Errors: NotFoundError."""
    events = []
    if 0 < position <= INTEGER_MAX:
        events = ledger.events.events_after(position - 1, 1, stop=position)
    if not events:
        raise NotFoundError(f"no event at position {position}")
    return events[0]


def _digest_same(row: InboxRecord) -> bool:
    return digest(row.body or b"") == row.digest


def verified_again(ledger: Ledger, row: InboxRecord) -> str:
    """Verify a stored delivery with the very key of then, whatever its window is now.

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
