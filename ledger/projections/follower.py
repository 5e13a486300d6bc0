"""Brings one generation forward along the log: a batch at a time, exactly once, at any kill."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ledger.projections import generations as g
from ledger.projections.folding import Folded, Poison, StoredRow, fold, poison
from ledger.projections.reading import WHOLE, Shard, Source
from ledger.projections.view import Projection
from ledger.projections.writing import REFUSALS, groups_kept, write_rows
from ledger.storage.database import Database

BATCH = 5000


@dataclass(frozen=True)
class Follower:
    """Applies a generation's part of the log, batch by batch.

    Shape: `write` brings rows to the tables; without one they are merged, and groups kept true.
    """

    database: Database
    generation: g.Generation
    view: Projection
    shard: Shard = WHOLE
    source: Source = field(default_factory=Source)
    write: "Write | None" = None

    def position(self) -> int:
        """How far it is. Errors: NotFoundError when the generation was dropped."""
        with self.database.connect() as connection:
            return g.position_of(connection, self.generation, self.shard.index)

    def step(self, until: int, batch: int = BATCH) -> int:
        """Apply one batch of positions up to `until`; the position reached.

        Rows and position move in one database transaction; when somebody else has moved the
        position, nothing is written.
        """
        with self.database.connect() as connection:
            position = g.position_of(connection, self.generation, self.shard.index)
            end = min(until, position + batch)
            if end <= position:
                return position
            events = self.source.events(
                connection, self.view, after=position, until=end, shard=self.shard
            )
        folded = fold(self.view, events, read=self.source.read)
        with self.database.begin() as connection:
            is_mine = g.advance(
                connection, self.generation.id, self.shard.index, before=position, after=end
            )
            if is_mine:
                self._apply(connection, events, folded)
        return end if is_mine else position

    def _apply(self, connection: Connection, events: Sequence[StoredRow], folded: Folded) -> None:
        refold = partial(fold, self.view, read=self.source.read)
        found = write_folded(connection, events, folded, self.write or self._merge, refold)
        g.note_poison(connection, self.generation.id, found)

    def _merge(self, connection: Connection, folded: Folded) -> None:
        tables = g.tables_of(self.view, self.generation.id)
        with groups_kept(connection, self.view, tables, folded.rows):
            for table, rows in folded.rows.items():
                write_rows(connection, tables[table], rows, new=folded.new.get(table, ()))


Write = Callable[[Connection, Folded], None]
Refold = Callable[[Sequence[StoredRow]], Folded]


def write_folded(
    connection: Connection,
    events: Sequence[StoredRow],
    folded: Folded,
    write: Write,
    refold: Refold,
) -> list[Poison]:
    """Write what events bring, within a transaction; those that were passed over.

    What the database refuses once may go well the next time: an event is passed over when it is
    refused a second time, alone.
    """
    try:
        with connection.begin_nested():
            write(connection, folded)
    except REFUSALS:
        return _without_refused(connection, events, write, refold)
    return folded.poison


def _without_refused(
    connection: Connection, events: Sequence[StoredRow], write: Write, refold: Refold
) -> list[Poison]:
    """Halve until the events that the database refuses stand alone, and keep the others."""
    folded = refold(events)
    try:
        with connection.begin_nested():
            write(connection, folded)
    except REFUSALS as error:
        if len(events) == 1:
            return [poison(events[0], _cause(error))]
        middle = len(events) // 2
        return [
            *_without_refused(connection, events[:middle], write, refold),
            *_without_refused(connection, events[middle:], write, refold),
        ]
    return folded.poison


def _cause(error: Exception) -> Exception:
    """What the database itself said."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return cause if isinstance(cause, Exception) else error
