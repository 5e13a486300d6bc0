"""Readmission: quarantined deliveries are verified again, for good or as a dry run."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from ledger.errors import MalformedNotificationError, NotFoundError, NotificationError
from ledger.ipn.delivery import Limits
from ledger.ipn.parse import read
from ledger.ipn.refusal_reasons import TOO_LARGE
from ledger.ipn.shops_and_keys import Shops
from ledger.recording.append import Append
from ledger.recording.inbox_rows import delivery_of
from ledger.recording.receipt import Receipt, refusal_of
from ledger.recording.retries import available
from ledger.recording.unit_of_work import Verified
from ledger.storage.database import Database
from ledger.storage.inbox import Inbox, InboxRecord
from ledger.storage.outcomes import Outcome

GONE = "gone"
"""What became of a delivery that another operator has taken meanwhile, or that was evicted."""


class Readmission:
    """Verifies with the keys of now what is in quarantine; what passes is as of its arrival."""

    def __init__(
        self,
        database: Database,
        limits: Limits,
        append: Append,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._inbox = Inbox()
        self._limits = limits
        self._append = append
        self._now = now

    def readmit(self, notification_id: str, shops: Shops) -> Receipt:
        """Verify a quarantined delivery again, and record it when it passes.

        Errors: NotFoundError; ConflictError; UnavailableError.
        """
        row = self._quarantined(notification_id)
        try:
            verified = self._verify(row, shops)
        except NotificationError as refusal:
            return refusal_of(row, refusal.reason)
        return self._append.readmit(verified, row)

    def readmit_all(self, ids: Iterable[str], shops: Shops) -> Iterator[tuple[str, Receipt | None]]:
        """Readmit several in this order. Shape: each id with its receipt, None when it is gone."""
        for id_ in ids:
            try:
                yield id_, self.readmit(id_, shops)
            except NotFoundError:
                yield id_, None

    def dry_run(self, notification_id: str, shops: Shops) -> str | None:
        """Return why a readmission would be refused now; None when it would pass.

        Errors: NotFoundError; UnavailableError.
        """
        try:
            self._verify(self._quarantined(notification_id), shops)
        except NotificationError as refusal:
            return refusal.reason
        return None

    def _quarantined(self, notification_id: str) -> InboxRecord:
        with available(), self._database.connect() as connection:
            row = self._inbox.get(connection, notification_id)
        if row is None or row.outcome != Outcome.QUARANTINED:
            raise NotFoundError(f"no delivery {notification_id} in quarantine")
        return row

    def _verify(self, row: InboxRecord, shops: Shops) -> Verified:
        if row.reason == TOO_LARGE:
            raise MalformedNotificationError(TOO_LARGE, "its body was not kept")
        valid = shops.valid_at(row.received_at, self._now())
        return read(delivery_of(row), valid, self._limits)


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
        """How many have left the quarantine and are recorded, or repeat what is."""
        return self.outcomes[Outcome.RECORDED] + self.outcomes[Outcome.REPEATED]
