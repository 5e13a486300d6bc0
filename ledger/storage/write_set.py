"""What a unit of work reads before it decides and writes afterwards: the same on any database."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import Connection

from ledger.storage.event_mapper import Entry, StoredEntry
from ledger.storage.inbox import InboxRecord, Repeat
from ledger.storage.subscription_index import SubscriptionRow


class LoadRequest(NamedTuple):
    """What one notification needs to have loaded.

    Shape: `streams` are those that it names itself, `dated` those of them about which it has the
    platform's own time.
    """

    signed_digest: str
    streams: Sequence[UUID]
    dated: Sequence[UUID]


@dataclass(slots=True)
class Loaded:
    """The history that notifications are compared with.

    Shape: the positions of the events of those that are recorded already, by signed digest; every
    event of the streams that the others name, in version order; when the platform last repeated
    the state of the dated streams.
    """

    positions_by_digest: dict[str, tuple[int, ...]]
    streams: dict[UUID, list[Entry]]
    confirmed_at: dict[UUID, datetime]


@dataclass(frozen=True, slots=True)
class NewEvent:
    """The position that a new event will get. Shape: its index among the new events."""

    index: int


EventPosition = int | NewEvent


class NewDelivery(NamedTuple):
    """A delivery for the inbox, and the positions of the events that it is about."""

    row: InboxRecord
    positions: Sequence[EventPosition]

    def final_positions(self, new_positions: Sequence[int]) -> tuple[int, ...]:
        """Return the positions, once the new events have theirs."""
        return tuple(
            position if isinstance(position, int) else new_positions[position.index]
            for position in self.positions
        )


@dataclass(slots=True)
class WriteSet:
    """All that a unit of work adds. Shape: each event with the id of its notification."""

    events: list[tuple[StoredEntry, str]] = field(default_factory=list)
    deliveries: list[NewDelivery] = field(default_factory=list)
    repeats: list[Repeat] = field(default_factory=list)
    subscriptions: list[SubscriptionRow] = field(default_factory=list)


class WriteStrategy(Protocol):
    """How a unit of work reads and writes; each strategy stores the same rows, byte for byte."""

    def begin(self) -> AbstractContextManager[Connection]:
        """Open a connection on which one write set may be written, all of it or nothing."""

    def load(self, connection: Connection, requests: Sequence[LoadRequest]) -> Loaded:
        """Read what the decisions need."""

    def write(self, connection: Connection, writes: WriteSet) -> list[int]:
        """Write. Shape: the positions of the events, in the order given.

        Errors: those of SQLAlchemy and of the recorder; an IntegrityError or AlreadyRecorded
        means that others were faster.
        """
