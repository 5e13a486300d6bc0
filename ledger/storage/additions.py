"""What a batch has to know before it decides, and what it adds: the same in whatever way."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from eventsourcing.persistence import StoredEvent
from sqlalchemy import Connection

from ledger.storage.journal import JournalRow, Repeat
from ledger.storage.mapper import Entry
from ledger.storage.references import Names


class Asked(NamedTuple):
    """One notification, as far as the past is asked about it.

    Shape: `streams` are those it names itself, `dated` those of them of which it tells something
    with the platform's own time.
    """

    signed_digest: str
    streams: Sequence[UUID]
    dated: Sequence[UUID]


@dataclass(slots=True)
class Known:
    """The past that some notifications are compared with.

    Shape: where the events stand of those that are recorded, by signed digest; every event of the
    streams that the others name, in version order; when the platform last repeated what it had
    told of the dated ones.
    """

    positions_by_digest: dict[str, tuple[int, ...]]
    streams: dict[UUID, list[Entry]]
    confirmed_at: dict[UUID, datetime]


@dataclass(frozen=True, slots=True)
class New:
    """Where an event of the batch itself will stand. Shape: its index among the new events."""

    index: int


Place = int | New


class Addition(NamedTuple):
    """A delivery to be kept, and where the events stand that it tells of."""

    row: JournalRow
    places: Sequence[Place]

    def placed(self, positions: Sequence[int]) -> tuple[int, ...]:
        """Where they stand, once the new events have their positions."""
        return tuple(one if isinstance(one, int) else positions[one.index] for one in self.places)


@dataclass(slots=True)
class Additions:
    """All that a batch adds. Shape: each event with the id of its notification."""

    events: list[tuple[StoredEvent, str]] = field(default_factory=list)
    deliveries: list[Addition] = field(default_factory=list)
    repeats: list[Repeat] = field(default_factory=list)
    references: list[Names] = field(default_factory=list)


class Way(Protocol):
    """How a batch reads and writes; each gives the same rows, byte for byte."""

    def begin(self) -> AbstractContextManager[Connection]:
        """Where a batch may be appended: once, and everything of it or nothing."""

    def known(self, connection: Connection, asked: Sequence[Asked]) -> Known:
        """Read what the decisions need."""

    def add(self, connection: Connection, additions: Additions) -> list[int]:
        """Write. Shape: the positions of the events, in the order given.

        Errors: those of SQLAlchemy and of the recorder; an IntegrityError or AlreadyRecorded
        means that others were faster.
        """
