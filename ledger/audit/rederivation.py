"""Derives the events of a delivery from its body once more, and compares them with the stored."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec
import orjson

from ledger.aggregates.alias import Alias
from ledger.aggregates.event_catalogue import EVENT_CLASSES
from ledger.aggregates.subscription import Subscription
from ledger.aggregates.transaction import Transaction
from ledger.audit.stored_rows import UNREADABLE, StoredDelivery, StoredEvent
from ledger.instants import write_instant
from ledger.ipn.snapshots import (
    AliasSnapshot,
    Fact,
    NotificationContent,
    Pairs,
    Snapshot,
    SubscriptionSnapshot,
    TransactionSnapshot,
)
from ledger.projections.definition import EventRecord
from ledger.projections.engine.folding import decode_event
from ledger.recording.decider import instalment_facts
from ledger.storage.compressed_columns import read_details

INSTALMENT_TOPICS = {
    Subscription.InstalmentAccepted.TOPIC,
    Subscription.InstalmentRefused.TOPIC,
    Subscription.InstalmentProgressed.TOPIC,
}
"""They say how a transaction stood after all notifications about it, not what one body says."""

JOIN_TOPICS = {Transaction.Joined.TOPIC, Transaction.Continued.TOPIC}
"""They say that two streams are about one payment, which no body says of itself."""

_MOVES_NOTHING = INSTALMENT_TOPICS | {Alias.RegistrationRefused.TOPIC, Alias.RenewalRefused.TOPIC}
_FIELDS_BY_TOPIC = {
    topic: {*event_class.__dataclass_fields__, "class_version"}
    - {"originator_id", "originator_version"}
    for topic, event_class in EVENT_CLASSES.items()
}
UNREADABLE_STATE = (*UNREADABLE, msgspec.MsgspecError, AssertionError)


def decode(stored_event: StoredEvent) -> EventRecord:
    """Read the stored bytes of an event. Errors: those of UNREADABLE_STATE."""
    return decode_event(
        (
            stored_event.position,
            stored_event.originator_id,
            stored_event.version,
            stored_event.topic,
            stored_event.state_json,
        )
    )


def unknown_fields(stored_event: StoredEvent) -> list[str]:
    """Return the stored fields that no class of this topic has. Errors: those of UNREADABLE."""
    fields = orjson.loads(stored_event.state_json).keys()
    return sorted(fields - _FIELDS_BY_TOPIC[stored_event.topic])


def claimed_stream(record: EventRecord) -> UUID:
    """Return the id of the stream that an event belongs to by its own words."""
    shop_id, mode = record.shop_id, record.mode
    kind = _kind_of(record)
    if kind == Subscription.KIND:
        return Subscription.id_of(shop_id, mode, record.subscription_id, record.alias)
    return (Alias if kind == Alias.KIND else Transaction).id_of(shop_id, mode, record.reference)


def is_transaction(record: EventRecord) -> bool:
    """Return True if an event is about a transaction, whose stream has several names."""
    return _kind_of(record) == Transaction.KIND


class Rederivation:
    """Compares the events of one delivery with its body and its row in the inbox.

    What an event was made of comes from the body and must be found there again. What was decided
    from the history (class, rule, late, moved) is history's own, and only checked for its form.
    """

    def __init__(
        self,
        stored_delivery: StoredDelivery,
        content: NotificationContent,
        transactions: "TransactionStates",
        parts_by_origin: Mapping[str, Sequence[bytes]],
    ) -> None:
        self._content = content
        self._parts_by_origin = parts_by_origin
        self._transactions = transactions
        self._common = {
            "notification_id": stored_delivery.delivery.id,
            "timestamp": write_instant(stored_delivery.recorded_at),
            "received_at": write_instant(stored_delivery.delivery.received_at),
            "shop_id": content.shop_id,
            "mode": content.mode,
            "source": content.source,
            "doubtful": list(content.doubts) or None,
            "answered": content.is_asked,
            "told_at": None if content.told_at is None else write_instant(content.told_at),
        }

    def differences(self, stored_event: StoredEvent) -> Iterator[str]:
        """Yield each difference in words; nothing for an event that cannot be read at all."""
        if stored_event.topic not in EVENT_CLASSES:
            return
        try:
            record = decode(stored_event)
            pairs_by_name = self._pairs(stored_event)
        except UNREADABLE_STATE:
            return
        for name, expected in self._common.items():
            if getattr(record, name) != expected:
                yield f"{name} is {getattr(record, name)}, the delivery's is {expected}"
        yield from _malformed_decision(record)
        if record.topic in JOIN_TOPICS:
            yield from self._join_differences(record, pairs_by_name)
        elif record.topic in INSTALMENT_TOPICS:
            yield from self._instalment_differences(record, pairs_by_name)
        else:
            by_snapshot = self._by_snapshot(record, pairs_by_name)
            # a body may name an object twice: the snapshot that fits best counts
            missing = ["the body does not name this object"]
            yield from min(by_snapshot, key=len, default=missing)

    def _pairs(self, stored_event: StoredEvent) -> Mapping[str, Any]:
        """Return what an event says beside the facts, sealed parts included."""
        pairs = dict(_by_name(read_details(stored_event.stored_details)))
        parts = self._parts_by_origin.get(stored_event.origin_id)
        if stored_event.part is None or parts is None:
            return pairs
        sealed = _by_name(parts[stored_event.part])
        return {
            name: [*pairs.get(name, []), *sealed.get(name, [])]
            for name in pairs.keys() | sealed.keys()
        }

    def _by_snapshot(
        self, record: EventRecord, pairs_by_name: Mapping[str, Pairs]
    ) -> Iterator[list[str]]:
        """Yield the differences with each snapshot of the event's object."""
        kind = _kind_of(record)
        if kind == Transaction.KIND:
            for transaction in self._content.transactions:
                if transaction.reference == record.reference:
                    yield [*_transaction_differences(record, pairs_by_name, transaction)]
        elif kind == Alias.KIND:
            for alias in self._content.aliases:
                if alias.alias == record.reference:
                    yield [*_alias_differences(record, pairs_by_name, alias)]
        else:
            own = (record.subscription_id, record.alias)
            for subscription in self._content.subscriptions:
                if (subscription.subscription_id, subscription.alias) == own:
                    yield [*_subscription_differences(record, pairs_by_name, subscription)]

    def _join_differences(
        self, record: EventRecord, pairs_by_name: Mapping[str, Pairs]
    ) -> Iterator[str]:
        is_end = record.topic == Transaction.Continued.TOPIC
        uuid = record.other_reference if is_end else record.uuid
        if all(snapshot.uuid != uuid for snapshot in self._content.transactions):
            yield f"uuid is {uuid}, which the body does not name"
        name = "uuid" if is_end else "joined"
        yield from _pair_differences(pairs_by_name, [[name, record.other_reference]])

    def _instalment_differences(
        self, record: EventRecord, pairs_by_name: Mapping[str, Pairs]
    ) -> Iterator[str]:
        uuid = record.facts.get("transaction_uuid")
        if any(snapshot.uuid == uuid for snapshot in self._content.transactions):
            facts = self._transactions.facts_before(record.position, _instalment_name(record))
            yield from _fact_differences(record.facts, instalment_facts(str(uuid), facts))
            yield from _pair_differences(pairs_by_name)
        else:
            yield f"transaction_uuid is {uuid}, which the body does not name"


