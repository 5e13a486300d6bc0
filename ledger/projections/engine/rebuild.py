"""Rebuild a read model beside the live one: load, compare, catch up, then let it be read."""

import os
import secrets
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from time import monotonic, sleep

from sqlalchemy import Connection

from ledger.application import Ledger
from ledger.errors import ConflictError, UnavailableError
from ledger.operations.worker_processes import worker_processes
from ledger.projections.engine import rebuild_tasks
from ledger.projections.engine.build import Build, Progress, RowsRefusedError
from ledger.projections.engine.compare import Difference
from ledger.projections.engine.follow import Follower
from ledger.projections.engine.generations import (
    BUILDING,
    BUILT,
    LIVE,
    PART_LENGTH,
    Generation,
    all_generations,
    change_state,
    create_generation,
    decide_alone,
    drop_generation,
    lock_position,
    poison_of,
    position_of,
)
from ledger.projections.engine.leases import HeldLease, is_leased
from ledger.projections.engine.registry import fingerprint, projection
from ledger.projections.engine.snapshots import snapshot
from ledger.storage.database import Database
from ledger.storage.divided_work import Workers, WorkPlace

LEASE_SECONDS = 15
"""Renewed by a thread of its own, so that a killed rebuild can soon be taken up again."""
WAIT_SECONDS = 30
PARTS_PER_WORKER = 4
"""So that who has a slow part is not waited for long."""
PART_LENGTH_MIN = 2_500
CLOSE = 5_000
"""Positions that may be missing when a snapshot of the live generation is taken to compare."""


@dataclass
class Rebuilt:
    """The result of one rebuild. `against` is None when there was nothing to compare with."""

    generation: Generation
    position: int = 0
    against: Generation | None = None
    differences: list[Difference] = field(default_factory=list)
    poison: int = 0
    is_live: bool = False

    @property
    def is_identical(self) -> bool:
        return all(difference.is_identical for difference in self.differences)


def start_processes(count: int) -> Executor:
    """Start the worker processes of a rebuild."""
    return worker_processes(count, loaded=[rebuild_tasks.__name__])


