"""The ledger: the one door through which notifications come in."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from ledger.aggregates.event_catalogue import EVENT_CLASSES
from ledger.errors import NotFoundError, NotificationError, SettingsError, UnavailableError
from ledger.instants import utc_now
from ledger.ipn.content_tags import tagged_by
from ledger.ipn.delivery import Delivery
from ledger.ipn.parse import Proven, verify
from ledger.ipn.shops_and_keys import Shops, read_shops
from ledger.recording.answering import Answering
from ledger.recording.append import Append
from ledger.recording.confirmation import Confirmation
from ledger.recording.importing import unkept, with_known_imports
from ledger.recording.inbox_rows import limits_of
from ledger.recording.notes import Notes
from ledger.recording.quarantining import Quarantining
from ledger.recording.readmission import verify_again, waiting_record
from ledger.recording.receipt import Receipt
from ledger.recording.record import Record
from ledger.recording.retries import retrying
from ledger.sealing.sealing import Sealing
from ledger.settings import Settings
from ledger.storage.database import Database
from ledger.storage.event_store import EventStore
from ledger.storage.inbox import InboxRecord
from ledger.storage.postgresql_writer import PostgresqlWriter
from ledger.storage.quarantine import Quarantine
from ledger.storage.sqlite_writer import SqliteWriter
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
        sealing: Sealing | None = None,
        clock: Callable[[], datetime] = utc_now,
        strategy: WriteStrategy | None = None,
    ) -> None:
        assert EVENT_CLASSES  # importing them registered their topics
        self.settings = settings
        self.shops = shops
        self.database = database
        self.sealing = sealing or Sealing(database, settings.master_keys_file)
        self.limits = limits_of(settings)
        self.events = EventStore(database)
        self._now = clock
        writer = SqliteWriter if database.is_sqlite else PostgresqlWriter
        append = Append(database, self.events, self.sealing, strategy or writer(database), clock)
        self.confirmation = Confirmation(database, self.events, self.sealing, clock)
        self.answering = Answering(database, self.events, self.sealing, self.limits, clock)
        self.notes = Notes(database, self.sealing, clock)
        self._quarantining = Quarantining(database, self.sealing, Quarantine(settings), self.limits)
        self._record = Record(database, self.sealing, append, clock, self.refuse)

    def close(self) -> None:
        """Let go of the database."""
        self.database.dispose()

    def receive(self, delivery: Delivery) -> Receipt:
        """Verify one delivery, keep it, and record what it says; durable when this returns.

        Errors: UnavailableError; then nothing was stored, or nobody heard that it was: received
        again, it is recorded or repeated.
        """
        started = time.perf_counter()
        with self._reading():
            proven = self._verify(delivery)
            receipt = proven if isinstance(proven, Receipt) else self._record.new(proven)
        return replace(receipt, duration_seconds=time.perf_counter() - started)

    def receive_many(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        """Receive several deliveries, in the order given, in as few transactions as possible.

        Imported ones whose signed content is in the inbox already are not stored again.
        Errors: UnavailableError; deliveries before the one at fault may be stored.
        """
        with self._reading():
            outcomes = [self._verify(delivery) for delivery in deliveries]
            outcomes = with_known_imports(self.database, outcomes)
            proven = [outcome for outcome in outcomes if not isinstance(outcome, Receipt)]
            recorded = iter(self._record.many(proven))
        return [each if isinstance(each, Receipt) else next(recorded) for each in outcomes]

    def preview(self, deliveries: Sequence[Delivery]) -> list[Proven | Receipt]:
        """Verify imported deliveries and store nothing.

        Shape: for each the answer that it would have; those that would be recorded, or read and
        found undecided, are proven. Errors: UnavailableError.
        """
        assert all(delivery.is_imported for delivery in deliveries), "else they were quarantined"
        with self._reading():
            return with_known_imports(self.database, [self._verify(each) for each in deliveries])

    def refuse(self, delivery: Delivery, reason: str) -> Receipt:
        """Keep a delivery in quarantine, but for an imported one: whoever imports it has its file.

        Errors: UnavailableError.
        """
        if delivery.is_imported:
            return unkept(delivery, reason, self.limits)
        with _sealable():
            return self._quarantining.refuse(delivery, reason)

    def readmit(self, notification_id: str) -> Receipt:
        """Try again what is in quarantine or undecided; what passes is recorded as of its arrival.

        Errors: NotFoundError; UnavailableError.
        """
        with self._reading():
            record, proven = self._verify_again(notification_id)
            return proven if isinstance(proven, Receipt) else self._record.again(record, proven)

    def readmit_all(self, ids: Iterable[str]) -> Iterator[tuple[str, Receipt | None]]:
        """Readmit several in this order. Shape: each id with its receipt, None when it is gone."""
        for id_ in ids:
            try:
                yield id_, self.readmit(id_)
            except NotFoundError:
                yield id_, None

    def dry_run(self, notification_id: str) -> str | None:
        """Return why a readmission would fail now; None when it would pass.

        Errors: NotFoundError; UnavailableError.
        """
        with self._reading():
            record, proven = self._verify_again(notification_id)
            if isinstance(proven, Receipt):
                return proven.reason
            return self._record.rehearse(record, proven)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Read deliveries, naming what is in them under this ledger's key.

        Errors: UnavailableError where nothing can be sealed: nothing is stored in the open.
        """
        with _sealable(), tagged_by(self._tag):
            yield

    def _tag(self, content: bytes) -> str:
        keys = self.sealing.keys
        if keys.has_index_key:
            return keys.tag(content)
        return retrying(lambda _: keys.tag(content))

    def _verify(self, delivery: Delivery) -> Proven | Receipt:
        """Find out who sent a delivery, or keep it in quarantine."""
        try:
            return verify(delivery, self.shops, self.limits)
        except NotificationError as refusal:
            return self.refuse(delivery, refusal.reason)

    def _verify_again(self, notification_id: str) -> tuple[InboxRecord, Proven | Receipt]:
        record = waiting_record(self.database, self.sealing, notification_id)
        return record, verify_again(record, self.shops, self.settings, self._now())


@contextmanager
def _sealable() -> Iterator[None]:
    try:
        yield
    except SettingsError as missing:
        raise UnavailableError("what arrives cannot be sealed") from missing


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
    database = Database(settings.database_url)
    sealing = Sealing(database, settings.master_keys_file, environ)
    return Ledger(settings, shops, database, sealing=sealing, clock=clock)
