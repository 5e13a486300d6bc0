"""Readmission: what is in quarantine is verified again, and what is undecided read again."""

from collections import Counter
from dataclasses import replace
from datetime import datetime

from ledger.errors import NotFoundError, NotificationError, SignatureError
from ledger.ipn.parse import Proven, trust, verify
from ledger.ipn.refusal_reasons import SOURCE_NOT_ALLOWED
from ledger.ipn.shops_and_keys import Shops
from ledger.recording.inbox_rows import delivery_of, limits_of, missing_body
from ledger.recording.receipt import Receipt, receipt_of
from ledger.recording.retries import available
from ledger.sealing.sealing import Sealing
from ledger.settings import Settings
from ledger.storage.database import Database
from ledger.storage.inbox import Inbox, InboxRecord
from ledger.storage.outcomes import Outcome

WAITING = (Outcome.QUARANTINED, Outcome.UNDECIDED)
"""Outcomes that another try may change."""

GONE = "gone"
"""What became of a delivery that another operator has taken meanwhile, or that was evicted."""


def waiting_record(database: Database, sealing: Sealing, notification_id: str) -> InboxRecord:
    """Return the row of a delivery that waits. Errors: NotFoundError; UnavailableError."""
    with available(), database.connect() as connection:
        record = Inbox(connection).get(notification_id)
        if record is None or record.outcome not in WAITING:
            reason = f"delivery {notification_id} is neither in quarantine nor undecided"
            raise NotFoundError(reason)
        return sealing.with_bodies(connection, [record])[0]


def verify_again(
    record: InboxRecord, shops: Shops, settings: Settings, now: datetime
) -> Proven | Receipt:
    """Verify a quarantined delivery with the keys of its day and of now; trust an undecided one.

    Shape: a receipt that names the reason when it is refused again.
    """
    delivery, limits = delivery_of(record), limits_of(settings)
    missing = missing_body(record)
    if missing is not None:
        return receipt_of(record, reason=missing)
    try:
        if record.signed_tag is not None and record.key_fingerprint is not None:
            return trust(delivery, record.key_fingerprint, record.signed_tag, limits)
        if not settings.allows_source(record.peer):
            raise SignatureError(SOURCE_NOT_ALLOWED, "its sender is not allowed")
        if record.reason == SOURCE_NOT_ALLOWED:  # the setting of today is what lets it pass
            is_within = settings.is_within_named_range(record.peer)
            delivery = replace(delivery, is_from_named_range=is_within)
        return verify(delivery, shops.valid_at(record.received_at, now), limits)
    except NotificationError as refusal:
        return receipt_of(record, reason=refusal.reason)


class ReadmissionTally:
    """Counts what became of several. Shape: by outcome or `gone`; those that wait by reason."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def add(self, receipt: Receipt | None) -> None:
        """Count one more delivery."""
        self.outcomes[GONE if receipt is None else receipt.outcome] += 1
        if receipt is not None and receipt.outcome in WAITING:
            self.refused[receipt.reason or ""] += 1

    @property
    def readmitted(self) -> int:
        """Return how many are recorded now, or repeat what is."""
        return self.outcomes[Outcome.RECORDED] + self.outcomes[Outcome.REPEATED]
