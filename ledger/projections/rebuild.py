"""Builds a new generation beside the live one: in parts, resumable, compared, then switched."""

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context

from sqlalchemy import Connection

from ledger.application import Ledger
from ledger.errors import ConflictError
from ledger.projections import generations as g
from ledger.projections.compare import Difference, compare
from ledger.projections.registry import fingerprint, projection
from ledger.projections.runner import Follower, Shard, catch_up
from ledger.projections.view import Projection
from ledger.projections.writing import group_all
from ledger.storage.database import Database

BATCH = 10_000
LEASE_SECONDS = 60
CLOSE = 5_000  # from so few positions on, the live edge is followed rather than approached


@dataclass(frozen=True, slots=True)
class Part:
    """A unit of work that any process can do, on any machine that reaches the database."""

    database_url: str
    generation_id: int
    name: str
    shard: int
    shards: int
    until: int


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


def fill_part(part: Part) -> int:
    """Fill one shard of a generation up to a position, from wherever it stands."""
    database = Database(part.database_url, pool_size=1)
    try:
        with database.connect() as connection:
            generation = next(
                one for one in g.all_generations(connection) if one.id == part.generation_id
            )
        view = projection(part.name)
        follower = Follower(database, generation, view, Shard(part.shard, part.shards))
        while (position := follower.step(part.until, BATCH)) < part.until:
            pass
        return position
    finally:
        database.dispose()


