"""Builds a new generation beside the live one: in parts, resumable, compared, then switched."""

import os
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic, sleep

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from ledger.application import Ledger
from ledger.errors import ConflictError, UnavailableError
from ledger.projections import generations as g
from ledger.projections import images
from ledger.projections.compare import Difference, compare
from ledger.projections.follower import Follower
from ledger.projections.parts import (
    Part,
    Place,
    fill_part,
    make_groups,
    make_index,
    make_keys,
    merge_waiting,
)
from ledger.projections.registry import fingerprint, projection
from ledger.projections.runner import catch_up
from ledger.projections.view import Projection
from ledger.storage.database import Database
from ledger.workers import worker_processes

LEASE_SECONDS = 15
"""Kept up by a thread of its own, so that a killed rebuild can soon be taken up again."""
WAIT_SECONDS = 30
CLOSE = 5_000  # from so few positions on, the live edge is followed rather than approached


@dataclass
class Rebuilt:
    """What came of one rebuild. `against` is None when there was nothing to compare with."""

    name: str
    generation: g.Generation
    position: int
    against: g.Generation | None
    differences: list[Difference] = field(default_factory=list)
    poison: int = 0
    is_live: bool = False

    @property
    def is_identical(self) -> bool:
        return all(one.is_identical for one in self.differences)


Progress = Callable[[str, int, int], None]
"""Told the stage, the positions done so far over all shards, and how many there are to do."""


