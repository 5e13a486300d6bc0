"""Two generations are compared range by range of keys, with the result of one piece."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
from sqlalchemy import Connection, Table, select

from ledger.application import Ledger
from ledger.projections.engine.compare import (
    Difference,
    add_difference,
    compare,
    compare_table,
    cut_table,
)
from ledger.projections.engine.follow import Follower
from ledger.projections.engine.generations import BUILT, Generation
from ledger.projections.engine.registry import PROJECTIONS
from ledger.projections.engine.snapshots import snapshot
from ledger.storage.database import Database
from tests.audit.damaged_rows import Change, add_another, make_wrong, remove
from tests.conftest import opened
from tests.projections.helpers import (
    SEVEN_STORIES,
    a_rebuild,
    follow,
    ledger_of,
    live,
    log_end,
    receive_stories,
)
from tests.projections.test_bulk_load import a_generation

SIZES = (1, 7, 1_000_000)


@pytest.fixture
def ledger(database: Database) -> Ledger:
    ledger = ledger_of(database, *SEVEN_STORIES)
    follow(ledger)
    return ledger


@pytest.mark.parametrize("damaging", [remove, make_wrong, add_another])
@pytest.mark.parametrize("name", PROJECTIONS)
def test_ranges_of_any_size_find_what_one_piece_finds(
    ledger: Ledger, name: str, damaging: Change
) -> None:
    with a_copy(ledger, name) as copy:
        for table in copy.tables.values():
            damage_some_rows(ledger, table, damaging)
        with snapshot(ledger.database) as before, snapshot(ledger.database) as after:
            sides = (before, live(ledger, name), after, copy)

            whole = compare(*sides)

            assert all(difference.differing for difference in whole)
            for size in SIZES:
                assert in_ranges(*sides, size) == whole


@contextmanager
def a_copy(ledger: Ledger, name: str) -> Iterator[Generation]:
    with a_generation(ledger, name, state=BUILT) as generation:
        Follower(ledger.database, generation).run(log_end(ledger))
        yield generation


def damage_some_rows(ledger: Ledger, table: Table, damaging: Change) -> None:
    """Damage every second row, the first among them."""
    with ledger.database.begin() as connection:
        rows = connection.execute(select(table).order_by(*table.primary_key)).mappings().all()
        for row in rows[::2]:
            damaging(connection, table, dict(row))


def in_ranges(
    live_reader: Connection, live_one: Generation, reading: Connection, copy: Generation, size: int
) -> list[Difference]:
    difference_by_table: dict[str, Difference] = {}
    for declared in copy.tables:
        for key_range in cut_table(live_reader, live_one, reading, copy, declared, size):
            part = compare_table(live_reader, live_one, reading, copy, declared, key_range)
            add_difference(difference_by_table, part)
    return list(difference_by_table.values())


class Meanwhile(ThreadPoolExecutor):
    """Threads that do something before the first range is compared."""

    do: Callable[[], object] | None = None

    def submit(self, task: Callable[..., Any], /, *arguments: Any, **_: Any) -> Future[Any]:
        if self.do is not None and "compare_rows" in repr(arguments[0]):
            do, self.do = self.do, None
            do()
        return super().submit(task, *arguments)


def test_what_the_live_generation_gains_meanwhile_is_not_compared(postgres_url: str) -> None:
    with opened(postgres_url) as database:
        ledger = ledger_of(database, *SEVEN_STORIES)
        follow(ledger)
        pool = Meanwhile(2)

        def go_on() -> None:
            receive_stories(ledger, *SEVEN_STORIES, seed=8)
            follow(ledger)

        pool.do = go_on
        before = log_end(ledger)
        done = a_rebuild(ledger, "orders", start_workers=lambda _: nullcontext(pool)).run()

    assert pool.do is None
    assert done.is_identical, done.differences
    assert done.position > before
    assert sum(difference.rows[0] for difference in done.differences) > 0
