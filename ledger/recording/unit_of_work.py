"""Decides on notifications, one or several, and collects what they add for one transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import Connection

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.aggregates.news import Recollection
from ledger.aggregates.occasion import Occasion
from ledger.aggregates.subscription import Subscription
from ledger.ipn.delivery import Notification
from ledger.ipn.snapshots import Fact, NotificationContent, Pairs
from ledger.recording.decider import Decider, Decision, streams_of
from ledger.recording.inbox_rows import later_decision, occasion_of, verified_row
from ledger.recording.origins import new_origin_id
from ledger.recording.recall import StoredRecollection, sayings_in
from ledger.recording.relabelling import free_text_tag
from ledger.sealing.sealing import Sealing
from ledger.storage import subscription_index
from ledger.storage.acts import Act
from ledger.storage.answers import Answer, AnswerOutcome
from ledger.storage.event_mapper import Entry
from ledger.storage.event_recorder import NewEvent, read_streams
from ledger.storage.event_store import EventStore
from ledger.storage.inbox import Inbox, InboxRecord, Repeat
from ledger.storage.outcomes import Outcome
from ledger.storage.stream_names import stream_named
from ledger.storage.write_set import PROVISIONAL, Loaded, WriteSet

Verified = tuple[Notification, NotificationContent]
"""A notification that a key has verified, and its content."""


class UnitOfWork:
    """One attempt at appending some notifications together, all of them or none.

    Later notifications see what earlier ones added, as if each had been committed.
    """

    def __init__(
        self, event_store: EventStore, sealing: Sealing, connection: Connection, loaded: Loaded
    ) -> None:
        self._event_store = event_store
        self._sealing = sealing
        self._connection = connection
        self.loaded = loaded
        self._aggregates: dict[UUID, LedgerAggregate | None] = {}
        self._position_by_place: dict[tuple[UUID | str, int], int] = {}
        self.writes = WriteSet()

    def add(
        self,
        verified: Verified,
        stream_ids: Sequence[UUID],
        now: datetime,
        readmitted: InboxRecord | None = None,
    ) -> None:
        """Decide on one more notification, which names these streams.

        Shape: `readmitted` is its row, if it was in quarantine or undecided until now.
        """
        notification, content = verified
        outcome, parts = Outcome.REPEATED, list[bytes]()
        is_decided_now = readmitted is not None and readmitted.outcome == Outcome.UNDECIDED
        origin_id = new_origin_id(now) if is_decided_now else notification.delivery.id
        positions = self.loaded.positions_by_tag.get(notification.signed_tag)
        if positions is None:
            tag = free_text_tag(notification, self.loaded.texts_by_tag, self._recorded)
            notification = replace(notification, signed_text_tag=tag)
            is_readmitted = readmitted is not None
            delivery = notification.delivery
            occasion = occasion_of(delivery, content, now, is_readmitted=is_readmitted)
            decision = Decider(content, stream_ids, occasion, self).decide()
            if decision.changed:
                outcome = Outcome.RECORDED
                self.loaded.texts_by_tag |= {tag: notification.delivery.id} if tag else {}
            positions, parts = self._collect(decision, occasion, origin_id)
            stream_ids = [*stream_ids, *(each.id for each in decision.changed.values())]
            self.loaded.positions_by_tag[notification.signed_tag] = positions
        self.writes.streams_by_origin[origin_id] = tuple(stream_ids)
        if readmitted is not None and is_decided_now:
            self.writes.decisions.append(
                later_decision(origin_id, readmitted, now, outcome, positions)
            )
            self._seal(origin_id, None, parts)
            return
        reason = None if readmitted is None else readmitted.reason
        record = verified_row(notification, content, now, outcome, positions, reason)
        self.writes.deliveries.append(record)
        self._seal(origin_id, record.body, parts)

    def _seal(self, origin_id: str, body: bytes | None, parts: Sequence[bytes]) -> None:
        if body is not None or parts:
            self.writes.sealed_origins.append(self._sealing.seal(origin_id, body, parts))

    def _recorded(self, id_: str) -> InboxRecord:
        return self._with_bodies([id_])[0]

    def _with_bodies(self, ids: Sequence[str]) -> list[InboxRecord]:
        """Return recorded notifications with their bodies, those that are not written yet, too."""
        own = [record for record in self.writes.deliveries if record.id in ids]
        missing = [id_ for id_ in ids if all(record.id != id_ for record in own)]
        stored = list(Inbox(self._connection).get_verified(missing).values())
        return [*own, *self._sealing.with_bodies(self._connection, stored)]

    def confirm(self, id_: UUID, act: Act, occasion: Occasion, details: Pairs) -> None:
        """Take an operator's word for what doubtful notifications reported of a transaction."""
        content = NotificationContent(
            occasion.shop_id, occasion.mode, None, occasion.rule, occasion.rule_certainty, None
        )
        decision = Decider(content, [], occasion, self).confirm(id_, details)
        positions, parts = self._collect(decision, occasion, act.id)
        self.writes.acts.append(replace(act, positions=positions))
        self.writes.streams_by_origin[act.id] = (id_,)
        self._seal(act.id, None, parts)

    def answer(
        self, answer: Answer, body: bytes, content: NotificationContent, occasion: Occasion
    ) -> None:
        """Decide on what the platform answered to our own question."""
        stream_ids = streams_of(content)
        decision = Decider(content, stream_ids, occasion, self).decide()
        positions, parts = self._collect(decision, occasion, answer.id)
        outcome = AnswerOutcome.RECORDED if decision.changed else AnswerOutcome.REPEATED
        self.writes.answers.append(replace(answer, outcome=outcome, positions=positions))
        stream_ids += [each.id for each in decision.changed.values()]
        self.writes.streams_by_origin[answer.id] = tuple(stream_ids)
        self._seal(answer.id, body, parts)

    def load(self, ids: Sequence[UUID]) -> Mapping[UUID, LedgerAggregate]:
        """Return the aggregates that are known among these streams.

        Each is rehydrated when it is first asked for: nobody asks for those of a repeated call.
        """
        streams = self.loaded.streams
        missing = [id_ for id_ in ids if id_ not in self._aggregates]
        streams |= read_streams(self._connection, [id_ for id_ in missing if id_ not in streams])
        for id_ in missing:
            self._aggregates[id_] = self._rehydrate(id_, streams[id_])
        return {id_: known for id_ in ids if (known := self._aggregates[id_]) is not None}

    def stream_named(self, name_id: UUID) -> UUID | None:
        return self.loaded.stream_by_name.get(name_id)

    def recall(self, id_: UUID) -> Recollection:
        """Return what was said of a stream: by its events, and by calls that repeated them."""
        entries = read_streams(self._connection, [id_], with_details=True)[id_]
        events = self._event_store.whole(self._connection, entries)
        stream_ids = {id_, *(each.event.originator_id for each in events)}
        return StoredRecollection(
            self._added_to(stream_ids),
            events,
            opened=partial(self._sealing.opened, self._connection),
            repeats=lambda: sayings_in(self._repeats_of(stream_ids), stream_ids, self._stream_of),
        )

    def _added_to(self, stream_ids: Collection[UUID]) -> list[LedgerAggregate.Event]:
        """Return the events of streams that are not written yet."""
        return [
            self._event_store.event_of(new.stored_event)
            for new in self.writes.new_events
            if new.stored_event.originator_id in stream_ids
        ]

    def _repeats_of(self, stream_ids: Collection[UUID]) -> list[InboxRecord]:
        """Return deliveries that repeated these streams, with their bodies."""
        inbox = Inbox(self._connection)
        own = [
            repeat.notification_id
            for repeat in self.writes.repeats
            if repeat.originator_id in stream_ids
        ]
        first = self._sealing.with_bodies(self._connection, inbox.first_repeats(stream_ids))
        return [*first, *self._with_bodies(own)]

    def _stream_of(self, name_id: UUID) -> UUID:
        """Return the stream of a name, also of one that is not in this notification."""
        return self.stream_named(name_id) or stream_named(self._connection, name_id)

    def confirmed_at(self, id_: UUID) -> datetime | None:
        return self.loaded.confirmed_at.get(id_)

    def subscription_of(self, shop_id: str, mode: str, alias: str, order_id: str) -> str | None:
        self.loaded.alias_keys.add((shop_id, mode, alias))
        order_by_id = subscription_index.orders_by_subscription(
            self._connection, shop_id, mode, alias
        )
        for (*names, id_), row in self.writes.subscriptions.items():
            if names == [shop_id, mode, alias]:
                order_by_id[id_] = order_by_id.get(id_) or row["order_id"]
        ids = [id_ for id_, order in order_by_id.items() if order == order_id]
        return ids[0] if len(ids) == 1 else None

    def _collect(
        self, decision: Decision, occasion: Occasion, origin_id: str
    ) -> tuple[tuple[int, ...], list[bytes]]:
        """Collect what a decision adds, and let later notifications see it.

        Shape: the positions of the events that its notification is about; what they have to seal.
        """
        for id_ in decision.repeated:
            self.writes.repeats.append(Repeat(id_, occasion.notification_id, occasion.told_at))
        for stream_by_name in (self.loaded.stream_by_name, self.writes.stream_by_name):
            stream_by_name |= decision.stream_by_name
        for aggregate in decision.changed.values():
            self._aggregates[aggregate.id] = aggregate
            if isinstance(aggregate, Subscription):
                self._name(aggregate, decision.order_by_subscription.get(aggregate.id))
        new_positions, parts = [], list[bytes]()
        for stored_event in self._event_store.encode(decision.changed.values()):
            place = stored_event.originator_id, stored_event.originator_version
            position = PROVISIONAL + len(self.writes.new_events)
            self._position_by_place[place] = position
            part = None
            if stored_event.sealed_json is not None:
                part = len(parts)
                parts.append(stored_event.sealed_json)
            self.writes.new_events.append(NewEvent(stored_event, origin_id, part))
            new_positions.append(position)
        repeated = [self._position_by_place[place] for place in decision.repeated.values()]
        return tuple(new_positions or sorted(repeated)), parts

    def _name(self, subscription: Subscription, order_of_instalment: Fact | None) -> None:
        """Note how the platform calls a subscription; the order of its plan goes first."""
        names = {
            "shop_id": subscription.shop_id,
            "mode": subscription.mode,
            "alias": subscription.alias,
            "subscription_id": subscription.subscription_id,
        }
        order_id = subscription.facts.get("order_id") or order_of_instalment
        row = names | {
            "order_id": None if order_id is None else str(order_id),
            "originator_id": subscription.id,
        }
        key = tuple(names.values())
        if self.writes.subscriptions.setdefault(key, row)["order_id"] is None:
            self.writes.subscriptions[key] = row

    def _rehydrate(self, id_: UUID, entries: Sequence[Entry]) -> LedgerAggregate | None:
        """Return what a stream and those that have joined it add up to."""
        aggregate: LedgerAggregate | None = None
        for recorded in self._event_store.whole(self._connection, entries):
            event = recorded.event
            self._position_by_place[event.place] = recorded.position
            aggregate = event.mutate(aggregate or type(event).aggregate_class.initial(id_))
        return aggregate
