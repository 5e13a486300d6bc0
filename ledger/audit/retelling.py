"""What a delivery's events must say, from its body translated again."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec
import orjson

from ledger.aggregates.alias import Alias
from ledger.aggregates.subscription import Subscription
from ledger.aggregates.transaction import Transaction
from ledger.audit.stored import UNREADABLE, Kept, StoredEvent
from ledger.formats.snapshot import AliasSnapshot, Fact, Pairs, Told, TransactionSnapshot
from ledger.projections.folding import read_stored
from ledger.projections.view import StoredView
from ledger.recording.decider import instalment_facts
from ledger.storage.mapper import write_moment
from ledger.vocabulary import EVENT_CLASSES

OF_INSTALMENTS = frozenset(
    one.TOPIC
    for one in (
        Subscription.InstalmentAccepted,
        Subscription.InstalmentRefused,
        Subscription.InstalmentProgressed,
    )
)
"""They tell how a transaction stood after all that was told of it, not what one body says."""


def view_of(event: StoredEvent) -> StoredView:
    """Read an event. Errors: one of UNREADABLE, or msgspec's for a state of another shape."""
    return read_stored(
        (event.position, event.originator_id, event.version, event.topic, event.state)
    )


UNREADABLE_STATE = (*UNREADABLE, msgspec.MsgspecError, AssertionError)


def stream_of(view: StoredView) -> str:
    """The stream that an event tells of, by what it claims. Shape: 32 hex digits."""
    kind = view.topic.partition(".")[0]
    if kind == Alias.KIND:
        return Alias.id_of(view.shop_id, view.mode, view.reference).hex
    if kind == Subscription.KIND:
        id_ = Subscription.id_of(view.shop_id, view.mode, view.subscription_id, view.alias)
        return id_.hex
    return Transaction.id_of(view.shop_id, view.mode, view.reference).hex


class Retelling:
    """Compares the events of one delivery with its body and its row in the journal.

    What an event was made of comes from the body and must be found there again. What was decided
    from the history (class, rule, late, moved) is history's own, and only checked for its form.
    """

    def __init__(self, row: Kept, told: Told, lives: "Lives") -> None:
        self._told = told
        self._lives = lives
        self._common = {
            "notification_id": row.delivery.id,
            "timestamp": write_moment(row.recorded_at),
            "received_at": write_moment(row.delivery.received_at),
            "shop_id": told.shop_id,
            "mode": told.mode,
            "source": told.source,
            "told_at": None if told.told_at is None else write_moment(told.told_at),
        }

    def differences(self, event: StoredEvent) -> Iterator[str]:
        """Each difference in words; nothing for an event that cannot be read at all."""
        if event.topic not in EVENT_CLASSES:
            return
        try:
            view = view_of(event)
            apart = _apart(event.details)
        except UNREADABLE_STATE:
            return
        for name, value in self._common.items():
            if getattr(view, name) != value:
                yield f"{name} is {getattr(view, name)}, the delivery's is {value}"
        yield from _form(view)
        yield from self._retold(view, apart)

    def _retold(self, view: StoredView, apart: Mapping[str, Pairs]) -> Iterator[str]:
        kind = view.topic.partition(".")[0]
        if kind == Transaction.KIND:
            yield from _closest(
                list(_of_transaction(view, apart, one))
                for one in self._told.transactions
                if one.reference == view.reference
            )
        elif kind == Alias.KIND:
            yield from _closest(
                list(_of_alias(view, apart, one))
                for one in self._told.aliases
                if one.alias == view.reference
            )
        elif view.topic in OF_INSTALMENTS:
            yield from self._of_instalment(view, apart)
        else:
            yield from _closest(
                [*_facts(view.facts, one.facts), *_pairs(apart, [], [])]
                for one in self._told.subscriptions
                if (one.subscription_id, one.alias) == (view.subscription_id, view.alias)
            )

    def _of_instalment(self, view: StoredView, apart: Mapping[str, Pairs]) -> Iterator[str]:
        """It tells how its transaction stood once everything up to it was told."""
        uuid = view.facts.get("transaction_uuid")
        if not any(one.uuid == uuid for one in self._told.transactions):
            yield f"transaction_uuid is {uuid}, which the body does not name"
            return
        stood = self._lives.facts(transaction_of(view), before=view.position)
        yield from _facts(view.facts, instalment_facts(str(uuid), stood))
        yield from _pairs(apart, [], [])


