"""Follow the log with one generation: a batch at a time, exactly once, wherever it is killed.

One event never stops a generation: what the database refuses is narrowed down to single events,
and those are skipped as poison. A fault of the database itself skips nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import sleep

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ledger.projections.definition import Projection
from ledger.projections.engine.event_reader import EventReader
from ledger.projections.engine.folding import Poison, RowChanges, StoredRow, fold, poison
from ledger.projections.engine.generations import (
    FOLLOWING,
    Generation,
    advance,
    live_generation,
    note_poison,
    position_of,
)
from ledger.projections.engine.groupings import updated_groupings
from ledger.projections.engine.lone_failures import FAILURES_MAX, FailedAlone, LoneFailures
from ledger.projections.engine.writing import write_rows
from ledger.storage.database import Database
from ledger.storage.database_errors import Blame, blame_of

BATCH = 5000
PAUSE_SECONDS = 0.2
"""Between two tries at a batch in which an event failed and nobody knows whose fault it is."""


Write = Callable[[Connection, RowChanges], None]
Refold = Callable[[Sequence[StoredRow]], RowChanges]


@dataclass(frozen=True)
class Follower:
    """Applies the log, or a part of it, to a generation, batch by batch.

    Shape: `write` writes row changes; by default rows are merged, and groupings updated.
    `lone_failures` are kept from one step to the next by whoever makes a follower for each.
    """

    database: Database
    generation: Generation
    part: int = FOLLOWING
    reader: EventReader = field(default_factory=EventReader)
    write: Write | None = None
    lone_failures: LoneFailures = field(default_factory=LoneFailures)

    def position(self) -> int:
        """Return the position it has reached. Errors: NotFoundError if it was dropped."""
        with self.database.connect() as connection:
            return position_of(connection, self.generation, self.part)

    def run(
        self, until: int, *, batch: int = BATCH, after_batch: Callable[[int], None] | None = None
    ) -> int:
        """Apply all batches up to a position; return the position reached.

        Shape: `after_batch` is called with the position after each batch; what it raises ends
        the run between two batches.
        """
        while True:
            position = self._step_patiently(until, batch)
            if after_batch is not None:
                after_batch(position)
            if position >= until:
                return position

    def step(self, until: int, batch: int = BATCH) -> int:
        """Apply one batch of positions up to `until`; return the position reached.

        Rows and position move in one database transaction; when somebody else has moved the
        position, nothing is written. An event that fails alone, for a reason that does not say
        whose fault it is, fails the step until it has failed equally `FAILURES_MAX` times.
        """
        with self.database.connect() as connection:
            position = position_of(connection, self.generation, self.part)
            end = min(until, position + batch)
            if end <= position:
                return position
            stored_events = self.reader.read(
                connection, self.generation.model, after=position, until=end
            )
        refold = partial(fold, self.generation.model, decode=self.reader.decode)
        changes = refold(stored_events)
        with self.database.begin() as connection:
            ours = (self.generation.id, self.part)
            if not advance(connection, *ours, from_position=position, to_position=end):
                return position
            write, doubtful = self.write or self._merge, list[FailedAlone]()
            skipped = write_changes(connection, stored_events, changes, write, refold, doubtful)
            self.lone_failures.judge(doubtful, written_count=len(stored_events) - len(skipped))
            note_poison(connection, self.generation.id, skipped)
        return end

    def _step_patiently(self, until: int, batch: int) -> int:
        for _ in range(FAILURES_MAX - 1):
            try:
                return self.step(until, batch)
            except Exception:
                if not self.lone_failures.are_any:
                    raise
                sleep(PAUSE_SECONDS)
        return self.step(until, batch)

    def _merge(self, connection: Connection, changes: RowChanges) -> None:
        tables, model = self.generation.tables, self.generation.model
        with updated_groupings(connection, model, tables, changes.rows_by_table):
            for table, rows in changes.rows_by_table.items():
                new_rows = changes.new_rows_by_table.get(table, ())
                write_rows(connection, tables[table], rows, new_rows=new_rows)


def write_changes(
    connection: Connection,
    stored_events: Sequence[StoredRow],
    changes: RowChanges,
    write: Write,
    refold: Refold,
    doubtful: list[FailedAlone],
    *,
    is_again: bool = False,
) -> list[Poison]:
    """Write the row changes of a batch within a transaction; return the events that were skipped.

    The database may accept at the second try what it refused at the first. What it refuses again is
    halved until the events that it refuses stand alone. To `doubtful` are added those of which it
    is not clear that they are at fault. Errors: those of the database itself.
    """
    try:
        with connection.begin_nested():
            write(connection, changes)
    except Exception as error:
        blame = blame_of(error)
        if blame is Blame.DATABASE or not stored_events:
            raise
        if is_again and len(stored_events) == 1:
            if blame is Blame.UNKNOWN:
                doubtful.append((stored_events[0][0], error))
            return [poison(stored_events[0], _database_error(error))]
        middle = len(stored_events) // 2 if is_again else 0
        parts = filter(None, (stored_events[:middle], stored_events[middle:]))
        return [
            skipped
            for part in parts
            for skipped in write_changes(
                connection, part, refold(part), write, refold, doubtful, is_again=True
            )
        ]
    return changes.poison


def _database_error(error: Exception) -> Exception:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return cause if isinstance(cause, Exception) else error


def catch_up(database: Database, model: Projection, until: int) -> None:
    """Bring a read model to a position now, wherever the service is; nothing if it is not built."""
    with database.connect() as connection:
        generation = live_generation(connection, model)
    if generation is not None:
        Follower(database, generation).run(until)
