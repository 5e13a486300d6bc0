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
    TransactionSnapshot,
)
from ledger.projections.definition import EventRecord
from ledger.projections.engine.folding import decode_event
from ledger.recording.decider import instalment_facts

INSTALMENT_TOPICS = frozenset(
    {
        Subscription.InstalmentAccepted.TOPIC,
        Subscription.InstalmentRefused.TOPIC,
        Subscription.InstalmentProgressed.TOPIC,
    }
)
"""They say how a transaction stood after all notifications about it, not what one body says."""

_MOVES_NOTHING = INSTALMENT_TOPICS | {Alias.RegistrationRefused.TOPIC, Alias.RenewalRefused.TOPIC}
UNREADABLE_STATE = (*UNREADABLE, msgspec.MsgspecError, AssertionError)


def decode(event: StoredEvent) -> EventRecord:
    """Read the stored bytes of an event. Errors: those of UNREADABLE_STATE."""
    return decode_event(
        (event.position, event.originator_id, event.version, event.topic, event.state)
    )


def claimed_stream(record: EventRecord) -> str:
    """Return the id of the stream that an event belongs to by its own words, as 32 hex digits."""
    kind = record.topic.partition(".")[0]
    if kind == Alias.KIND:
        return Alias.id_of(record.shop_id, record.mode, record.reference).hex
    if kind == Subscription.KIND:
        return Subscription.id_of(
            record.shop_id, record.mode, record.subscription_id, record.alias
        ).hex
    return Transaction.id_of(record.shop_id, record.mode, record.reference).hex


class Rederivation:
    """Compares the events of one delivery with its body and its row in the inbox.

    What an event was made of comes from the body and must be found there again. What was decided
    from the history (class, rule, late, moved) is history's own, and only checked for its form.
    """

    def __init__(
        self,
        stored: StoredDelivery,
        content: NotificationContent,
        transactions: "TransactionStates",
    ) -> None:
        self._content = content
        self._transactions = transactions
        self._common = {
            "notification_id": stored.delivery.id,
            "timestamp": write_instant(stored.recorded_at),
            "received_at": write_instant(stored.delivery.received_at),
            "shop_id": content.shop_id,
            "mode": content.mode,
            "source": content.source,
            "told_at": None if content.told_at is None else write_instant(content.told_at),
        }

    def differences(self, event: StoredEvent) -> Iterator[str]:
        """Yield each difference in words; nothing for an event that cannot be read at all."""
        if event.topic not in EVENT_CLASSES:
            return
        try:
            record = decode(event)
            details = _read_details(event.details)
        except UNREADABLE_STATE:
            return
        for name, expected in self._common.items():
            if getattr(record, name) != expected:
                yield f"{name} is {getattr(record, name)}, the delivery's is {expected}"
        yield from _malformed_decision(record)
        yield from self._from_body(record, details)

    def _from_body(self, record: EventRecord, details: Mapping[str, Pairs]) -> Iterator[str]:
        kind = record.topic.partition(".")[0]
        if kind == Transaction.KIND:
            yield from _closest(
                _transaction_differences(record, details, snapshot)
                for snapshot in self._content.transactions
                if snapshot.reference == record.reference
            )
        elif kind == Alias.KIND:
            yield from _closest(
                _alias_differences(record, details, snapshot)
                for snapshot in self._content.aliases
                if snapshot.alias == record.reference
            )
        elif record.topic in INSTALMENT_TOPICS:
            yield from self._instalment_differences(record, details)
        else:
            yield from _closest(
                [*_fact_differences(record.facts, snapshot.facts), *_pair_differences(details)]
                for snapshot in self._content.subscriptions
                if snapshot.subscription_id == record.subscription_id
                and snapshot.alias == record.alias
            )

    def _instalment_differences(
        self, record: EventRecord, details: Mapping[str, Pairs]
    ) -> Iterator[str]:
        uuid = record.facts.get("transaction_uuid")
        if not any(snapshot.uuid == uuid for snapshot in self._content.transactions):
            yield f"transaction_uuid is {uuid}, which the body does not name"
            return
        facts = self._transactions.facts_before(record.position, _instalment_stream(record))
        yield from _fact_differences(record.facts, instalment_facts(str(uuid), facts))
        yield from _pair_differences(details)


