"""Appends notifications, one or several, in one database transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from eventsourcing.persistence import StoredEvent
from sqlalchemy import Connection

from ledger.aggregates.observed import Observed
from ledger.formats.snapshot import Told
from ledger.notification import Notification
from ledger.recording.decider import Deciding, Decision, streams_of
from ledger.storage import references
from ledger.storage.additions import Addition, Additions, Asked, Known, New, Place, Way
from ledger.storage.journal import JournalRow, Repeat
from ledger.storage.mapper import Entry
from ledger.storage.references import Names

if TYPE_CHECKING:
    from ledger.application import Ledger

Verified = tuple[Notification, Told]


class Batch:
    """One attempt at appending some notifications together, all of them or none.

    Later notifications of the batch see what earlier ones added, as if each had been committed.
    Shape: `readmitted` is the row that a batch of one has in quarantine, if it comes from there.
    """

    def __init__(
        self,
        ledger: "Ledger",
        way: Way,
        connection: Connection,
        verified: Sequence[Verified],
        readmitted: JournalRow | None = None,
    ) -> None:
        assert readmitted is None or len(verified) == 1
        self._readmitted = readmitted
        self._ledger = ledger
        self._way = way
        self._connection = connection
        self._verified = verified
        self._asked = [_asked(*one) for one in verified]
        known = way.known(connection, self._asked)
        self._recorded: dict[str, Sequence[Place]] = dict(known.positions_by_digest)
        self._memory = Past(ledger, connection, known)
        self._additions = Additions()

    def append(self) -> list[tuple[JournalRow, tuple[int, ...]]]:
        """Decide and write. Shape: each delivery, and where the events stand that it tells of.

        Errors: IntegrityError, AlreadyRecorded when others were faster.
        """
        for (notification, told), asked in zip(self._verified, self._asked, strict=True):
            self._decide(notification, told, asked.streams)
        self._additions.references += self._memory.names
        positions = self._way.add(self._connection, self._additions)
        return [(one.row, one.placed(positions)) for one in self._additions.deliveries]

    def _decide(self, notification: Notification, told: Told, streams: Sequence[UUID]) -> None:
        row = self._ledger.row_of(notification, told, self._readmitted)
        places = self._recorded.get(notification.signed_digest)
        if places is not None:
            self._keep(replace(row, outcome="repeated"), places)
            return
        is_readmitted = self._readmitted is not None
        occasion = self._ledger.occasion_of(row, told, is_readmitted=is_readmitted)
        decision = Deciding(told, streams, occasion, self._memory).decide()
        self._memory.remember(decision)
        for id_ in decision.repeated:
            self._additions.repeats.append(Repeat(id_, row.id, told.told_at))
        if decision.changed:
            places = [self._place(event, row.id) for event in self._ledger.stored(decision)]
        else:
            row, places = replace(row, outcome="repeated"), self._memory.places(decision.repeated)
        self._recorded[notification.signed_digest] = places
        self._keep(row, places)

    def _keep(self, row: JournalRow, places: Sequence[Place]) -> None:
        self._additions.deliveries.append(Addition(row, places))

    def _place(self, event: StoredEvent, notification_id: str) -> Place:
        place = New(len(self._additions.events))
        self._additions.events.append((event, notification_id))
        self._memory.place(event, place)
        return place


def _asked(notification: Notification, told: Told) -> Asked:
    streams = streams_of(told)
    dated = streams[: len(told.transactions)] if told.told_at else []
    return Asked(notification.signed_digest, streams, dated)


class Past:
    """The past as a batch sees it, with what it has added itself.

    Shape: `names` of subscriptions are those that the batch adds.
    """

    def __init__(self, ledger: "Ledger", connection: Connection, known: Known) -> None:
        self._ledger = ledger
        self._connection = connection
        self._aggregates: dict[UUID, Observed | None] = {}
        self._place_by_version: dict[tuple[UUID, int], Place] = {}
        self._confirmed = known.confirmed_at
        self._names: dict[tuple[str, str, str, str], Names] = {}
        self._streams = dict(known.streams)

    def load(self, ids: Iterable[UUID]) -> Mapping[UUID, Observed]:
        """The aggregates that are known among these streams, brought to life when they are asked
        for: of a call that was recorded before nobody asks."""
        wanted = list(ids)
        lacking = [one for one in wanted if one not in self._aggregates]
        self._read([one for one in lacking if one not in self._streams])
        for id_ in lacking:
            self._aggregates[id_] = self._brought_to_life(id_, self._streams[id_])
        return {one: known for one in wanted if (known := self._aggregates[one]) is not None}

    def confirmed_at(self, ids: Iterable[UUID]) -> Mapping[UUID, datetime]:
        return {one: self._confirmed[one] for one in ids if one in self._confirmed}

    def subscription_of(self, shop_id: str, mode: str, alias: str, order_id: str) -> str | None:
        order_by_id = references.orders_by_subscription(self._connection, shop_id, mode, alias)
        for names in self._names.values():
            if (names["shop_id"], names["mode"], names["alias"]) == (shop_id, mode, alias):
                known = order_by_id.get(names["subscription_id"])
                order_by_id[names["subscription_id"]] = known or names["order_id"]
        found = [one for one, told_for in order_by_id.items() if told_for == order_id]
        return found[0] if len(found) == 1 else None

    @property
    def names(self) -> list[Names]:
        return list(self._names.values())

    def remember(self, decision: Decision) -> None:
        """Let later notifications of the batch see what this one brought into being."""
        for aggregate in decision.changed:
            self._aggregates[aggregate.id] = aggregate
        for names in references.names_of(decision.changed, decision.order_by_subscription):
            key = (names["shop_id"], names["mode"], names["subscription_id"], names["alias"])
            told_first = self._names.get(key)
            if told_first is None or told_first["order_id"] is None:
                self._names[key] = names

    def place(self, event: StoredEvent, place: Place) -> None:
        assert isinstance(event.originator_id, UUID)
        self._place_by_version[event.originator_id, event.originator_version] = place

    def places(self, repeated: Mapping[UUID, int]) -> list[Place]:
        """Where the events stand that a repeat repeats: new ones stand behind all others."""
        found = [self._place_by_version.get(one) for one in repeated.items()]
        return sorted((one for one in found if one is not None), key=_in_order)

    def _read(self, ids: Collection[UUID]) -> None:
        if ids:
            self._streams |= self._ledger.recorder.select_streams(list(ids), self._connection)

    def _brought_to_life(self, id_: UUID, entries: Sequence[Entry]) -> Observed | None:
        aggregate: Observed | None = None
        for entry in entries:
            self._place_by_version[id_, entry.originator_version] = entry.id
            aggregate = self._ledger.read_entry(entry).event.mutate(aggregate)
        return aggregate


def _in_order(place: Place) -> tuple[bool, int]:
    return (True, place.index) if isinstance(place, New) else (False, place)
