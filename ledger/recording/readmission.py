"""Readmission: quarantined deliveries are verified again, for good or as a dry run."""

from collections import Counter
from datetime import datetime

from ledger.errors import NotFoundError, NotificationError
from ledger.ipn.delivery import Limits
from ledger.ipn.parse import read
from ledger.ipn.shops_and_keys import Shops
from ledger.recording.inbox_rows import delivery_of, missing_body
from ledger.recording.receipt import Receipt, receipt_of
from ledger.recording.retries import available
from ledger.recording.unit_of_work import Verified
from ledger.storage.database import Database
from ledger.storage.inbox import Inbox, InboxRecord
from ledger.storage.outcomes import Outcome

GONE = "gone"
"""What became of a delivery that another operator has taken meanwhile, or that was evicted."""


def verify_again(
    database: Database, notification_id: str, shops: Shops, now: datetime, limits: Limits
) -> tuple[InboxRecord, Verified | Receipt]:
    """Verify a quarantined delivery with the keys of its day and of now.

    Shape: its row, and a receipt that names the reason when it is refused again.
    Errors: NotFoundError; UnavailableError.
    """
    with available(), database.connect() as connection:
        record = Inbox(connection).get(notification_id)
    if record is None or record.outcome != Outcome.QUARANTINED:
        raise NotFoundError(f"no delivery {notification_id} in quarantine")
    missing = missing_body(record)
    if missing is not None:
        return record, receipt_of(record, reason=missing)
    try:
        return record, read(delivery_of(record), shops.valid_at(record.received_at, now), limits)
    except NotificationError as refusal:
        return record, receipt_of(record, reason=refusal.reason)


class ReadmissionTally:
    """Counts what became of several. Shape: by outcome or `gone`; the refused by reason."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def add(self, receipt: Receipt | None) -> None:
        """Count one more delivery."""
        self.outcomes[GONE if receipt is None else receipt.outcome] += 1
        if receipt is not None and receipt.outcome == Outcome.QUARANTINED:
            self.refused[receipt.reason or ""] += 1

    @property
    def readmitted(self) -> int:
        """Return how many have left the quarantine and are recorded, or repeat what is."""
        return self.outcomes[Outcome.RECORDED] + self.outcomes[Outcome.REPEATED]