class Rebuild:
    """Rebuilds one view. A killed rebuild goes on where it was when it is started again."""

    def __init__(self, ledger: Ledger, name: str, *, workers: int, progress: Progress) -> None:
        self._ledger = ledger
        self._database = ledger.database
        self._view = projection(name)
        self._workers = 1 if ledger.database.is_sqlite else workers
        self._progress = progress
        self._holder = f"rebuild:{os.getpid()}:{secrets.token_hex(4)}"

    def run(
        self, *, is_dry: bool = False, is_compared: bool = True, executor: Executor | None = None
    ) -> Rebuilt:
        """Build, compare, catch up; then let it be read unless `is_dry`.

        Errors: ConflictError when the same generation is being rebuilt by somebody else.
        """
        generation = self._begin()
        with ExitStack() as stack:
            stack.callback(self._give_back)
            self._fill(generation, executor or stack.enter_context(self._pool()))
            self._finish_tables(generation)
            rebuilt = Rebuilt(self._view.name, generation, 0, None)
            if is_compared:
                self._approach(generation)
                rebuilt = self._compare(generation)
            if not is_dry:
                rebuilt.position = self._catch_up(generation)
            self._settle(rebuilt, is_dry=is_dry)
        return rebuilt

    def _pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._workers, mp_context=get_context("spawn"))

    def _begin(self) -> g.Generation:
        with self._database.begin() as connection:
            generation = self._resumable(connection) or g.create_generation(
                connection, self._view, state=g.BUILDING, shards=self._workers
            )
            name = g.lease_name(generation)
            if not g.take_lease(connection, name, self._holder, seconds=LEASE_SECONDS):
                raise ConflictError(f"{self._view.name} is being rebuilt by somebody else")
        return generation

    def _resumable(self, connection: Connection) -> g.Generation | None:
        mine = fingerprint(self._view)
        found = [
            one
            for one in g.all_generations(connection, self._view.name)
            if one.fingerprint == mine and one.state in (g.BUILDING, g.BUILT)
        ]
        return found[-1] if found else None

    def _fill(self, generation: g.Generation, executor: Executor) -> None:
        """Let workers fill their shards up to where the log ends now."""
        with self._database.connect() as connection:
            reached = g.positions(connection, generation.id)
        if generation.state == g.BUILT or len(reached) < generation.shards:
            return  # it was filled before, and follows from one position since
        until = max(self._goal(generation), *reached.values())
        url = self._database.engine.url.render_as_string(hide_password=False)
        parts = [
            Part(url, generation.id, self._view.name, one, generation.shards, until)
            for one in range(generation.shards)
        ]
        self._watch(generation, [executor.submit(fill_part, part) for part in parts], until)

    def _watch(
        self, generation: g.Generation, futures: Sequence["Future[int]"], until: int
    ) -> None:
        total = until * generation.shards
        while True:
            done, waiting = wait(futures, timeout=0.5)
            self._hold(generation)
            with self._database.connect() as connection:
                reached = sum(g.positions(connection, generation.id).values())
            self._progress("building", reached, total)
            for one in done:
                one.result()
            if not waiting:
                return

    def _finish_tables(self, generation: g.Generation) -> None:
        if generation.state == g.BUILT:
            return
        with self._database.connect() as connection:
            is_united = len(g.positions(connection, generation.id)) < generation.shards
        self._progress("indexing", 0, 1)
        with self._database.begin() as connection:
            if generation.shards > 1 and not is_united:
                group_all(connection, self._view, g.tables_of(self._view, generation.id))
            g.create_indexes(connection, self._view, generation.id)
            g.gather_statistics(connection, self._view, generation.id)
            if not is_united:
                g.unite_shards(connection, generation.id)
        self._hold(generation)

    def _goal(self, generation: g.Generation) -> int:
        """Where the generation to compare with stands; the end of the log when there is none.

        One of the same code that no server follows is brought to the end first.
        """
        until = self._ledger.recorder.horizon() or 0
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
            self._hold(generation)

    def _catch_up(self, generation: g.Generation) -> int:
        """Come to the live edge, so that nothing is missing for those who read it next."""
        until = self._ledger.recorder.horizon() or 0
        return catch_up(self._ledger, generation, self._view, until)

    def _whole(self, generation: g.Generation) -> Follower:
        """Follows the whole of a filled generation, groups included."""
        return Follower(self._database, generation, self._view)

    def _compare(self, generation: g.Generation) -> Rebuilt:
        """Bring the new one to exactly where the live one stands, and compare the two there."""
        with ExitStack() as stack:
            before = stack.enter_context(snapshot(self._database))
            old = _live(before, self._view, besides=generation)
            if old is None:
                return Rebuilt(self._view.name, generation, 0, None)
            stands_at = g.positions(before, old.id)[0]
            position = self._bring_to(generation, stands_at)
            self._hold(generation)
            self._progress("comparing", 0, 1)
            after = stack.enter_context(snapshot(self._database))
            differences = compare(before, old, after, generation)
        return Rebuilt(self._view.name, generation, position, old, differences)

    def _bring_to(self, generation: g.Generation, position: int) -> int:
        """Errors: ConflictError when the live one is behind: nobody follows it."""
        with self._database.connect() as connection:
            reached = g.positions(connection, generation.id)[0]
        if reached > position:
            raise ConflictError(
                f"the live generation of {self._view.name} stands at {position}, the new one at"
                f" {reached}, so they cannot be compared: is the service that follows it down?"
            )
        return catch_up(self._ledger, generation, self._view, position)

    def _settle(self, rebuilt: Rebuilt, *, is_dry: bool) -> None:
        with self._database.begin() as connection:
            rebuilt.poison = len(g.poison_of(connection, rebuilt.generation.id))
            g.change_state(connection, rebuilt.generation, g.BUILT if is_dry else g.LIVE)
        rebuilt.is_live = not is_dry

    def _hold(self, generation: g.Generation) -> None:
        with self._database.begin() as connection:
            name = g.lease_name(generation)
            g.take_lease(connection, name, self._holder, seconds=LEASE_SECONDS)

    def _give_back(self) -> None:
        with self._database.begin() as connection:
            g.give_lease_back(connection, self._holder)


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
def snapshot(database: Database) -> Iterator[Connection]:
    """Read everything as of one moment, while others go on writing."""
    options = {} if database.is_sqlite else {"isolation_level": "REPEATABLE READ"}
    connection = database.engine.connect().execution_options(**options)
    with connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()