class Lives:
    """Some transactions through time, from their events alone."""

    def __init__(self, events: Iterable[StoredEvent]) -> None:
        self._views: dict[UUID, list[StoredView]] = {}
        for one in events:
            with suppress(*UNREADABLE_STATE):  # its own check says what is wrong with it
                self._views.setdefault(UUID(one.originator_id), []).append(view_of(one))

    def facts(self, stream: UUID, *, before: int) -> dict[str, Fact]:
        """How a transaction stood before a position."""
        facts: dict[str, Fact] = {}
        for view in self._views.get(stream, ()):
            if view.position < before:
                facts.update(view.taken())
        return facts


def transaction_of(view: StoredView) -> UUID:
    """The stream of the transaction that an instalment's event is about."""
    reference = str(view.facts.get("transaction_uuid"))
    return Transaction.id_of(view.shop_id, view.mode, reference)


def transactions_of(events: Iterable[StoredEvent]) -> list[UUID]:
    """The transactions behind the events of instalments among these."""
    found: dict[UUID, None] = {}
    for one in events:
        if one.topic in OF_INSTALMENTS:
            with suppress(*UNREADABLE_STATE):
                found[transaction_of(view_of(one))] = None
    return list(found)


def _closest(found: Iterator[list[str]]) -> list[str]:
    """The differences with the snapshot that fits best: a body may tell of a thing twice."""
    return min(found, key=len, default=["the body does not tell of this thing"])


def _of_transaction(
    view: StoredView, apart: Mapping[str, Pairs], snapshot: TransactionSnapshot
) -> Iterator[str]:
    yield from _facts(view.facts, snapshot.facts)
    if view.uuid != snapshot.uuid:
        yield f"uuid is {view.uuid}, the body says {snapshot.uuid}"
    if (view.odd or []) != list(snapshot.odd):
        yield "other fields are marked as odd"
    yield from _pairs(apart, snapshot.details, snapshot.personal)


def _of_alias(
    view: StoredView, apart: Mapping[str, Pairs], snapshot: AliasSnapshot
) -> Iterator[str]:
    told = snapshot.facts
    if view.topic == Alias.Noticed.TOPIC:  # a mere use tells no more of an alias than its means
        told = {name: told[name] for name in told if name == "payment_method"}
    yield from _facts(view.facts, told)
    yield from _pairs(apart, [], snapshot.personal)


def _facts(kept: Mapping[str, Fact], told: Mapping[str, Fact]) -> Iterator[str]:
    if kept == told:
        return
    for name in sorted(kept.keys() | told.keys()):
        if kept.get(name) != told.get(name):
            yield f"{name} is {kept.get(name)}, the body says {told.get(name)}"


def _pairs(apart: Mapping[str, Pairs], details: Pairs, personal: Pairs) -> Iterator[str]:
    """Only that they differ: what is about a person is in no line of an audit."""
    for name, told in (("details", details), ("personal", personal)):
        if apart.get(name, []) != told:
            yield f"{name} are not those of the body"


def _form(view: StoredView) -> Iterator[str]:
    """What can be said of a decision without the history it was taken from."""
    if view.moved is not None and not view.facts.keys() >= set(view.moved):
        yield "moved names facts that the event does not tell"
    if view.version == 1 and view.moved is not None and view.topic not in _MOVES_NOTHING:
        yield "the first event of a stream moves every fact it tells"


_MOVES_NOTHING = OF_INSTALMENTS | {Alias.RegistrationRefused.TOPIC, Alias.RenewalRefused.TOPIC}


def _apart(details: bytes | None) -> Mapping[str, Any]:
    if details is None:
        return {}
    told = orjson.loads(details)
    if not isinstance(told, dict):
        raise TypeError("details are no object")
    return told


def unknown_names(event: StoredEvent) -> Sequence[str]:
    """Names in the stored bytes that no class of this topic has. Errors: one of UNREADABLE."""
    return sorted(orjson.loads(event.state).keys() - _NAMES[event.topic])


_OF_STREAM = {"originator_id", "originator_version"}
_NAMES = {
    topic: (set(one.__dataclass_fields__) - _OF_STREAM) | {"class_version"}
    for topic, one in EVENT_CLASSES.items()
}
