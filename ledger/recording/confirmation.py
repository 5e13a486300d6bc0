"""An operator vouches for one transaction that only doubtful notifications have reported."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.aggregates.occasion import Occasion
from ledger.aggregates.transaction import Transaction
from ledger.errors import NotFoundError
from ledger.ipn.storable import storable
from ledger.recording.origins import new_origin_id
from ledger.recording.retries import retrying
from ledger.recording.unit_of_work import UnitOfWork
from ledger.sealing.sealing import Sealing
from ledger.storage.acts import CONFIRMATION, Act
from ledger.storage.database import Database
from ledger.storage.event_recorder import lock_streams
from ledger.storage.event_store import EventStore, RecordedEvent, fold
from ledger.storage.plain_writer import PlainWriter
from ledger.storage.stream_names import stream_named
from ledger.storage.write_set import Loaded

REASON_LENGTH_MAX = 500


@dataclass(frozen=True, slots=True)
class Voucher:
    """Who vouches for what, and why.

    Shape: `version` is that of the transaction as the operator has seen it: whoever sends another
    doubtful form meanwhile must not be vouched for.
    """

    operator: str
    reason: str
    version: int


class Confirmation:
    """Appends what an operator confirms, one transaction at a time."""

    def __init__(
        self,
        database: Database,
        event_store: EventStore,
        sealing: Sealing,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._event_store = event_store
        self._sealing = sealing
        self._plain = PlainWriter(database)
        self._now = now

    def doubtful_events(self, shop_id: str, mode: str, reference: str) -> list[RecordedEvent]:
        """Return the events of a doubtful transaction. Errors: NotFoundError for any other."""
        with self._database.single() as connection:
            stream_id = stream_named(connection, Transaction.id_of(shop_id, mode, reference))
        events = self._event_store.history(stream_id)
        transaction = fold(events)
        if transaction is None or not transaction.is_doubtful:
            raise NotFoundError("nothing doubtful is known about it")
        return events

    def confirm(self, shop_id: str, mode: str, reference: str, voucher: Voucher) -> tuple[int, ...]:
        """Record that a transaction is as doubtful notifications said. Shape: the new positions.

        Errors: NotFoundError when it is not doubtful, or has changed since it was looked at;
        UnavailableError.
        """

        def attempt(_: int) -> tuple[int, ...]:
            events = self.doubtful_events(shop_id, mode, reference)
            if len(events) != voucher.version:
                raise NotFoundError(f"it has changed: it is at version {len(events)} now")
            with self._plain.begin() as connection:
                return self._append(connection, events, voucher)

        return retrying(attempt)

    def _append(
        self, connection: Connection, events: Sequence[RecordedEvent], voucher: Voucher
    ) -> tuple[int, ...]:
        newest = events[-1].event
        lock_streams(connection, [newest.originator_id])
        work = UnitOfWork(self._event_store, self._sealing, connection, Loaded({}, {}, {}))
        occasion = self._occasion(newest)
        act = Act(
            id=new_origin_id(occasion.recorded_at),
            kind=CONFIRMATION,
            done_at=occasion.recorded_at,
            shop_id=occasion.shop_id,
            mode=occasion.mode,
        )
        details = [["reason", storable(voucher.reason)], ["operator", storable(voucher.operator)]]
        work.confirm(newest.originator_id, act, occasion, details)
        return tuple(self._plain.write(connection, work.writes))

    def _occasion(self, newest: LedgerAggregate.Event) -> Occasion:
        """Describe the occasion: the doubtful notification whose word is taken."""
        return Occasion(
            notification_id=newest.notification_id,
            shop_id=newest.shop_id,
            mode=newest.mode,
            received_at=newest.received_at,
            recorded_at=self._now(),
            told_at=None,
            source=newest.source,
            rule=newest.rule,
            rule_certainty=newest.rule_certainty,
        )
