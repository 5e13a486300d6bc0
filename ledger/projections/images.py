"""Fills a generation on SQLite, where one writes: any process folds, the writer takes over.

A batch is folded into a small database in memory, its image. The writer takes its tables over
whole, which SQLite does without reading the records, as long as no key stands in their way.
"""

import gc
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Executor, Future
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import StaticPool
from sqlalchemy.schema import CreateTable

from ledger.errors import ConflictError
from ledger.projections import generations as g
from ledger.projections.filling import Pairs, create_waiting, pairs_of, write_unmerged
from ledger.projections.folding import Poison, fold
from ledger.projections.follower import write_folded
from ledger.projections.parts import Place, opened
from ledger.projections.reading import read_events
from ledger.projections.registry import projection
from ledger.storage.database import FILLING, SERVING

BATCH = 20_000

STEP = 5_000
"""Positions that are folded together: the processor's caches hold what they bring."""

AHEAD = 2
"""Batches that each process may be ahead of the writer."""

FOLDING_MAX = 8
"""Processes; more of them would wait for the writer, and their images would fill memory."""


@dataclass(frozen=True, slots=True)
class Image:
    """What the events above `after` up to `until` bring. Shape: `database` is an SQLite file."""

    after: int
    until: int
    database: bytes
    poison: list[Poison]


def fold_batch(place: Place, after: int, until: int) -> Image:
    """Fold a batch into an image; any process can do it, and nothing is written."""
    gc.set_threshold(100_000, 50, 50)  # rows by the thousand, and no cycles among them
    view = projection(place.name)
    pairs = pairs_of(view, place.generation_id)
    write, refold = partial(write_unmerged, pairs=pairs), partial(fold, view)
    passed_over: list[Poison] = []
    with opened(place, SERVING) as database, _memory() as memory:
        for pair in pairs.values():
            memory.execute(CreateTable(g.without_key(pair.target)))
        create_waiting(memory, pairs)
        for start in range(after, until, STEP):
            with database.connect() as log:  # no longer: what others write would heap up behind it
                events = read_events(log, view.kinds, after=start, until=min(start + STEP, until))
            passed_over += write_folded(memory, events, refold(events), write, refold)
        driver: Any = memory.connection.driver_connection
        return Image(after, until, driver.serialize(), passed_over)


@contextmanager
def _memory() -> Iterator[Connection]:
    """A database in memory."""
    engine = create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"isolation_level": None}
    )
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def fill(
    place: Place, until: int, executor: Executor, *, processes: int
) -> Generator[int, None, None]:
    """Fill a generation up to a position, from where it stands; the position after each batch.

    Errors: ConflictError when somebody else fills it.
    """
    view = projection(place.name)
    pairs = pairs_of(view, place.generation_id)
    with opened(place, FILLING) as database, database.writer() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("ATTACH ':memory:' AS image").close()
        with connection.begin():
            create_waiting(connection, pairs)
            position = g.positions(connection, place.generation_id)[0]
        with closing(_images(place, position, until, executor, processes)) as images:
            for image in images:
                driver.deserialize(image.database, name="image")
                with connection.begin():
                    _take_over(connection, place, pairs, image)
                yield image.until


def _images(
    place: Place, position: int, until: int, executor: Executor, processes: int
) -> Generator[Image, None, None]:
    """Of all batches in order, while so many processes fold a few that come next.

    They take as long to begin as a few batches take: meanwhile this one folds those.
    """
    ahead = AHEAD * processes
    batches = ((place, one, min(one + BATCH, until)) for one in range(position, until, BATCH))
    begun = deque(executor.submit(fold_batch, *batch) for batch in islice(batches, ahead))
    try:
        for batch in islice(batches, 2 * ahead):
            if begun[0].done():
                begun.append(executor.submit(fold_batch, *batch))
                break
            begun.append(_done(fold_batch(*batch)))
        while begun:
            yield begun.popleft().result()
            begun.extend(executor.submit(fold_batch, *batch) for batch in islice(batches, 1))
    finally:
        for one in begun:
            one.cancel()


def _done(image: Image) -> "Future[Image]":
    future: Future[Image] = Future()
    future.set_result(image)
    return future


def _take_over(connection: Connection, place: Place, pairs: Pairs, image: Image) -> None:
    is_ours = g.advance(connection, place.generation_id, 0, before=image.after, after=image.until)
    if not is_ours:
        raise ConflictError(f"somebody else has taken the rebuild of {place.name} over")
    for name in (table.name for pair in pairs.values() for table in (pair.target, pair.waiting)):
        connection.exec_driver_sql(f'INSERT INTO main."{name}" SELECT * FROM image."{name}"')  # noqa: S608
    g.note_poison(connection, place.generation_id, image.poison)
