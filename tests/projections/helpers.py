"""Stories told, views followed, and their rows read: what every test of the views does."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep
from typing import Any

from sqlalchemy import text

from ledger.application import Ledger
from ledger.projections import generations as g
from ledger.projections.filling import merge_turn, pairs_of
from ledger.projections.follower import BATCH, Follower
from ledger.projections.rebuild import Rebuild, Rebuilt
from ledger.projections.registry import PROJECTIONS
from ledger.projections.runner import prepare_views
from ledger.projections.view import Projection
from ledger.simulator.stories import STORIES
from ledger.simulator.telling import FORM, REST, teller
from ledger.storage.database import Database
from tests.builders import NOON, SHOP_ID, a_ledger, receive, shops

Rows = dict[str, list[dict[str, Any]]]
"""Table -> its rows, in the order of their keys."""

TOLD_BY = teller(shops(), SHOP_ID, "TEST", at=NOON)


def told(database: Database, *names: str, formats: Iterable[str] = (FORM, REST)) -> Ledger:
    """A ledger that has received these stories (all of them by default), and empty views."""
    ledger = a_ledger(database)
    tell(ledger, *names, formats=formats)
    prepare_views(database)
    return ledger


def tell(ledger: Ledger, *names: str, formats: Iterable[str] = (FORM, REST), seed: int = 7) -> None:
    number = 0
    for name in names or STORIES:
        for format_ in formats:
            number += 1
            if TOLD_BY.can_tell(STORIES[name], format_):
                for telling in TOLD_BY.tell(STORIES[name], seed, number, format_):
                    assert receive(ledger, telling.body).outcome in ("recorded", "repeated")


def live(ledger: Ledger, name: str) -> g.Generation:
    with ledger.database.connect() as connection:
        found = g.live_generation(connection, PROJECTIONS[name])
    assert found is not None
    return found


def follow(ledger: Ledger, *, batch: int = BATCH) -> int:
    """Bring every live view to the end of the log; where that is."""
    until = ledger.events.high_water_mark() or 0
    for name, view in PROJECTIONS.items():
        follow_one(ledger, live(ledger, name), view, batch=batch)
    return until


def follow_one(
    ledger: Ledger, generation: g.Generation, view: Projection, *, batch: int = BATCH
) -> None:
    until = ledger.events.high_water_mark() or 0
    follower = Follower(ledger.database, generation, view)
    while follower.position() < until:
        follower.step(until, batch)


def merge_some(ledger: Ledger, generation: g.Generation, turns: int, shard: int = 0) -> None:
    """Merge a few of the rows that wait, as somebody who is interrupted does."""
    pairs = pairs_of(PROJECTIONS[generation.name], generation.id, shard)
    for _ in range(turns):
        with ledger.database.begin() as connection:
            merge_turn(connection, pairs)


def rows(ledger: Ledger, name: str, generation: g.Generation | None = None) -> Rows:
    """What a view shows."""
    generation = generation or live(ledger, name)
    return {
        table.name: rows_of(ledger.database, f"{table.name}_g{generation.id}")
        for table in PROJECTIONS[name].all_tables
    }


def rows_of(database: Database, table: str) -> list[dict[str, Any]]:
    with database.connect() as connection:
        found = connection.execute(text(f'SELECT * FROM "{table}"')).mappings()
        return sorted((dict(row) for row in found), key=lambda row: str(list(row.values())))


def all_rows(ledger: Ledger) -> Rows:
    return {table: found for name in PROJECTIONS for table, found in rows(ledger, name).items()}


def positions(ledger: Ledger) -> dict[str, int]:
    with ledger.database.connect() as connection:
        return {name: g.position_of(connection, live(ledger, name)) for name in PROJECTIONS}


def poison(ledger: Ledger, name: str) -> list[int]:
    with ledger.database.connect() as connection:
        return [one.position for one in g.poison_of(connection, live(ledger, name).id)]


def a_rebuild(ledger: Ledger, name: str, *, workers: int = 2, **options: Any) -> Rebuild:
    return Rebuild(ledger, name, workers=workers, progress=silent, **options)


def rebuilt(
    ledger: Ledger, name: str, *, workers: int = 2, lease_seconds: float = 15, **options: Any
) -> Rebuilt:
    """Rebuild in threads, which begin at once; that processes do the same is a test of its own."""
    rebuild = a_rebuild(ledger, name, workers=workers, lease_seconds=lease_seconds)
    with ThreadPoolExecutor(workers) as executor:
        return rebuild.run(executor=executor, **options)


def silent(_stage: str, _done: int, _total: int) -> None:
    pass


def eventually(is_so: Callable[[], bool], *, seconds: float = 40) -> None:
    deadline = monotonic() + seconds
    while not is_so():
        assert monotonic() < deadline, "it did not happen in time"
        sleep(0.05)