class Rebuild:
    """Rebuilds one read model. A killed rebuild goes on where it was when it is started again.

    Shape: `start_workers` starts whoever does its units; those who are `is_elsewhere` find the
    database in their own environment.
    """

    def __init__(
        self,
        ledger: Ledger,
        name: str,
        *,
        workers: int,
        progress: Progress,
        lease_seconds: float = LEASE_SECONDS,
        start_workers: Callable[[int], AbstractContextManager[Executor]] = start_processes,
        is_elsewhere: bool = False,
    ) -> None:
        self._ledger = ledger
        self._database = ledger.database
        self._model = projection(name)
        self._workers = 1 if ledger.database.is_sqlite else workers  # where one at a time writes
        self._progress = progress
        self._lease_seconds = lease_seconds
        self._start_workers = start_workers
        self._workplace = None if is_elsewhere else WorkPlace(_url_of(ledger.database))

    def run(self, *, is_dry: bool = False, is_compared: bool = True) -> Rebuilt:
        """Build, compare, catch up; then let it be read unless `is_dry`.

        When the database refuses a row of what was loaded, it begins again with tables that have
        their keys from the start: slower, but event by event, so that only those refused are
        skipped. Errors: ConflictError when the same generation is being rebuilt by somebody else;
        UnavailableError when a worker was ended from outside.
        """
        try:
            return self._run(self.begin(), is_dry=is_dry, is_compared=is_compared)
        except RowsRefusedError:
            return self._run(self.begin(is_keyed=True), is_dry=is_dry, is_compared=is_compared)

    def _run(self, build: Build, *, is_dry: bool, is_compared: bool) -> Rebuilt:
        with build.lease.renewed():
            until = self._goal(build) if is_compared else self._log_end()
            rebuilt = Rebuilt(build.generation)
            try:
                with self._start_workers(self._workers) as executor:
                    workers = Workers(executor, self._workers, self._workplace)
                    build.fill(until, workers)
                    if is_compared:
                        self._approach(build)
                        self._compare(build, rebuilt, workers)
            except BrokenExecutor as error:
                raise UnavailableError(
                    "the workers were ended from outside; rebuild again to go on where it was"
                ) from error
            is_settled = is_dry and self._settle(rebuilt, BUILT)
            while not is_settled:  # it is read from a moment on at which it lacks nothing
                build.follow(self._log_end())
                is_settled = self._settle(rebuilt, LIVE)
        return rebuilt

    def begin(self, *, is_keyed: bool = False) -> Build:
        """Create a generation, or resume one that was interrupted, and take its lease.

        Shape: `is_keyed` begins anew with tables that have their keys and indexes.
        Errors: ConflictError when somebody else holds it.
        """
        same_code = {"name": self._model.name, "fingerprint": fingerprint(self._model)}
        part_length = self._part_length()
        with self._database.begin() as connection:
            decide_alone(connection)
            every = all_generations(connection, **same_code)
            unread = [generation for generation in every if generation.state in (BUILDING, BUILT)]
            if unread:
                build = self._leased(connection, unread[-1])
                is_building = build.generation.state == BUILDING
                is_poisoned = bool(poison_of(connection, unread[-1].id))
                if not is_keyed and (is_building or not is_poisoned):
                    return build
                drop_generation(connection, unread[-1])  # mended code may apply what it skipped
            new = create_generation(
                connection,
                self._model,
                state=BUILDING,
                shards=self._workers,
                part_length=part_length,
                is_keyed=is_keyed,
            )
            return self._leased(connection, new)

    def _part_length(self) -> int:
        """Cut the log into some parts for each worker, but not into tiny ones."""
        length = self._log_end() // (PARTS_PER_WORKER * self._workers)
        return min(max(length, PART_LENGTH_MIN), PART_LENGTH)

    def _leased(self, connection: Connection, generation: Generation) -> Build:
        lease = HeldLease(
            self._database,
            generation.lease_name,
            holder=f"rebuild:{os.getpid()}:{secrets.token_hex(4)}",
            seconds=self._lease_seconds,
            purpose=f"the rebuild of {self._model.name}",
        )
        if not lease.acquire(connection):
            raise ConflictError(
                f"{self._model.name} is being rebuilt by somebody else, or was until"
                f" {self._lease_seconds} seconds ago at most"
            )
        return Build(self._database, generation, lease, self._progress)

    def _log_end(self) -> int:
        return self._ledger.events.high_water_mark() or 0

    def _goal(self, build: Build) -> int:
        """Return where the generation to compare with stands; without one, the end of the log.

        One of the same code that no server follows is brought to the end first.
        """
        with self._database.connect() as connection:
            old = _live_besides(connection, build.generation)
        if old is None:
            return self._log_end()
        follower = Follower(self._database, old)
        if old.fingerprint == build.generation.fingerprint and not self._is_followed(old):
            return follower.run(self._log_end())
        return follower.position()

    def _is_followed(self, generation: Generation) -> bool:
        with self._database.connect() as connection:
            return is_leased(connection, generation.lease_name)

    def _approach(self, build: Build) -> None:
        """Follow until the live generation is close; what arrives meanwhile is followed too."""
        position = build.follower.position()
        while True:
            goal = self._goal(build)
            self._progress("catching up", position, max(goal, position))
            if goal - position < CLOSE:
                return
            position = build.follow(goal, stage="catching up")

    def _compare(self, build: Build, rebuilt: Rebuilt, workers: Workers) -> None:
        """Bring the new generation to exactly where the live one stands, and compare them there."""
        with self._database.connect() as connection:
            old = _live_besides(connection, build.generation)
        if old is None or not self._wait_for(old, build):
            return
        with snapshot(self._database) as before:
            build.follow(position_of(before, old))
            with snapshot(self._database) as after:
                rebuilt.differences = build.compare(before, old, after, workers)
        rebuilt.against = old

    def _wait_for(self, old: Generation, build: Build) -> bool:
        """Wait until the live generation is where the new one is, after an interrupted rebuild.

        Shape: False when nobody brings it there: it is of other code, and its servers are down.
        Errors: ConflictError when whoever follows it stands still.
        """
        reached = build.follower.position()
        deadline = monotonic() + WAIT_SECONDS
        while (goal := self._goal(build)) < reached:
            build.lease.check()
            if old.fingerprint != build.generation.fingerprint and not self._is_followed(old):
                return False
            if monotonic() > deadline:
                raise ConflictError(
                    f"the live generation of {self._model.name} stands at {goal}, the new one at"
                    f" {reached}, so they cannot be compared: what holds up its service?"
                )
            sleep(0.1)
        return True

    def _settle(self, rebuilt: Rebuilt, state: str) -> bool:
        """Store the new state; return False when a live generation has come further meanwhile."""
        generation = rebuilt.generation
        with self._database.begin() as connection:
            decide_alone(connection)
            rebuilt.position = position_of(connection, generation)
            old = _live_besides(connection, generation)
            if (
                state == LIVE
                and old is not None
                and old.fingerprint == generation.fingerprint
                and rebuilt.position < lock_position(connection, old.id)
            ):
                return False
            rebuilt.poison = len(poison_of(connection, generation.id))
            change_state(connection, generation, state)
        rebuilt.is_live = state == LIVE
        return True


def _url_of(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False)


def _live_besides(connection: Connection, new: Generation) -> Generation | None:
    """Return the live generation to compare with: of the same code if possible, else the newest."""
    live = all_generations(connection, name=new.name, state=LIVE)
    return max(
        (generation for generation in live if generation.id != new.id),
        key=lambda generation: (generation.fingerprint == new.fingerprint, generation.id),
        default=None,
    )