class TransactionStates:
    """States of transactions through time, from their events alone.

    Shape: `stream_by_name` leads from the id of a transaction's name to its stream.
    """

    def __init__(
        self, stored_events: Iterable[StoredEvent], stream_by_name: Mapping[UUID, UUID]
    ) -> None:
        self._stream_by_name = stream_by_name
        self._records: dict[UUID, list[EventRecord]] = {}
        for stored_event in stored_events:
            with suppress(*UNREADABLE_STATE):  # its own check says what is wrong with it
                stream_id = UUID(stored_event.originator_id)
                self._records.setdefault(stream_id, []).append(decode(stored_event))

    def facts_before(self, position: int, name_id: UUID) -> dict[str, Fact]:
        """Return the facts of a transaction as they stood before a position."""
        facts: dict[str, Fact] = {}
        for record in self._records.get(self._stream_by_name.get(name_id, name_id), ()):
            if record.position < position:
                facts.update(record.taken())
        return facts


def instalment_names(stored_events: Iterable[StoredEvent]) -> set[UUID]:
    """Return the names of the transactions that the instalment events among these are about."""
    name_ids = set()
    for stored_event in stored_events:
        if stored_event.topic in INSTALMENT_TOPICS:
            with suppress(*UNREADABLE_STATE):
                name_ids.add(_instalment_name(decode(stored_event)))
    return name_ids


