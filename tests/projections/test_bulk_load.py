"""A generation that is loaded in parts has the same rows, wherever it is cut or interrupted."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect

from ledger.application import Ledger
from ledger.projections.definition import EventRecord
from ledger.projections.engine.event_reader import EventReader
from ledger.projections.engine.folding import StoredRow, decode_event
from ledger.projections.engine.follow import Follower
from ledger.projections.engine.generations import (
    BUILDING,
    BUILT,
    Generation,
    create_generation,
    drop_generation,
    follow_from,
)
from ledger.projections.engine.parts import begin_parts, part_ends
from ledger.projections.engine.registry import PROJECTIONS
from tests.projections.helpers import follow_with, log_end, merge_chunks, rows, tasks_of

SLOW = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@contextmanager
def a_generation(
    ledger: Ledger, name: str, *, state: str = BUILDING, **cut: int
) -> Iterator[Generation]:
    with ledger.database.begin() as connection:
        generation = create_generation(connection, PROJECTIONS[name], state=state, **cut)
    yield generation
    with ledger.database.begin() as connection:
        drop_generation(connection, generation)


@SLOW
@given(data=st.data())
def test_any_batches_leave_the_same_rows(sqlite_stories: Ledger, data: st.DataObject) -> None:
    ledger = sqlite_stories
    name = data.draw(st.sampled_from(list(PROJECTIONS)))
    until = log_end(ledger)
    with a_generation(ledger, name, state=BUILT) as generation:
        follower = Follower(ledger.database, generation)

        while follower.position() < until:
            follower.step(until, data.draw(st.integers(20, until)))

        assert rows(ledger, name, generation) == rows(ledger, name)


@SLOW
@given(data=st.data())
def test_any_parts_and_interruptions_leave_the_same_rows(
    stories: Ledger, data: st.DataObject
) -> None:
    ledger, until = stories, log_end(stories)
    name = data.draw(st.sampled_from(list(PROJECTIONS)))
    cut = {
        "shards": data.draw(st.integers(1, 5)),
        "part_length": data.draw(st.integers(until // 5, 2 * until)),
    }
    ends = [*sorted(data.draw(st.lists(st.integers(1, until), max_size=2))), until]
    with a_generation(ledger, name, **cut) as generation:
        for end in ends:  # each time it is taken up again, the log has grown
            load_and_merge_some(ledger, generation, end, data)
        tasks = tasks_of(ledger, generation)
        for shard in range(generation.shards):
            tasks.merge_staged(shard)
        tasks.drop_staging()
        tasks.group_rows()

        assert staging_tables(ledger, generation) == []
        assert rows(ledger, name, generation) == rows(ledger, name)


def load_and_merge_some(
    ledger: Ledger, generation: Generation, end: int, data: st.DataObject
) -> None:
    until = log_end(ledger)
    batch = data.draw(st.integers(50, 2 * until))
    chunk_rows = data.draw(st.integers(until // 10, until))
    tasks = tasks_of(ledger, generation)
    end_by_part = begun(ledger, generation, end)
    tasks.create_staging()
    for part in data.draw(st.permutations(sorted(end_by_part))):
        tasks.load_part(part, end_by_part[part], batch=batch, chunk_rows=chunk_rows)
    tasks.create_keys()
    for shard in range(generation.shards):
        merge_chunks(ledger, generation, data.draw(st.integers(0, 3)), shard)


def begun(ledger: Ledger, generation: Generation, until: int) -> dict[int, int]:
    """Give all parts up to a position their positions; return where each of them ends."""
    end_by_part = part_ends(generation, until)
    with ledger.database.begin() as connection:
        begin_parts(connection, generation, end_by_part)
    return end_by_part


def staging_tables(ledger: Ledger, generation: Generation) -> list[str]:
    with ledger.database.connect() as connection:
        tables = inspect(connection).get_table_names()
    suffix = f"_g{generation.id}"
    return [table for table in tables if table.startswith("staging") and table.endswith(suffix)]


def test_a_generation_that_was_loaded_is_followed_like_any_other(stories: Ledger) -> None:
    until = log_end(stories)
    with a_generation(stories, "transactions") as generation:
        tasks = tasks_of(stories, generation)
        begun(stories, generation, until // 2)
        tasks.create_staging()
        tasks.load_part(1, until // 2)
        tasks.create_keys()
        tasks.merge_staged()
        tasks.drop_staging()
        with stories.database.begin() as connection:
            follow_from(connection, generation.id, until // 2)

        follow_with(stories, generation)

        assert rows(stories, "transactions", generation) == rows(stories, "transactions")


def test_two_who_merge_the_same_rows_count_nothing_twice(stories: Ledger) -> None:
    """As when a lease was lost, and somebody else has taken the rebuild over."""
    until = log_end(stories)
    with a_generation(stories, "coverage") as generation:
        tasks = tasks_of(stories, generation)
        begun(stories, generation, until)
        tasks.create_staging()
        tasks.load_part(1, until, batch=until // 20, chunk_rows=5)
        tasks.create_keys()

        with ThreadPoolExecutor(2) as executor:
            for merged in [executor.submit(tasks.merge_staged) for _ in range(2)]:
                merged.result()
        tasks.group_rows()

        assert rows(stories, "coverage", generation) == rows(stories, "coverage")


def test_no_snapshot_is_held_while_events_are_decoded(sqlite_stories: Ledger) -> None:
    """The log of writes could not begin anew, and would grow as long as anything is decoded."""
    path = sqlite_stories.database.engine.url.database
    busy: list[int] = []

    class Watching(EventReader):
        def decode(self, stored: StoredRow) -> EventRecord:
            if not busy:
                with closing(sqlite3.connect(str(path), timeout=0)) as checkpointing:
                    busy.append(
                        checkpointing.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[0]
                    )
            return decode_event(stored)

    with a_generation(sqlite_stories, "orders", state=BUILT) as generation:
        follower = Follower(sqlite_stories.database, generation, reader=Watching())
        follower.step(log_end(sqlite_stories))

    assert busy == [0]
