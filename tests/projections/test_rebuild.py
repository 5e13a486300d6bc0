"""Rebuilding beside what is read, while notifications come in and servers follow."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from ledger.application import Ledger
from ledger.errors import ConflictError
from ledger.projections.engine.generations import (
    BUILDING,
    LIVE,
    RETIRED,
)
from ledger.projections.engine.leadership import ProjectionRunner, prepare_views
from ledger.projections.engine.leases import HeldLease, release_leases, take_lease
from ledger.projections.engine.rebuild import start_processes
from ledger.projections.engine.registry import PROJECTIONS
from ledger.storage.database import Database
from ledger.storage.tables import leases
from tests.builders import a_ledger
from tests.conftest import opened
from tests.projections.brute_force import expected
from tests.projections.crashing import started
from tests.projections.helpers import (
    SEVEN_STORIES,
    a_rebuild,
    all_rows,
    eventually,
    expire_leases_of_rebuilds,
    follow,
    ledger_of,
    live,
    make_other_code,
    rebuilt,
    receive_stories,
    rows,
    states,
)


@contextmanager
def receiving(url: str) -> Iterator[None]:
    """Notifications keep coming in, as another process would bring them."""
    stopped = threading.Event()
    with opened(url) as database:
        ledger = a_ledger(database)

        def run() -> None:
            for seed in range(100, 100_000):
                for name in SEVEN_STORIES:
                    if stopped.is_set():
                        return
                    receive_stories(ledger, name, seed=seed)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()


@contextmanager
def following(url: str) -> Iterator[None]:
    with opened(url) as database:
        runner = ProjectionRunner(a_ledger(database))
        runner.start()
        try:
            yield
        finally:
            runner.stop()


def url_of(ledger: Ledger) -> str:
    return ledger.database.engine.url.render_as_string(hide_password=False)


def at_the_same_moment(run: Callable[[], object], *, threads: int = 4) -> None:
    barrier = threading.Barrier(threads)

    def run_with_others() -> None:
        barrier.wait()
        run()

    running = [threading.Thread(target=run_with_others) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def test_models_are_rebuilt_while_notifications_come_in_and_servers_follow(
    seven_stories_on_postgresql: Ledger,
) -> None:
    ledger = seven_stories_on_postgresql
    with following(url_of(ledger)), receiving(url_of(ledger)):
        orders = a_rebuild(ledger, "orders", start_workers=start_processes).run()
        more = [rebuilt(ledger, name) for name in ("totals", "coverage", "audit_trail")]
    follow(ledger)

    assert [done.is_identical for done in (orders, *more)] == [True] * 4
    assert orders.position > 0
    assert states(ledger, "orders") == [RETIRED, LIVE]
    assert all_rows(ledger) == expected(ledger)


def test_a_rebuild_whose_whole_group_is_killed_under_writes_goes_on(
    seven_stories_on_postgresql: Ledger,
) -> None:
    ledger = seven_stories_on_postgresql
    with following(url_of(ledger)), receiving(url_of(ledger)):
        for seconds in (1.1, 1.6):
            with started("totals", url_of(ledger)) as child:
                time.sleep(seconds)
                os.killpg(child.pid, signal.SIGKILL)
            expire_leases_of_rebuilds(ledger)
        done = rebuilt(ledger, "totals")
    follow(ledger)

    assert done.is_identical
    assert states(ledger, "totals").count(LIVE) == 1
    assert BUILDING not in states(ledger, "totals")
    assert rows(ledger, "totals")["daily_totals"] == expected(ledger)["daily_totals"]


def test_a_dry_run_leaves_it_unread_and_a_later_run_switches_to_it(seven_stories: Ledger) -> None:
    ledger = seven_stories
    follow(ledger)
    before = live(ledger, "orders")

    dry = rebuilt(ledger, "orders", is_dry=True)

    assert (dry.is_live, dry.is_identical) == (False, True)
    assert dry.position == ledger.events.high_water_mark()
    assert live(ledger, "orders") == before
    receive_stories(ledger, "duplicated")
    follow(ledger)
    done = rebuilt(ledger, "orders")
    assert done.generation.id == dry.generation.id == live(ledger, "orders").id
    assert states(ledger, "orders") == [RETIRED, LIVE]
    assert all_rows(ledger) == expected(ledger)


def test_a_dry_run_without_anything_to_compare_says_where_it_stands(seven_stories: Ledger) -> None:
    dry = rebuilt(seven_stories, "orders", is_dry=True, is_compared=False)

    assert dry.position == seven_stories.events.high_water_mark()
    assert dry.against is None


def test_of_two_rebuilds_at_once_the_second_is_refused(database: Database) -> None:
    ledger = ledger_of(database, "payment-accepted")
    a_rebuild(ledger, "orders").begin()

    with pytest.raises(ConflictError, match="by somebody else"):
        a_rebuild(ledger, "orders").run()

    assert states(ledger, "orders") == [LIVE, BUILDING]


def test_rebuilds_that_begin_at_the_same_moment_make_one_generation(database: Database) -> None:
    ledger = ledger_of(database, "payment-accepted")
    conflicts: list[ConflictError] = []

    def begin() -> None:
        try:
            a_rebuild(ledger, "orders").begin()
        except ConflictError as error:
            conflicts.append(error)

    at_the_same_moment(begin)

    assert len(conflicts) == 3
    assert states(ledger, "orders") == [LIVE, BUILDING]


def test_servers_that_start_at_the_same_moment_make_one_generation_of_each(
    bare_database: Database,
) -> None:
    at_the_same_moment(lambda: prepare_views(bare_database))

    ledger = a_ledger(bare_database)
    assert [states(ledger, name) for name in PROJECTIONS] == [[LIVE]] * len(PROJECTIONS)


def test_whoever_has_lost_a_lease_is_stopped(database: Database) -> None:
    lease = HeldLease(database, "a name", holder="first", seconds=1, purpose="the rebuild")
    with database.begin() as connection:
        assert lease.acquire(connection)
    with lease.renewed():
        lease.check()
        with database.begin() as connection:
            release_leases(connection, "first")
            assert take_lease(connection, "a name", "second", seconds=60)

        with pytest.raises(ConflictError, match="somebody else has taken the rebuild over"):
            eventually(lambda: bool(lease.check()))


def test_a_rebuild_that_lost_its_lease_stops(seven_stories: Ledger) -> None:
    stages = []

    def lose_lease(stage: str, _done: int, _total: int) -> None:
        stages.append(stage)
        if stage == "merging":
            with seven_stories.database.begin() as connection:
                later = datetime.now(UTC) + timedelta(seconds=60)
                connection.execute(update(leases).values(holder="another", expires_at=later))
            time.sleep(0.6)  # the lease is renewed every tenth of a second

    with pytest.raises(ConflictError, match="somebody else has taken the rebuild of orders over"):
        a_rebuild(seven_stories, "orders", lease_seconds=0.4, progress=lose_lease).run()

    assert stages[-1] == "merging"


def test_a_rebuild_that_was_ahead_of_a_dead_service_can_still_finish(seven_stories: Ledger) -> None:
    """It had come to the end of the log and was killed; nobody brings the live one there."""
    ledger = seven_stories
    make_other_code(ledger, live(ledger, "orders"))
    dry = rebuilt(ledger, "orders", is_dry=True, is_compared=False)
    assert dry.position == ledger.events.high_water_mark()

    done = rebuilt(ledger, "orders")

    assert done.against is None
    assert done.generation.id == dry.generation.id == live(ledger, "orders").id
