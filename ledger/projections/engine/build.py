"""Fill one new generation phase by phase, going on where an interrupted build stopped."""

from collections.abc import Callable
from concurrent.futures import Executor, Future, as_completed, wait
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

from ledger.projections.engine.follow import Follower
from ledger.projections.engine.generations import (
    BUILT,
    Generation,
    gather_statistics,
    positions,
    secondary_indexes,
    unite_shards,
)
from ledger.projections.engine.leases import HeldLease
from ledger.projections.engine.rebuild_tasks import RebuildTasks
from ledger.storage.database import Database
from ledger.storage.database_errors import Blame, blame_of

Progress = Callable[[str, int, int], None]
"""Called with the stage, the positions done so far over all shards, and how many there are."""


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
    def tasks(self) -> RebuildTasks:
        url = self.database.engine.url.render_as_string(hide_password=False)
        return RebuildTasks(url, self.generation)

    @property
    def follower(self) -> Follower:
        """Return what applies the log to the filled generation."""
        return Follower(self.database, self.generation)

    def fill(self, until: int, executor: Executor) -> None:
        """Fill the generation up to a position, or further where it already is.

        Errors: ConflictError when somebody else has taken the lease; RowsRefusedError when an
        index or a group of what was loaded is refused.
        """
        with self.database.connect() as connection:
            position_by_shard = positions(connection, self.generation.id)
        if self.generation.state == BUILT or len(position_by_shard) < self.generation.shards:
            return  # every phase was completed before; since then it follows from one position
        self._load(max(until, *position_by_shard.values()), executor)
        for phase in (self._merge, self._group, self._build_indexes):
            try:
                phase(executor)
            except (DBAPIError, OverflowError, UnicodeError) as failure:
                if blame_of(failure) is Blame.DATABASE:
                    raise
                raise RowsRefusedError(f"{self.generation.name}: a row was refused") from failure
            self.lease.check()
        with self.database.begin() as connection:
            gather_statistics(connection, self.generation)
            unite_shards(connection, self.generation.id)
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

    def _load(self, until: int, executor: Executor) -> None:
        shards = self.generation.shards
        running = {executor.submit(self.tasks.load_shard, shard, until) for shard in range(shards)}
        while running:
            done, running = wait(running, timeout=0.5)
            for loaded_shard in done:
                loaded_shard.result()
            self.lease.check()
            with self.database.connect() as connection:
                loaded = sum(positions(connection, self.generation.id).values())
            self.progress("building", loaded, until * shards)

    def _merge(self, executor: Executor) -> None:
        self.progress("merging", 0, 1)
        executor.submit(self.tasks.create_keys).result()
        shards = range(self.generation.shards)
        self._await([executor.submit(self.tasks.merge_staged, shard) for shard in shards])

    def _group(self, executor: Executor) -> None:
        if self.generation.model.groupings:
            self.progress("grouping", 0, 1)
            executor.submit(self.tasks.group_rows).result()

    def _build_indexes(self, executor: Executor) -> None:
        self.progress("indexing", 0, 1)
        indexes = secondary_indexes(self.generation)
        # the widest take longest: begun last, one would be built alone at the end
        names = sorted(indexes, key=lambda name: len(indexes[name].columns), reverse=True)
        self._await([executor.submit(self.tasks.build_index, name) for name in names])

    def _await(self, futures: "list[Future[None]]") -> None:
        for future in as_completed(futures):
            future.result()
            self.lease.check()