def _instalment_name(record: EventRecord) -> UUID:
    reference = str(record.facts.get("transaction_uuid"))
    return Transaction.id_of(record.shop_id, record.mode, reference)


def _kind_of(record: EventRecord) -> str:
    return str(record.topic).partition(".")[0]


def _transaction_differences(
    record: EventRecord, pairs_by_name: Mapping[str, Pairs], snapshot: TransactionSnapshot
) -> Iterator[str]:
    yield from _fact_differences(record.facts, snapshot.facts)
    if record.uuid != snapshot.uuid:
        yield f"uuid is {record.uuid}, the body says {snapshot.uuid}"
    if (record.derived or []) != list(snapshot.derived):
        yield "other facts are marked as derived"
    yield from _mark_differences(record, snapshot)
    yield from _pair_differences(pairs_by_name, snapshot.details, snapshot.personal)


def _alias_differences(
    record: EventRecord, pairs_by_name: Mapping[str, Pairs], snapshot: AliasSnapshot
) -> Iterator[str]:
    facts = snapshot.facts
    if record.topic == Alias.Noticed.TOPIC:  # a mere use says no more of an alias than its means
        facts = {name: facts[name] for name in facts if name == "payment_method"}
    yield from _fact_differences(record.facts, facts)
    yield from _mark_differences(record, snapshot)
    yield from _pair_differences(pairs_by_name, snapshot.details, snapshot.personal)


def _subscription_differences(
    record: EventRecord, pairs_by_name: Mapping[str, Pairs], snapshot: SubscriptionSnapshot
) -> Iterator[str]:
    yield from _fact_differences(record.facts, snapshot.facts)
    yield from _mark_differences(record, snapshot)
    yield from _pair_differences(pairs_by_name, snapshot.details, snapshot.personal)


def _mark_differences(record: EventRecord, marked: Snapshot) -> Iterator[str]:
    if (record.odd or []) != list(marked.odd):
        yield "other fields are marked as odd"
    if (record.suspected or []) != list(marked.suspected):
        yield "other fields are marked as suspected card data"


def _fact_differences(facts: Mapping[str, Fact], derived: Mapping[str, Fact]) -> Iterator[str]:
    for name in sorted(facts.keys() | derived.keys()):
        if facts.get(name) != derived.get(name):
            yield f"{name} is {facts.get(name)}, the body says {derived.get(name)}"


def _pair_differences(
    pairs_by_name: Mapping[str, Pairs], details: Pairs | None = None, personal: Pairs | None = None
) -> Iterator[str]:
    """Yield only that they differ: what is about a person is in no line of an audit."""
    for name, derived in (("details", details), ("personal", personal)):
        if sorted(pairs_by_name.get(name, [])) != sorted(derived or []):
            yield f"{name} are not those of the body"


def _malformed_decision(record: EventRecord) -> Iterator[str]:
    """Yield what is impossible in a decision, whatever history it was taken from."""
    if record.moved is not None and not record.facts.keys() >= set(record.moved):
        yield "moved names facts that the event does not hold"
    if record.version == 1 and record.moved is not None and record.topic not in _MOVES_NOTHING:
        yield "the first event of a stream moves every fact it holds"


def _by_name(details_json: bytes | None) -> Mapping[str, Any]:
    pairs = {} if details_json is None else orjson.loads(details_json)
    if not isinstance(pairs, dict):
        raise TypeError("details are no object")
    return pairs
