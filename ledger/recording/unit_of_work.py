"""Decides on notifications, one or several, and writes what they add in one transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.aggregates.subscription import Subscription
from ledger.ipn.delivery import Notification
from ledger.ipn.snapshots import Fact, NotificationContent
from ledger.recording.decider import Decider, Decision, streams_of
from ledger.recording.inbox_rows import occasion_of, verified_row
from ledger.storage import subscription_index
from ledger.storage.event_mapper import Entry, StoredEntry
from ledger.storage.event_store import EventStore
from ledger.storage.inbox import InboxRecord, Repeat
from ledger.storage.outcomes import Outcome
from ledger.storage.subscription_index import SubscriptionRow
from ledger.storage.write_set import (
    EventPosition,
    Loaded,
    LoadRequest,
    NewDelivery,
    NewEvent,
    WriteSet,
    WriteStrategy,
)

Verified = tuple[Notification, NotificationContent]
"""A notification that a key has verified, and its content."""

Appended = tuple[InboxRecord, tuple[int, ...]]
"""The row of a delivery, and the positions of the events that it is about."""


class UnitOfWork:
    """One attempt at appending some notifications together, all of them or none.

    Later notifications see what earlier ones added, as if each had been committed.
    Shape: `readmitted` is the row in quarantine of the only notification, if it comes from there.
    """

    def __init__(
        self,
        events: EventStore,
        strategy: WriteStrategy,
        connection: Connection,
        now: Callable[[], datetime],
        *,
        readmitted: InboxRecord | None = None,
    ) -> None:
        self._events = events
        self._strategy = strategy
        self._connection = connection
        self._now = now
        self._readmitted = readmitted
        self._positions_by_digest: dict[str, Sequence[EventPosition]] = {}
        self._writes = WriteSet()

    def append(self, verified: Sequence[Verified]) -> list[Appended]:
        """Decide and write. Errors: those of `WriteStrategy.write` when others were faster."""
        assert self._readmitted is None or len(verified) == 1
        requests = [_load_request(*notification) for notification in verified]
        loaded = self._strategy.load(self._connection, requests)
        self._positions_by_digest.update(loaded.positions_by_digest)
        streams = LoadedStreams(self._events, self._connection, loaded)
        for (notification, content), request in zip(verified, requests, strict=True):
            self._decide(notification, content, request.streams, streams)
        self._writes.subscriptions += streams.subscriptions
        positions = self._strategy.write(self._connection, self._writes)
        return [
            (delivery.row, delivery.final_positions(positions))
            for delivery in self._writes.deliveries
        ]

    def _decide(
        self,
        notification: Notification,
        content: NotificationContent,
        ids: Sequence[UUID],
        streams: "LoadedStreams",
    ) -> None:
        row = verified_row(notification, content, self._now(), self._readmitted)
        positions = self._positions_by_digest.get(notification.signed_digest)
        if positions is not None:
            self._add(replace(row, outcome=Outcome.REPEATED), positions)
            return
        occasion = occasion_of(row, content, is_readmitted=self._readmitted is not None)
        decision = Decider(content, ids, occasion, streams).decide()
        streams.remember(decision)
        for id_ in decision.repeated:
            self._writes.repeats.append(Repeat(id_, row.id, content.told_at))
        if decision.changed:
            new_events = self._events.encode(decision.changed)
            positions = [self._add_event(event, row.id, streams) for event in new_events]
        else:
            row = replace(row, outcome=Outcome.REPEATED)
            positions = streams.positions_of(decision.repeated)
        self._positions_by_digest[notification.signed_digest] = positions
        self._add(row, positions)

    def _add(self, row: InboxRecord, positions: Sequence[EventPosition]) -> None:
        self._writes.deliveries.append(NewDelivery(row, positions))

    def _add_event(
        self, event: StoredEntry, notification_id: str, streams: "LoadedStreams"
    ) -> EventPosition:
        position = NewEvent(len(self._writes.events))
        self._writes.events.append((event, notification_id))
        streams.note_position(event, position)
        return position


def _load_request(notification: Notification, content: NotificationContent) -> LoadRequest:
    streams = streams_of(content)
    dated = streams[: len(content.transactions)] if content.told_at else []
    return LoadRequest(notification.signed_digest, streams, dated)


class LoadedStreams:
    """The streams as a unit of work sees them, with what it has added itself."""

    def __init__(self, events: EventStore, connection: Connection, loaded: Loaded) -> None:
        self._events = events
        self._connection = connection
        self._entries = dict(loaded.streams)
        self._confirmed_at = loaded.confirmed_at
        self._aggregates: dict[UUID, LedgerAggregate | None] = {}
        self._position_by_version: dict[tuple[UUID, int], EventPosition] = {}
        self._subscriptions: dict[tuple[str, str, str, str], SubscriptionRow] = {}

    def load(self, ids: Iterable[UUID]) -> Mapping[UUID, LedgerAggregate]:
        """Return the aggregates that are known among these streams.

        Each is rehydrated when it is first asked for: nobody asks for those of a repeated call.
        """
        ids = list(ids)
        missing = [id_ for id_ in ids if id_ not in self._aggregates]
        unread = [id_ for id_ in missing if id_ not in self._entries]
        if unread:
            self._entries |= self._events.load(unread, self._connection)
        for id_ in missing:
            self._aggregates[id_] = self._rehydrate(id_, self._entries[id_])
        return {id_: known for id_ in ids if (known := self._aggregates[id_]) is not None}

    def confirmed_at(self, ids: Iterable[UUID]) -> Mapping[UUID, datetime]:
        return {id_: self._confirmed_at[id_] for id_ in ids if id_ in self._confirmed_at}

    def subscription_of(self, shop_id: str, mode: str, alias: str, order_id: str) -> str | None:
        order_by_id = subscription_index.orders_by_subscription(
            self._connection, shop_id, mode, alias
        )
        for row in self._subscriptions.values():
            if (row["shop_id"], row["mode"], row["alias"]) == (shop_id, mode, alias):
                stored = order_by_id.get(row["subscription_id"])
                order_by_id[row["subscription_id"]] = stored or row["order_id"]
        ids = [id_ for id_, order in order_by_id.items() if order == order_id]
        return ids[0] if len(ids) == 1 else None

    @property
    def subscriptions(self) -> list[SubscriptionRow]:
        """The references of subscriptions that the unit of work adds."""
        return list(self._subscriptions.values())

    def remember(self, decision: Decision) -> None:
        """Let later notifications see what this decision changed."""
        for aggregate in decision.changed:
            self._aggregates[aggregate.id] = aggregate
        for row in _subscription_rows(decision.changed, decision.order_by_subscription):
            key = (row["shop_id"], row["mode"], row["subscription_id"], row["alias"])
            first = self._subscriptions.get(key)
            if first is None or first["order_id"] is None:
                self._subscriptions[key] = row

    def note_position(self, event: StoredEntry, position: EventPosition) -> None:
        """Remember where a new event will stand."""
        assert isinstance(event.originator_id, UUID)
        self._position_by_version[event.originator_id, event.originator_version] = position

    def positions_of(self, repeated: Mapping[UUID, int]) -> list[EventPosition]:
        """Return where the repeated versions stand: new events stand behind all stored ones."""
        positions = [self._position_by_version.get(version) for version in repeated.items()]
        return sorted((position for position in positions if position is not None), key=_in_order)

    def _rehydrate(self, id_: UUID, entries: Sequence[Entry]) -> LedgerAggregate | None:
        aggregate: LedgerAggregate | None = None
        for entry in entries:
            self._position_by_version[id_, entry.originator_version] = entry.id
            aggregate = self._events.decode(entry).event.mutate(aggregate)
        return aggregate


def _subscription_rows(
    changed: Iterable[LedgerAggregate], order_by_id: Mapping[UUID, Fact]
) -> list[SubscriptionRow]:
    """List the references of every changed subscription.

    Shape: `order_by_id` has the order of those that an instalment, not a plan, named.
    """
    rows: list[SubscriptionRow] = []
    for aggregate in changed:
        if isinstance(aggregate, Subscription):
            order_id = aggregate.facts.get("order_id") or order_by_id.get(aggregate.id)
            rows.append(
                {
                    "shop_id": aggregate.shop_id,
                    "mode": aggregate.mode,
                    "subscription_id": aggregate.subscription_id,
                    "alias": aggregate.alias,
                    "order_id": None if order_id is None else str(order_id),
                    "originator_id": aggregate.id,
                }
            )
    return rows


def _in_order(position: EventPosition) -> tuple[bool, int]:
    return (True, position.index) if isinstance(position, NewEvent) else (False, position)