class Rebuild:
    """Rebuilds one view. A killed rebuild goes on where it was when it is started again."""

    def __init__(
        self,
        ledger: Ledger,
        name: str,
        *,
        workers: int,
        progress: Progress,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._ledger = ledger
        self._database = ledger.database
        self._view = projection(name)
        self._workers = min(workers, images.FOLDING_MAX) if ledger.database.is_sqlite else workers
        self._progress = progress
        self._lease_seconds = lease_seconds
        self._is_lost = threading.Event()
        self._holder = f"rebuild:{os.getpid()}:{secrets.token_hex(4)}"

    def run(
        self, *, is_dry: bool = False, is_compared: bool = True, executor: Executor | None = None
    ) -> Rebuilt:
        """Build, compare, catch up; then let it be read unless `is_dry`.

        Errors: ConflictError when the same generation is being rebuilt by somebody else;
        UnavailableError when a worker was ended from outside.
        """
        generation = self._begin()
        with ExitStack() as stack:
            stack.enter_context(self._held(generation))
            until = (
                self._goal(generation)
                if is_compared
                else self._ledger.events.high_water_mark() or 0
            )
            pool = executor or stack.enter_context(
                worker_processes(self._workers, loaded=[images.__name__])
            )
            with _told_when_broken():
                self._fill(generation, until, pool)
                self._finish_tables(generation, pool)
            rebuilt = Rebuilt(self._view.name, generation, 0, None)
            if is_compared:
                self._approach(generation)
                rebuilt = self._compare(generation)
            if is_dry:
                self._settle(rebuilt, g.BUILT)
            else:
                self._switch(rebuilt)
        return rebuilt

    def _begin(self) -> g.Generation:
        with self._database.begin() as connection:
            g.decide_alone(connection)
            generation = self._resumable(connection)
            if generation is not None and not self._take(connection, generation):
                raise ConflictError(
                    f"{self._view.name} is being rebuilt by somebody else, or was until"
                    f" {self._lease_seconds} seconds ago at most"
                )
            if generation is not None and self._is_spoilt(connection, generation):
                g.drop_generation(connection, generation)
                generation = None
            if generation is None:
                # where only one can write, one goes through all streams
                shards = 1 if self._database.is_sqlite else self._workers
                generation = g.create_generation(
                    connection, self._view, state=g.BUILDING, shards=shards
                )
                self._take(connection, generation)
        return generation

    def _is_spoilt(self, connection: Connection, generation: g.Generation) -> bool:
        """Whether it passed over events that mended code may take now."""
        return generation.state == g.BUILT and bool(g.poison_of(connection, generation.id))

    def _resumable(self, connection: Connection) -> g.Generation | None:
        mine = fingerprint(self._view)
        found = [
            one
            for one in g.all_generations(connection, self._view.name)
            if one.fingerprint == mine and one.state in (g.BUILDING, g.BUILT)
        ]
        return found[-1] if found else None

    def _fill(self, generation: g.Generation, until: int, executor: Executor) -> None:
        """Let workers fill their shards up to a position, or to where one of them is already."""
        with self._database.connect() as connection:
            reached = g.positions(connection, generation.id)
        if generation.state == g.BUILT or len(reached) < generation.shards:
            return  # it was filled before, and follows from one position since
        until = max(until, *reached.values())
        place = self._place(generation)
        if self._database.is_sqlite:
            self._fill_by_images(place, until, executor)
        else:
            shards = range(generation.shards)
            parts = [Part(place, one, generation.shards, until) for one in shards]
            self._watch(generation, [executor.submit(fill_part, part) for part in parts], until)
        self._merge_waiting(generation, executor)

    def _fill_by_images(self, place: Place, until: int, executor: Executor) -> None:
        with closing(images.fill(place, until, executor, processes=self._workers)) as reached:
            for position in reached:
                self._check_held()
                self._progress("building", position, until)

    def _merge_waiting(self, generation: g.Generation, executor: Executor) -> None:
        self._progress("merging", 0, 1)
        place = self._place(generation)
        executor.submit(make_keys, place, generation.shards).result()
        shards = range(generation.shards)
        for one in [executor.submit(merge_waiting, place, shard) for shard in shards]:
            one.result()
            self._check_held()

    def _watch(
        self, generation: g.Generation, futures: Sequence["Future[int]"], until: int
    ) -> None:
        total = until * generation.shards
        while True:
            done, waiting = wait(futures, timeout=0.5)
            self._check_held()
            with self._database.connect() as connection:
                reached = sum(g.positions(connection, generation.id).values())
            self._progress("building", reached, total)
            for one in done:
                one.result()
            if not waiting:
                return

    def _finish_tables(self, generation: g.Generation, executor: Executor) -> None:
        if generation.state == g.BUILT:
            return
        with self._database.connect() as connection:
            is_united = len(g.positions(connection, generation.id)) < generation.shards
        if self._view.groupings and not is_united:
            self._progress("grouping", 0, 1)
            executor.submit(make_groups, self._place(generation)).result()
            self._check_held()
        self._make_indexes(generation, executor)
        with self._database.begin() as connection:
            g.gather_statistics(connection, self._view, generation.id)
            if not is_united:
                g.unite_shards(connection, generation.id)
        self._check_held()

    def _make_indexes(self, generation: g.Generation, executor: Executor) -> None:
        """One transaction each: nobody who writes waits for all of them on SQLite."""
        place = self._place(generation)
        indexes = g.secondary_indexes(self._view, generation.id)
        # the widest take longest: begun last, one would be made alone at the end
        names = sorted(indexes, key=lambda name: len(indexes[name].columns), reverse=True)
        self._progress("indexing", 0, 1)
        made = (make_index(place, one) for one in names)
        if not self._database.is_sqlite:  # which lets one at a time write
            futures = [executor.submit(make_index, place, one) for one in names]
            made = (one.result() for one in as_completed(futures))
        for _ in made:
            self._check_held()

    def _place(self, generation: g.Generation) -> Place:
        url = self._database.engine.url.render_as_string(hide_password=False)
        return Place(url, generation.id, self._view.name)

    def _goal(self, generation: g.Generation) -> int:
        """Where the generation to compare with stands; the end of the log when there is none.

        One of the same code that no server follows is brought to the end first.
        """
        until = self._ledger.events.high_water_mark() or 0
        with self._database.connect() as connection:
            old = _live(connection, self._view, besides=generation)
            if old is None:
                return until
            is_followed = g.is_leased(connection, g.lease_name(old))
            position = g.positions(connection, old.id)[0]
        if old.fingerprint == generation.fingerprint and not is_followed:
            return catch_up(self._ledger, old, self._view, until)
        return position

    def _approach(self, generation: g.Generation) -> None:
        """Follow until the live one is close; what arrives meanwhile is followed too."""
        follower = self._whole(generation)
        while True:
            with self._database.connect() as connection:
                position = g.positions(connection, generation.id)[0]
            until = self._goal(generation)
            self._progress("catching up", position, max(until, position))
            if until - position < CLOSE:
                return
            follower.step(until)
            self._check_held()

    def _whole(self, generation: g.Generation) -> Follower:
        """Follows the whole of a filled generation, groups included."""
        return Follower(self._database, generation, self._view)

    def _compare(self, generation: g.Generation) -> Rebuilt:
        """Bring the new one to exactly where the live one stands, and compare the two there."""
        with self._database.connect() as connection:
            old = _live(connection, self._view, besides=generation)
        if old is None or not self._wait_for(old, generation):
            return Rebuilt(self._view.name, generation, 0, None)
        with ExitStack() as stack:
            before = stack.enter_context(snapshot(self._database))
            stands_at = g.position_of(before, old)
            position = catch_up(self._ledger, generation, self._view, stands_at)
            self._check_held()
            self._progress("comparing", 0, 1)
            after = stack.enter_context(snapshot(self._database))
            differences = compare(before, old, after, generation)
        return Rebuilt(self._view.name, generation, position, old, differences)

    def _wait_for(self, old: g.Generation, generation: g.Generation) -> bool:
        """Wait until the live one is where the new one is already, after an interrupted rebuild.

        Shape: False when nobody brings it there: it is of other code, and its servers are down.
        Errors: ConflictError when whoever follows it stands still.
        """
        deadline = monotonic() + WAIT_SECONDS
        while True:
            self._check_held()
            goal = self._goal(generation)
            with self._database.connect() as connection:
                reached = g.position_of(connection, generation)
                stands_at = g.position_of(connection, old)
                is_followed = g.is_leased(connection, g.lease_name(old))
            if stands_at >= reached:
                return True
            if not is_followed and old.fingerprint != generation.fingerprint:
                return False
            if monotonic() > deadline:
                raise ConflictError(
                    f"the live generation of {self._view.name} stands at {goal}, the new one at"
                    f" {reached}, so they cannot be compared: what holds up its service?"
                )
            sleep(0.1)

    def _switch(self, rebuilt: Rebuilt) -> None:
        """Let it be read, at a moment at which it lacks nothing that the old one has."""
        while True:
            self._check_held()
            until = self._ledger.events.high_water_mark() or 0
            catch_up(self._ledger, rebuilt.generation, self._view, until)
            if self._settle(rebuilt, g.LIVE):
                return

    def _settle(self, rebuilt: Rebuilt, state: str) -> bool:
        generation = rebuilt.generation
        with self._database.begin() as connection:
            g.decide_alone(connection)
            position = g.position_of(connection, generation)
            old = _live(connection, self._view, besides=generation)
            if (
                state == g.LIVE
                and old is not None
                and old.fingerprint == generation.fingerprint
                and position < g.stop_at(connection, old.id)
            ):
                return False
            rebuilt.position = position
            rebuilt.poison = len(g.poison_of(connection, generation.id))
            g.change_state(connection, generation, state)
        rebuilt.is_live = state == g.LIVE
        return True

    def _take(self, connection: Connection, generation: g.Generation) -> bool:
        name = g.lease_name(generation)
        return g.take_lease(connection, name, self._holder, seconds=self._lease_seconds)

    @contextmanager
    def _held(self, generation: g.Generation) -> Iterator[None]:
        """Keep the lease however long a step takes."""
        is_over = threading.Event()
        keeper = threading.Thread(target=self._keep, args=(generation, is_over), daemon=True)
        keeper.start()
        try:
            yield
        finally:
            is_over.set()
            keeper.join()
            self._give_back()

    def _keep(self, generation: g.Generation, is_over: threading.Event) -> None:
        while not is_over.wait(self._lease_seconds / 4):
            with suppress(SQLAlchemyError), self._database.begin() as connection:
                if not self._take(connection, generation):
                    self._is_lost.set()

    def _check_held(self) -> None:
        if self._is_lost.is_set():
            raise ConflictError(f"somebody else has taken the rebuild of {self._view.name} over")

    def _give_back(self) -> None:
        with self._database.begin() as connection:
            g.give_leases_back(connection, self._holder)


def _live(
    connection: Connection, view: Projection, *, besides: g.Generation
) -> g.Generation | None:
    """The live generation to compare with: of the same code if there is one, else the newest."""
    found = [
        one
        for one in g.all_generations(connection, view.name)
        if one.state == g.LIVE and one.id != besides.id
    ]
    same = [one for one in found if one.fingerprint == besides.fingerprint]
    return next(reversed(same or found), None)


@contextmanager
def _told_when_broken() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool as error:
        raise UnavailableError(
            "a worker was ended from outside; rebuild again to go on where it was"
        ) from error


@contextmanager
def snapshot(database: Database) -> Iterator[Connection]:
    """Read everything as of one moment, while others go on writing."""
    options = {} if database.is_sqlite else {"isolation_level": "REPEATABLE READ"}
    connection = database.engine.connect().execution_options(**options)
    with connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()
