"""The ledger: the one door through which notifications come in."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from ledger.aggregates.event_catalogue import EVENT_CLASSES
from ledger.errors import NotificationError, SettingsError
from ledger.ipn.delivery import Delivery, Limits
from ledger.ipn.parse import read
from ledger.ipn.shops_and_keys import Shops, read_shops
from ledger.recording.append import Append
from ledger.recording.group_commit import GroupCommit
from ledger.recording.quarantining import Quarantining
from ledger.recording.readmission import Readmission
from ledger.recording.receipt import Receipt
from ledger.recording.unit_of_work import Verified
from ledger.settings import Settings
from ledger.storage.database import Database
from ledger.storage.event_mapper import EventMapper
from ledger.storage.event_recorder import EventRecorder
from ledger.storage.event_store import EventStore
from ledger.storage.inbox import Inbox
from ledger.storage.plain_writer import PlainWriter
from ledger.storage.postgresql_writer import PostgresqlWriter
from ledger.storage.quarantine import Bounds, Quarantine
from ledger.storage.write_set import WriteStrategy


def utc_now() -> datetime:
    """Read the wall clock."""
    return datetime.now(UTC)


class Ledger:
    """Receives notifications for good. Whoever reads asks its `events` and its `journal`.

    Shape: `strategy` is by default the fastest one that the database allows.
    """

    def __init__(
        self,
        settings: Settings,
        shops: Shops,
        database: Database,
        *,
        clock: Callable[[], datetime] = utc_now,
        strategy: WriteStrategy | None = None,
    ) -> None:
        assert EVENT_CLASSES  # importing them registered their topics
        self.settings = settings
        self.shops = shops
        self.database = database
        self.limits = Limits(settings.fields_max, settings.json_depth_max)
        self.inbox = Inbox()
        self.events = EventStore(EventRecorder(database), EventMapper())
        writer = PlainWriter if database.is_sqlite else PostgresqlWriter
        append = Append(database, self.events, strategy or writer(database), clock)
        self._group_commit: GroupCommit[Verified, Receipt] = GroupCommit(
            append.together, append.alone
        )
        self._quarantining = Quarantining(database, Quarantine(_bounds(settings)), self.limits)
        self._readmission = Readmission(database, self.limits, append, clock)

    def close(self) -> None:
        """Let go of the database."""
        self.database.dispose()

    def receive(self, delivery: Delivery) -> Receipt:
        """Verify, understand and keep one delivery; durable when this returns.

        Errors: ConflictError and UnavailableError; then nothing was stored, or nobody heard that it
        was: received again, it is recorded or repeated.
        """
        started = time.perf_counter()
        try:
            verified = read(delivery, self.shops, self.limits)
        except NotificationError as refusal:
            receipt = self.refuse(delivery, refusal.reason)
        else:
            receipt = self._group_commit.submit(verified)
        return replace(receipt, duration_seconds=time.perf_counter() - started)

    def receive_many(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        """Receive several deliveries, in the order given, in as few transactions as possible.

        Errors: UnavailableError, ConflictError; deliveries before the one at fault may be stored.
        """
        receipts: dict[int, Receipt] = {}
        verified: dict[int, Verified] = {}
        for index, delivery in enumerate(deliveries):
            try:
                verified[index] = read(delivery, self.shops, self.limits)
            except NotificationError as refusal:
                receipts[index] = self.refuse(delivery, refusal.reason)
        outcomes = self._group_commit.run(list(verified.values())) if verified else []
        for index, outcome in zip(verified, outcomes, strict=True):
            if isinstance(outcome, Exception):
                raise outcome
            receipts[index] = outcome
        return [receipts[index] for index in range(len(deliveries))]

    def refuse(self, delivery: Delivery, reason: str) -> Receipt:
        """Keep a delivery in quarantine. Errors: UnavailableError."""
        return self._quarantining.refuse(delivery, reason)

    def readmit(self, notification_id: str) -> Receipt:
        """Verify a quarantined delivery again; what passes is recorded as of its arrival.

        Errors: NotFoundError; ConflictError; UnavailableError.
        """
        return self._readmission.readmit(notification_id, self.shops)

    def readmit_all(self, ids: Iterable[str]) -> Iterator[tuple[str, Receipt | None]]:
        """Readmit several in this order. Shape: each id with its receipt, None when it is gone."""
        return self._readmission.readmit_all(ids, self.shops)

    def dry_run(self, notification_id: str) -> str | None:
        """Return why a readmission would be refused now; None when it would pass.

        Errors: NotFoundError; UnavailableError.
        """
        return self._readmission.dry_run(notification_id, self.shops)


def bootstrap(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    clock: Callable[[], datetime] = utc_now,
    needs_shops: bool = False,
) -> Ledger:
    """Open the ledger and the shops that the settings name. Errors: SettingsError."""
    if settings.shops_file is None and needs_shops:
        raise SettingsError("LEDGER_SHOPS_FILE is not set")
    file = settings.shops_file
    shops = Shops() if file is None else read_shops(file, environ)
    return Ledger(settings, shops, Database(settings.database_url), clock=clock)


def _bounds(settings: Settings) -> Bounds:
    return Bounds(
        count_max=settings.quarantine_count_max,
        bytes_max=settings.quarantine_bytes_max,
        total_count_max=settings.quarantine_total_count_max,
        total_bytes_max=settings.quarantine_total_bytes_max,
    )
