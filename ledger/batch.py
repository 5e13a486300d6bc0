"""Appends notifications, one or several, in one database transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from eventsourcing.persistence import StoredEvent
from sqlalchemy import Connection

from ledger.aggregates.observed import Observed
from ledger.decision import Deciding, Decision, streams_of
from ledger.formats.snapshot import Told
from ledger.notification import Notification
from ledger.storage import references
from ledger.storage.journal import JournalRow

if TYPE_CHECKING:
    from ledger.application import Ledger

Verified = tuple[Notification, Told]


@dataclass
class _Pending:
    """One notification of a batch: its row, its new events, and what it repeats."""

    row: JournalRow
    told: Told
    events: list[StoredEvent]
    repeats: Mapping[UUID, int]
    same_as: "_Pending | None" = None


class Batch:
    """One attempt at appending some notifications together, within one database transaction.

    Later notifications of the batch see what earlier ones added, as if each had been committed.
    Shape: `readmitted` is the row that a batch of one has in quarantine, if it comes from there.
    """

    def __init__(
        self,
        ledger: "Ledger",
        connection: Connection,
        verified: Sequence[Verified],
        readmitted: JournalRow | None = None,
    ) -> None:
        assert readmitted is None or len(verified) == 1
        self._readmitted = readmitted
        self._ledger = ledger
        self._connection = connection
        self._verified = verified
        digests = [notification.signed_digest for notification, _ in verified]
        self._signed = ledger.journal.find_all_signed(connection, digests)
        self._memory = Past(ledger, connection, *self._streams())
        self._decided: dict[str, _Pending] = {}

    def append(self) -> list[JournalRow]:
        """Decide and write. Errors: IntegrityError, AlreadyRecorded when others were faster."""
        pending = [self._decide(notification, told) for notification, told in self._verified]
        pairs = [(event, one.row.id) for one in pending for event in one.events]
        positions = iter(self._ledger.recorder.append(self._connection, pairs))
        for one in pending:
            new = tuple(next(positions) for _ in one.events)
            for event, position in zip(one.events, new, strict=True):
                self._memory.place(event, position)
            one.row = replace(one.row, positions=new or self._repeated(one))
        self._write(pending)
        return [one.row for one in pending]

    def _streams(self) -> tuple[set[UUID], set[UUID]]:
        """What the notifications name that were not recorded before; and what they date of it."""
        ids, dated = set(), set()
        for notification, told in self._verified:
            if notification.signed_digest not in self._signed:
                named = streams_of(told)
                ids.update(named)
                if told.told_at:
                    dated.update(named[: len(told.transactions)])
        return ids, dated

    def _decide(self, notification: Notification, told: Told) -> _Pending:
        row = self._ledger.row_of(notification, told, self._readmitted)
        known = self._signed.get(notification.signed_digest)
        if known is not None:
            row = replace(row, outcome="repeated", positions=known.positions)
            return _Pending(row, told, [], {})
        same_as = self._decided.get(notification.signed_digest)
        if same_as is not None:
            return _Pending(replace(row, outcome="repeated"), told, [], {}, same_as)
        is_readmitted = self._readmitted is not None
        occasion = self._ledger.occasion_of(row, told, is_readmitted=is_readmitted)
        decision = Deciding(told, occasion, self._memory).decide()
        pending = self._pending(row, told, decision)
        self._decided[notification.signed_digest] = pending
        return pending

    def _pending(self, row: JournalRow, told: Told, decision: Decision) -> _Pending:
        self._memory.remember(decision)
        if not decision.changed:
            return _Pending(replace(row, outcome="repeated"), told, [], decision.repeated)
        names = references.names_of(decision.changed, decision.order_by_subscription)
        references.add_all(self._connection, names)
        return _Pending(row, told, self._ledger.stored(decision), decision.repeated)

    def _repeated(self, one: _Pending) -> tuple[int, ...]:
        if one.same_as is not None:
            return one.same_as.row.positions
        return self._memory.positions(one.repeats) or one.row.positions

    def _write(self, pending: Sequence[_Pending]) -> None:
        journal = self._ledger.journal
        for one in pending:
            if one.repeats:
                journal.add_repeats(self._connection, one.repeats, one.row.id, one.told.told_at)
        journal.add_many(self._connection, [one.row for one in pending])


class Past:
    """The past as one database transaction sees it, with what it has added itself.

    Shape: `ids` are read at once, what else is asked for when it is; `dated` are those of which
    something with the platform's own time is told.
    """

    def __init__(
        self,
        ledger: "Ledger",
        connection: Connection,
        ids: Collection[UUID],
        dated: Collection[UUID],
    ) -> None:
        self._ledger = ledger
        self._connection = connection
        self._aggregates: dict[UUID, Observed | None] = {}
        self._position_by_version: dict[tuple[UUID, int], int] = {}
        self._load(ids)
        known = [one for one in dated if self._aggregates[one] is not None]
        self._confirmed = ledger.journal.confirmed_at(connection, known) if known else {}

    def load(self, ids: Iterable[UUID]) -> Mapping[UUID, Observed]:
        """The aggregates that are known among these streams."""
        wanted = list(ids)
        self._load([one for one in wanted if one not in self._aggregates])
        return {one: known for one in wanted if (known := self._aggregates[one]) is not None}

    def confirmed_at(self, ids: Iterable[UUID]) -> Mapping[UUID, datetime]:
        return {one: self._confirmed[one] for one in ids if one in self._confirmed}

    def subscription_of(self, shop_id: str, mode: str, alias: str, order_id: str) -> str | None:
        return references.subscription_of(self._connection, shop_id, mode, alias, order_id)

    def remember(self, decision: Decision) -> None:
        """Let later notifications of the batch see what this one brought into being."""
        for aggregate in decision.changed:
            self._aggregates[aggregate.id] = aggregate

    def place(self, event: StoredEvent, position: int) -> None:
        assert isinstance(event.originator_id, UUID)
        self._position_by_version[event.originator_id, event.originator_version] = position

    def positions(self, repeated: Mapping[UUID, int]) -> tuple[int, ...]:
        """Where the events stand that a repeat repeats."""
        found = [self._position_by_version.get(one) for one in repeated.items()]
        return tuple(sorted(position for position in found if position is not None))

    def _load(self, ids: Collection[UUID]) -> None:
        if not ids:
            return
        streams = self._ledger.recorder.select_streams(list(ids), connection=self._connection)
        for id_, entries in streams.items():
            aggregate: Observed | None = None
            for entry in entries:
                self._position_by_version[id_, entry.originator_version] = entry.id
                aggregate = self._ledger.read_entry(entry).event.mutate(aggregate)
            self._aggregates[id_] = aggregate
