"""Fill one new generation phase by phase, going on where an interrupted build stopped."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ledger.projections.engine.compare import (
    Difference,
    add_difference,
    compare_table,
    cut_table,
)
from ledger.projections.engine.follow import Follower
from ledger.projections.engine.generations import (
    FOLLOWING,
    Generation,
    follow_from,
    gather_statistics,
    position_of,
    positions,
    secondary_indexes,
)
from ledger.projections.engine.key_ranges import part_size
from ledger.projections.engine.leases import HeldLease
from ledger.projections.engine.parts import begin_parts, count_loaded, part_ends
from ledger.projections.engine.rebuild_tasks import RebuildTasks, RebuildUnit
from ledger.projections.engine.snapshots import share
from ledger.storage.database import Database
from ledger.storage.database_errors import Blame, blame_of
from ledger.storage.divided_work import Workers

Progress = Callable[[str, int, int], None]
"""Called with the stage, the positions done so far, and how many there are."""


class RowsRefusedError(Exception):
    """The database refuses a row that was loaded, and does not say which."""


@dataclass(frozen=True)
class Build:
    """One generation that is being built, under a lease."""

    database: Database
    generation: Generation
    lease: HeldLease
    progress: Progress

    @property
    def follower(self) -> Follower:
        """Return what applies the log to the filled generation."""
        return Follower(self.database, self.generation)

    def fill(self, until: int, workers: Workers) -> None:
        """Fill the generation up to a position, or further where it already is.

        Errors: ConflictError when somebody else has taken the lease; RowsRefusedError when an
        index or a group of what was loaded is refused.
        """
        with self.database.connect() as connection:
            position_by_part = positions(connection, self.generation.id)
        if FOLLOWING in position_by_part:
            return  # every phase was completed before; since then it follows
        until = max(until, *position_by_part.values(), 0)
        self._load(until, workers)
        for phase in (self._merge, self._group, self._build_indexes):
            try:
                phase(workers)
            except (DBAPIError, OverflowError, UnicodeError) as failure:
                if blame_of(failure) is Blame.DATABASE:
                    raise
                raise RowsRefusedError(f"{self.generation.name}: a row was refused") from failure
            self.lease.check()
        with self.database.begin() as connection:
            gather_statistics(connection, self.generation)
            follow_from(connection, self.generation.id, until)
        self.lease.check()

    def follow(self, until: int, *, stage: str | None = None) -> int:
        """Follow the log with the filled generation up to a position; return the position reached.

        Errors: ConflictError when somebody else has taken the lease.
        """

        def after_batch(position: int) -> None:
            self.lease.check()
            if stage is not None:
                self.progress(stage, position, max(until, position))

        return self.follower.run(until, after_batch=after_batch)

    def compare(
        self, old_reader: Connection, old: Generation, new_reader: Connection, workers: Workers
    ) -> list[Difference]:
        """Compare its tables with those of another generation, each read within its own snapshot.

        Shape: range by range of keys; on SQLite, where nobody can share a snapshot, one by one.
        Errors: ConflictError when somebody else has taken the lease.
        """
        new, size = self.generation, part_size(position_of(new_reader, self.generation))
        ranges = [
            (declared, key_range)
            for declared in new.tables
            for key_range in cut_table(old_reader, old, new_reader, new, declared, size)
        ]
        results: Iterator[Difference]
        if self.database.is_sqlite:
            results = (
                compare_table(old_reader, old, new_reader, new, *range_) for range_ in ranges
            )
        else:
            snapshots = (share(old_reader), share(new_reader))
            task = RebuildTasks.compare_rows
            units = [
                self._unit(
                    task, old=old, table=declared.name, key_range=key_range, snapshots=snapshots
                )
                for declared, key_range in ranges
            ]
            results = workers.results(units, self.lease.check)
        self.progress("comparing", 0, 1)
        difference_by_table: dict[str, Difference] = {}
        for difference in results:
            add_difference(difference_by_table, difference)
        return list(difference_by_table.values())

    def _load(self, until: int, workers: Workers) -> None:
        end_by_part = part_ends(self.generation, until)
        with self.database.begin() as connection:
            begin_parts(connection, self.generation, end_by_part)
            position_by_part = positions(connection, self.generation.id)

        def meanwhile() -> None:
            self.lease.check()
            with self.database.connect() as connection:
                self.progress("building", count_loaded(connection, self.generation), until)

        self._have_done(workers, self._unit(RebuildTasks.create_staging))
        units = [
            self._unit(RebuildTasks.load_part, part=part, until=end)
            for part, end in end_by_part.items()
            if position_by_part[part] < end
        ]
        self._have_done(workers, *units, meanwhile=meanwhile)

    def _merge(self, workers: Workers) -> None:
        self.progress("merging", 0, 1)
        self._have_done(workers, self._unit(RebuildTasks.create_keys))
        shards = range(self.generation.shards)
        units = [self._unit(RebuildTasks.merge_staged, shard=shard) for shard in shards]
        self._have_done(workers, *units)
        self._have_done(workers, self._unit(RebuildTasks.drop_staging))

    def _group(self, workers: Workers) -> None:
        if self.generation.model.groupings:
            self.progress("grouping", 0, 1)
            self._have_done(workers, self._unit(RebuildTasks.group_rows))

    def _build_indexes(self, workers: Workers) -> None:
        self.progress("indexing", 0, 1)
        indexes = secondary_indexes(self.generation)
        # the widest take longest: begun last, one would be built alone at the end
        names = sorted(indexes, key=lambda name: len(indexes[name].columns), reverse=True)
        self._have_done(
            workers, *(self._unit(RebuildTasks.build_index, name=name) for name in names)
        )

    def _unit(self, task: Callable[..., object], **arguments: Any) -> RebuildUnit:
        return RebuildUnit(self.generation, task, arguments)

    def _have_done(
        self,
        workers: Workers,
        *units: RebuildUnit,
        meanwhile: Callable[[], object] | None = None,
    ) -> None:
        """Have units done, and stop when somebody else has taken the lease."""
        for _ in workers.results(units, meanwhile or self.lease.check):
            pass
