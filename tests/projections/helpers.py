"""Record stories, follow them with read models and read their rows, for every test of those."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import Any

from sqlalchemy import text, update

from ledger.application import Ledger
from ledger.projections.engine.bulk_load import merge_chunk, staging_tables
from ledger.projections.engine.follow import BATCH, Follower
from ledger.projections.engine.generations import (
    Generation,
    all_generations,
    live_generation,
    poison_of,
    position_of,
)
from ledger.projections.engine.rebuild import Rebuild, Rebuilt
from ledger.projections.engine.rebuild_tasks import RebuildTasks
from ledger.projections.engine.registry import PROJECTIONS
from ledger.simulator.signed_calls import FORM, REST, synthetic_platform
from ledger.simulator.stories import STORIES
from ledger.storage.database import Database
from ledger.storage.divided_work import WorkPlace
from ledger.storage.tables import generations, leases
from tests.builders import NOON, SHOP_ID, a_ledger, receive, shops

Rows = dict[str, list[dict[str, Any]]]
"""Table -> its rows, in the order of their keys."""

TOLD_BY = synthetic_platform(shops(), SHOP_ID, "TEST", at=NOON)

SEVEN_STORIES = (
    "payment-split",
    "refunded-in-part",
    "changed-and-cancelled",
    "subscription-instalment-tried-again",
    "alias-created-and-updated",
    "capture-failed",
    "payment-abandoned-without-order",
)


def ledger_of(database: Database, *names: str, formats: Iterable[str] = (FORM, REST)) -> Ledger:
    """Return a ledger that has received these stories (by default all), with empty read models."""
    ledger = a_ledger(database)
    receive_stories(ledger, *names, formats=formats)
    return ledger


def receive_stories(
    ledger: Ledger, *names: str, formats: Iterable[str] = (FORM, REST), seed: int = 7
) -> None:
    number = 0
    for name in names or STORIES:
        for format_ in formats:
            number += 1
            if TOLD_BY.can_play(STORIES[name], format_):
                for telling in TOLD_BY.signed_calls(STORIES[name], seed, number, format_):
                    assert receive(ledger, telling.body).outcome in ("recorded", "repeated")


def live(ledger: Ledger, name: str) -> Generation:
    with ledger.database.connect() as connection:
        generation = live_generation(connection, PROJECTIONS[name])
    assert generation is not None
    return generation


def states(ledger: Ledger, name: str) -> list[str]:
    """Return the state of every generation of a read model, oldest first."""
    with ledger.database.connect() as connection:
        return [generation.state for generation in all_generations(connection, name=name)]


def log_end(ledger: Ledger) -> int:
    return ledger.events.high_water_mark() or 0


def follow(ledger: Ledger, *, batch: int = BATCH) -> int:
    """Bring every live generation to the end of the log; return that position."""
    until = log_end(ledger)
    for name in PROJECTIONS:
        follow_with(ledger, live(ledger, name), batch=batch)
    return until


def follow_with(ledger: Ledger, generation: Generation, *, batch: int = BATCH) -> None:
    Follower(ledger.database, generation).run(log_end(ledger), batch=batch)


def tasks_of(ledger: Ledger, generation: Generation) -> RebuildTasks:
    url = ledger.database.engine.url.render_as_string(hide_password=False)
    return RebuildTasks(WorkPlace(url), generation)


def merge_chunks(ledger: Ledger, generation: Generation, chunks: int, shard: int) -> None:
    """Merge a few chunks of what is staged, as somebody who is interrupted does."""
    staging = staging_tables(generation)
    for _ in range(chunks):
        with ledger.database.begin() as connection:
            merge_chunk(connection, generation.tables, staging, shard)


def rows(ledger: Ledger, name: str, generation: Generation | None = None) -> Rows:
    """Return the rows of a read model, of its live generation by default."""
    generation = generation or live(ledger, name)
    return {
        table.name: rows_of(ledger.database, f"{table.name}_g{generation.id}")
        for table in PROJECTIONS[name].all_tables
    }


def rows_of(database: Database, table: str) -> list[dict[str, Any]]:
    with database.connect() as connection:
        mappings = connection.execute(text(f'SELECT * FROM "{table}"')).mappings()
        return sorted((dict(row) for row in mappings), key=lambda row: str(list(row.values())))


def all_rows(ledger: Ledger) -> Rows:
    return {
        table: table_rows
        for name in PROJECTIONS
        for table, table_rows in rows(ledger, name).items()
    }


def positions(ledger: Ledger) -> dict[str, int]:
    with ledger.database.connect() as connection:
        return {name: position_of(connection, live(ledger, name)) for name in PROJECTIONS}


def poison(ledger: Ledger, name: str) -> list[int]:
    """Return the positions of the events that a live generation has skipped."""
    with ledger.database.connect() as connection:
        return [event.position for event in poison_of(connection, live(ledger, name).id)]


def a_rebuild(ledger: Ledger, name: str, *, workers: int = 2, **options: Any) -> Rebuild:
    """Return a rebuild in threads, which start at once; one test shows that processes do."""
    chosen = {"start_workers": ThreadPoolExecutor, "progress": silent} | options
    return Rebuild(ledger, name, workers=workers, **chosen)


def rebuilt(
    ledger: Ledger, name: str, *, workers: int = 2, lease_seconds: float = 15, **options: Any
) -> Rebuilt:
    return a_rebuild(ledger, name, workers=workers, lease_seconds=lease_seconds).run(**options)


def expire_leases_of_rebuilds(ledger: Ledger) -> None:
    """Let the time of their leases pass."""
    with ledger.database.begin() as connection:
        is_of_rebuild = leases.c.holder.startswith("rebuild:")
        expired = update(leases).where(is_of_rebuild).values(expires_at=datetime.now(UTC))
        connection.execute(expired)


def make_other_code(ledger: Ledger, generation: Generation) -> None:
    set_columns(ledger, generation, fingerprint="0123456789ab")


def set_columns(ledger: Ledger, generation: Generation, **columns: Any) -> None:
    """Change what is stored about a generation."""
    statement = update(generations).where(generations.c.id == generation.id)
    with ledger.database.begin() as connection:
        connection.execute(statement.values(**columns))


def silent(_stage: str, _done: int, _total: int) -> None:
    pass


def eventually(is_so: Callable[[], bool], *, seconds: float = 40) -> None:
    deadline = monotonic() + seconds
    while not is_so():
        assert monotonic() < deadline, "it did not happen in time"
        sleep(0.05)
