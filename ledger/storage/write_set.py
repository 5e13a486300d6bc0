"""What a unit of work reads before it decides and writes afterwards: the same on any database."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import Connection

from ledger.storage.acts import Act
from ledger.storage.answers import Answer
from ledger.storage.decisions import LaterDecision
from ledger.storage.event_mapper import Entry
from ledger.storage.event_recorder import NewEvent
from ledger.storage.inbox import InboxRecord, Repeat
from ledger.storage.sealed_rows import SealedOrigin
from ledger.storage.subscription_index import SubscriptionRow

PROVISIONAL = 2**62
"""The n-th new event of a write set stands at `PROVISIONAL + n`, behind all that are stored, until
it is written and has its own position."""


class LoadRequest(NamedTuple):
    """What one notification needs to have loaded.

    Shape: `stream_ids` are those that it names itself, `dated` those of them about which it has the
    platform's own time; `text_tags` those of its signed text, if names are not signed.
    """

    signed_tag: str
    stream_ids: Sequence[UUID]
    dated: Sequence[UUID]
    text_tags: Sequence[str] = ()


@dataclass(slots=True)
class Loaded:
    """The history that notifications are compared with.

    Shape: the positions of the events of those that are recorded already, by signed tag; every
    event of the streams that the others name, in version order; when the platform last repeated
    the state of the dated streams; which streams their names lead to; which recorded notifications
    hold the signed texts, by tag. What was asked for, and of which aliases (shop, mode, alias) the
    subscriptions were read.
    """

    positions_by_tag: dict[str, tuple[int, ...]]
    streams: dict[UUID, list[Entry]]
    confirmed_at: dict[UUID, datetime]
    stream_by_name: dict[UUID, UUID] = field(default_factory=dict)
    texts_by_tag: dict[str, str] = field(default_factory=dict)
    requests: Sequence[LoadRequest] = ()
    alias_keys: set[tuple[str, str, str]] = field(default_factory=set)


@dataclass(slots=True)
class WriteSet:
    """All that a unit of work adds.

    Shape: events with their origins; deliveries, decisions, acts and answers with provisional
    positions; what their origins seal; subscriptions by what the platform calls them; names of
    transactions; the streams that origins are about, by any of their names: of erased ones no
    secret is stored.
    """

    new_events: list[NewEvent] = field(default_factory=list)
    deliveries: list[InboxRecord] = field(default_factory=list)
    decisions: list[LaterDecision] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    sealed_origins: list[SealedOrigin] = field(default_factory=list)
    repeats: list[Repeat] = field(default_factory=list)
    subscriptions: dict[tuple[str, ...], SubscriptionRow] = field(default_factory=dict)
    stream_by_name: dict[UUID, UUID] = field(default_factory=dict)
    streams_by_origin: dict[str, tuple[UUID, ...]] = field(default_factory=dict)


def final_positions(positions: Sequence[int], new_positions: Sequence[int]) -> tuple[int, ...]:
    """Return the positions, once the new events have theirs."""
    return tuple(
        position if position < PROVISIONAL else new_positions[position - PROVISIONAL]
        for position in positions
    )


class WriteStrategy(Protocol):
    """How a unit of work reads and writes; each strategy stores the same rows, byte for byte."""

    def begin(self) -> AbstractContextManager[Connection]:
        """Open a connection on which one write set may be written, all of it or nothing."""

    def load(self, connection: Connection, requests: Sequence[LoadRequest]) -> Loaded:
        """Read what the decisions need."""

    def lock(self, connection: Connection, loaded: Loaded) -> bool:
        """Keep all others from writing, where a database lets one write at a time.

        Shape: False when something that was loaded is not as it was: decide again, under the lock.
        Elsewhere it is always True: constraints refuse whoever comes second.
        """

    def write(self, connection: Connection, writes: WriteSet) -> list[int]:
        """Write. Shape: the positions of the events, in the order given.

        Errors: those of SQLAlchemy; an IntegrityError or AlreadyRecorded means that others were
        faster.
        """