class TransactionStates:
    """States of transactions through time, from their events alone."""

    def __init__(self, events: Iterable[StoredEvent]) -> None:
        self._records: dict[UUID, list[EventRecord]] = {}
        for event in events:
            with suppress(*UNREADABLE_STATE):  # its own check says what is wrong with it
                self._records.setdefault(UUID(event.originator_id), []).append(decode(event))

    def facts_before(self, position: int, stream: UUID) -> dict[str, Fact]:
        """Return the facts of a transaction as they stood before a position."""
        facts: dict[str, Fact] = {}
        for record in self._records.get(stream, ()):
            if record.position < position:
                facts.update(record.taken())
        return facts


def instalment_streams(events: Iterable[StoredEvent]) -> list[UUID]:
    """Return the streams of the transactions that the instalment events among these are about."""
    streams: dict[UUID, None] = {}
    for event in events:
        if event.topic in INSTALMENT_TOPICS:
            with suppress(*UNREADABLE_STATE):
                streams[_instalment_stream(decode(event))] = None
    return list(streams)


def _instalment_stream(record: EventRecord) -> UUID:
    reference = str(record.facts.get("transaction_uuid"))
    return Transaction.id_of(record.shop_id, record.mode, reference)


def _closest(by_snapshot: Iterator[list[str]]) -> list[str]:
    """Return the differences with the snapshot that fits best: a body may name an object twice."""
    return min(by_snapshot, key=len, default=["the body does not tell of this thing"])


def _transaction_differences(
    record: EventRecord, details: Mapping[str, Pairs], snapshot: TransactionSnapshot
) -> list[str]:
    differences = [*_fact_differences(record.facts, snapshot.facts)]
    if record.uuid != snapshot.uuid:
        differences.append(f"uuid is {record.uuid}, the body says {snapshot.uuid}")
    if (record.odd or []) != list(snapshot.odd):
        differences.append("other fields are marked as odd")
    return [*differences, *_pair_differences(details, snapshot.details, snapshot.personal)]


def _alias_differences(
    record: EventRecord, details: Mapping[str, Pairs], snapshot: AliasSnapshot
) -> list[str]:
    facts = snapshot.facts
    if record.topic == Alias.Noticed.TOPIC:  # a mere use says no more of an alias than its means
        facts = {name: facts[name] for name in facts if name == "payment_method"}
    return [
        *_fact_differences(record.facts, facts),
        *_pair_differences(details, personal=snapshot.personal),
    ]


def _fact_differences(stored: Mapping[str, Fact], derived: Mapping[str, Fact]) -> Iterator[str]:
    if stored == derived:
        return
    for name in sorted(stored.keys() | derived.keys()):
        if stored.get(name) != derived.get(name):
            yield f"{name} is {stored.get(name)}, the body says {derived.get(name)}"


def _pair_differences(
    stored: Mapping[str, Pairs], details: Pairs | None = None, personal: Pairs | None = None
) -> Iterator[str]:
    """Yield only that they differ: what is about a person is in no line of an audit."""
    for name, derived in (("details", details), ("personal", personal)):
        if stored.get(name, []) != (derived or []):
            yield f"{name} are not those of the body"


def _malformed_decision(record: EventRecord) -> Iterator[str]:
    """Yield what is impossible in a decision, whatever history it was taken from."""
    if record.moved is not None and not record.facts.keys() >= set(record.moved):
        yield "moved names facts that the event does not tell"
    if record.version == 1 and record.moved is not None and record.topic not in _MOVES_NOTHING:
        yield "the first event of a stream moves every fact it tells"


def _read_details(stored: bytes | None) -> Mapping[str, Any]:
    if stored is None:
        return {}
    details = orjson.loads(stored)
    if not isinstance(details, dict):
        raise TypeError("details are no object")
    return details


def unknown_fields(event: StoredEvent) -> Sequence[str]:
    """Return the fields in the stored bytes that no class of this topic has.

    Errors: those of UNREADABLE.
    """
    return sorted(orjson.loads(event.state).keys() - _FIELDS_BY_TOPIC[event.topic])


_OF_STREAM = {"originator_id", "originator_version"}
_FIELDS_BY_TOPIC = {
    topic: (set(event_class.__dataclass_fields__) - _OF_STREAM) | {"class_version"}
    for topic, event_class in EVENT_CLASSES.items()
}
