"""A generation on SQLite is filled by images of batches, wherever it is interrupted."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, inspect

from ledger.application import Ledger
from ledger.errors import ConflictError
from ledger.projections import filling, images
from ledger.projections import generations as g
from ledger.projections.folding import Folded, fold
from ledger.projections.parts import Place, make_groups, make_keys, merge_waiting
from ledger.projections.registry import PROJECTIONS
from ledger.projections.runner import catch_up
from ledger.storage.database import Database
from tests.conftest import opened
from tests.projections.helpers import merge_some, rows, told

NAMES = list(PROJECTIONS)


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


def begun(ledger: Ledger, name: str) -> tuple[g.Generation, Place]:
    with ledger.database.begin() as connection:
        generation = g.create_generation(connection, PROJECTIONS[name], state=g.BUILDING)
    url = ledger.database.engine.url.render_as_string(hide_password=False)
    return generation, Place(url, generation.id, name)


def filled(place: Place, until: int, executor: Executor) -> None:
    for _ in images.fill(place, until, executor, processes=1):
        pass
    make_keys(place)
    merge_waiting(place)


def drop(database: Database, generation: g.Generation) -> None:
    with database.begin() as connection:
        g.drop_generation(connection, generation)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_batches_and_interruptions_leave_the_same_rows(
    sqlite_stories: Ledger, executor: Executor, data: st.DataObject
) -> None:
    ledger = sqlite_stories
    name = data.draw(st.sampled_from(NAMES))
    until = ledger.events.high_water_mark() or 0
    ends = [*sorted(data.draw(st.lists(st.integers(1, until), max_size=3))), until]
    generation, place = begun(ledger, name)
    with pytest.MonkeyPatch.context() as patched:
        for end in ends:  # each time it is taken up again, the log has grown
            patched.setattr(images, "BATCH", data.draw(st.integers(until // 10, until)))
            patched.setattr(images, "STEP", data.draw(st.integers(until // 20, until)))
            patched.setattr(filling, "TURN", data.draw(st.integers(until // 10, until)))
            for is_last in (False, True):
                with closing(images.fill(place, end, executor, processes=2)) as reached:
                    for _ in reached:
                        if not is_last and data.draw(st.booleans()):
                            break
            make_keys(place)
            merge_some(ledger, generation, data.draw(st.integers(0, 5)))
    merge_waiting(place)
    make_groups(place)

    with ledger.database.connect() as connection:
        tables, suffix = inspect(connection).get_table_names(), f"_g{generation.id}"
        poison = g.poison_of(connection, generation.id)
    shown = rows(ledger, name, generation)
    drop(ledger.database, generation)
    assert not [one for one in tables if one.startswith("waiting") and one.endswith(suffix)]
    assert poison == []
    assert shown == rows(ledger, name)


def test_what_was_filled_is_followed_like_any_other(
    sqlite_stories: Ledger, executor: Executor
) -> None:
    ledger = sqlite_stories
    until = ledger.events.high_water_mark() or 0
    generation, place = begun(ledger, "transactions")
    filled(place, until // 2, executor)

    catch_up(ledger, generation, PROJECTIONS["transactions"], until)

    shown = rows(ledger, "transactions", generation)
    drop(ledger.database, generation)
    assert shown == rows(ledger, "transactions")


@pytest.mark.parametrize("name", NAMES)
def test_tables_are_taken_over_without_their_records_being_read(
    sqlite_stories: Ledger, executor: Executor, name: str
) -> None:
    """SQLite decides by the tables alone, and would copy value by value where they differ."""
    steps: set[str] = set()

    def explain(_: Any, cursor: Any, statement: str, *__: Any) -> None:
        if statement.startswith("INSERT INTO main."):
            steps.update(row[1] for row in cursor.connection.execute(f"EXPLAIN {statement}"))

    generation, place = begun(sqlite_stories, name)
    event.listen(Engine, "before_cursor_execute", explain)
    try:
        filled(place, sqlite_stories.events.high_water_mark() or 0, executor)
    finally:
        event.remove(Engine, "before_cursor_execute", explain)
    drop(sqlite_stories.database, generation)
    assert steps & {"RowData", "RowCell"}  # whole records, by this or that version of SQLite
    assert not {"MakeRecord", "Column", "IdxInsert"} & steps


def test_no_snapshot_is_held_while_events_are_folded(
    sqlite_stories: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log of writes could not begin anew, and would grow as long as anything is folded."""
    generation, place = begun(sqlite_stories, "orders")
    path = sqlite_stories.database.engine.url.database
    busy: list[int] = []

    def folding(*told: Any) -> Folded:
        with closing(sqlite3.connect(str(path), timeout=0)) as other:
            busy.extend(row[0] for row in other.execute("PRAGMA wal_checkpoint(RESTART)"))
        return fold(*told)

    monkeypatch.setattr(images, "fold", folding)
    images.fold_batch(place, 0, sqlite_stories.events.high_water_mark() or 0)

    drop(sqlite_stories.database, generation)
    assert busy
    assert not any(busy)


def test_of_two_who_fill_the_same_the_second_is_told(
    sqlite_stories: Ledger, executor: Executor
) -> None:
    ledger = sqlite_stories
    until = ledger.events.high_water_mark() or 0
    generation, place = begun(ledger, "orders")
    with (
        pytest.MonkeyPatch.context() as patched,
        closing(images.fill(place, until, executor, processes=1)) as reached,
    ):
        patched.setattr(images, "BATCH", until // 4)
        next(reached)
        filled(place, until, executor)
        with pytest.raises(ConflictError, match="somebody else"):
            next(reached)
    drop(ledger.database, generation)


def test_a_generation_that_has_its_keys_already_is_filled_as_well(
    sqlite_url: str, executor: Executor
) -> None:
    """As one that an earlier version has begun."""
    with opened(sqlite_url) as database:
        ledger = told(database, "refunded-in-part", "payment-split")
        until = ledger.events.high_water_mark() or 0
        with database.begin() as connection:
            generation = g.create_generation(connection, PROJECTIONS["orders"], state=g.LIVE)
        place = Place(sqlite_url, generation.id, "orders")

        filled(place, until, executor)
        make_groups(place)

        with database.begin() as connection:
            followed = g.create_generation(connection, PROJECTIONS["orders"], state=g.LIVE)
        catch_up(ledger, followed, PROJECTIONS["orders"], until)
        assert rows(ledger, "orders", generation) == rows(ledger, "orders", followed)
