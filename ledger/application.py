"""The ledger: the one door through which notifications come in."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from ledger.aggregates.event_catalogue import EVENT_CLASSES
from ledger.errors import NotFoundError, NotificationError, SettingsError
from ledger.instants import utc_now
from ledger.ipn.card_data_fields import kinds_suspected
from ledger.ipn.delivery import Delivery, Limits
from ledger.ipn.parse import read
from ledger.ipn.shops_and_keys import Shops, read_shops
from ledger.recording.append import Append
from ledger.recording.group_commit import GroupCommit
from ledger.recording.quarantining import Quarantining
from ledger.recording.readmission import verify_again
from ledger.recording.receipt import Receipt
from ledger.recording.unit_of_work import Verified
from ledger.settings import Settings
from ledger.storage.database import Database
from ledger.storage.event_store import EventStore
from ledger.storage.inbox import InboxRecord
from ledger.storage.plain_writer import PlainWriter
from ledger.storage.postgresql_writer import PostgresqlWriter
from ledger.storage.quarantine import Quarantine
from ledger.storage.write_set import WriteStrategy


class Ledger:
    """Receives notifications for good. Whoever reads asks its `events`.

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
        self.events = EventStore(database)
        self._now = clock
        writer = PlainWriter if database.is_sqlite else PostgresqlWriter
        self._append = Append(database, self.events, strategy or writer(database), clock)
        self._group_commit: GroupCommit[Verified, Receipt] = GroupCommit(
            self._append.together, partial(self._append.alone, first=1)
        )
        self._quarantining = Quarantining(database, Quarantine(settings), self.limits)

    def close(self) -> None:
        """Let go of the database."""
        self.database.dispose()

    def receive(self, delivery: Delivery) -> Receipt:
        """Verify, understand and keep one delivery; durable when this returns.

        Errors: ConflictError and UnavailableError; then nothing was stored, or nobody heard that it
        was: received again, it is recorded or repeated.
        """
        started = time.perf_counter()
        outcome = self._verify(delivery)
        if isinstance(outcome, Receipt):
            receipt = outcome
        else:
            receipt = self._group_commit.submit(outcome)
            receipt = replace(receipt, suspected=kinds_suspected(outcome[1]))
        return replace(receipt, duration_seconds=time.perf_counter() - started)

    def receive_many(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        """Receive several deliveries, in the order given, in as few transactions as possible.

        Errors: UnavailableError, ConflictError; deliveries before the one at fault may be stored.
        """
        outcomes = [self._verify(delivery) for delivery in deliveries]
        verified = [outcome for outcome in outcomes if not isinstance(outcome, Receipt)]
        appended = iter(self._group_commit.run(verified) if verified else [])
        receipts = []
        for outcome in outcomes:
            receipt = outcome if isinstance(outcome, Receipt) else next(appended)
            if isinstance(receipt, Exception):
                raise receipt
            receipts.append(receipt)
        return receipts

    def refuse(self, delivery: Delivery, reason: str) -> Receipt:
        """Keep a delivery in quarantine. Errors: UnavailableError."""
        return self._quarantining.refuse(delivery, reason)

    def readmit(self, notification_id: str) -> Receipt:
        """Verify a quarantined delivery again; what passes is recorded as of its arrival.

        Errors: NotFoundError; ConflictError; UnavailableError.
        """
        record, outcome = self._verify_again(notification_id)
        if isinstance(outcome, Receipt):
            return outcome
        return self._append.alone(outcome, readmitted=record)

    def readmit_all(self, ids: Iterable[str]) -> Iterator[tuple[str, Receipt | None]]:
        """Readmit several in this order. Shape: each id with its receipt, None when it is gone."""
        for id_ in ids:
            try:
                yield id_, self.readmit(id_)
            except NotFoundError:
                yield id_, None

    def dry_run(self, notification_id: str) -> str | None:
        """Return why a readmission would be refused now; None when it would pass.

        Errors: NotFoundError; UnavailableError.
        """
        _, outcome = self._verify_again(notification_id)
        return outcome.reason if isinstance(outcome, Receipt) else None

    def _verify(self, delivery: Delivery) -> Verified | Receipt:
        """Read a delivery, or keep it in quarantine."""
        try:
            return read(delivery, self.shops, self.limits)
        except NotificationError as refusal:
            return self.refuse(delivery, refusal.reason)

    def _verify_again(self, notification_id: str) -> tuple[InboxRecord, Verified | Receipt]:
        return verify_again(self.database, notification_id, self.shops, self._now(), self.limits)


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
