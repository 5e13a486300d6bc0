"""Rebuilding beside what is read, while notifications come in and servers follow."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ledger.application import Ledger
from ledger.errors import ConflictError, NotFoundError
from ledger.projections import generations as g
from ledger.projections.follower import Follower
from ledger.projections.registry import PROJECTIONS
from ledger.projections.runner import Followers, prepare_views
from ledger.projections.status import prune
from ledger.storage.database import Database
from tests.builders import a_ledger
from tests.conftest import opened
from tests.projections.brute_force import expected
from tests.projections.helpers import (
    a_rebuild,
    all_rows,
    follow,
    live,
    rebuilt,
    rows,
    tell,
    told,
)
from tests.projections.test_exactly_once import SOME, program


@contextmanager
def receiving(url: str) -> Iterator[threading.Thread]:
    """Notifications keep coming in, as another process would bring them."""
    stopped = threading.Event()
    with opened(url) as database:
        ledger = a_ledger(database)

        def run() -> None:
            for seed in range(100, 100_000):
                for name in SOME:
                    if stopped.is_set():
                        return
                    tell(ledger, name, seed=seed)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield thread
        finally:
            stopped.set()
            thread.join()


@contextmanager
def following(url: str) -> Iterator[None]:
    with opened(url) as database:
        followers = Followers(a_ledger(database))
        followers.start()
        try:
            yield
        finally:
            followers.stop()


def states(ledger: Ledger, name: str) -> list[str]:
    with ledger.database.connect() as connection:
        return [one.state for one in g.all_generations(connection, name)]


def test_views_are_rebuilt_while_notifications_come_in_and_others_follow(postgres_url: str) -> None:
    with opened(postgres_url) as database:
        ledger = told(database, *SOME)
        with following(postgres_url), receiving(postgres_url):
            orders = a_rebuild(ledger, "orders").run()  # in processes
            others = [rebuilt(ledger, one) for one in ("totals", "coverage", "audit_trail")]
        follow(ledger)

        assert [one.is_identical for one in (orders, *others)] == [True] * 4
        assert orders.position > 0
        assert states(ledger, "orders") == [g.RETIRED, g.LIVE]
        assert all_rows(ledger) == expected(ledger)


def test_a_rebuild_whose_whole_group_is_killed_under_writes_goes_on(postgres_url: str) -> None:
    with opened(postgres_url) as database:
        ledger = told(database, *SOME)
        with following(postgres_url), receiving(postgres_url):
            for seconds in (1.1, 1.6):
                with program("totals", postgres_url) as child:
                    time.sleep(seconds)
                    os.killpg(child.pid, signal.SIGKILL)
                time.sleep(1.1)  # its lease
            done = rebuilt(ledger, "totals")
        follow(ledger)

        assert done.is_identical
        assert states(ledger, "totals").count(g.LIVE) == 1
        assert g.BUILDING not in states(ledger, "totals")
        assert rows(ledger, "totals")["daily_totals"] == expected(ledger)["daily_totals"]


def test_a_dry_run_leaves_it_unread_and_a_later_run_switches_to_it(database: Database) -> None:
    ledger = told(database, *SOME)
    follow(ledger)
    before = live(ledger, "orders")

    dry = rebuilt(ledger, "orders", is_dry=True)

    assert (dry.is_live, dry.is_identical) == (False, True)
    assert dry.position == ledger.events.high_water_mark()
    assert live(ledger, "orders") == before
    tell(ledger, "duplicated")
    follow(ledger)
    done = rebuilt(ledger, "orders")
    assert done.generation.id == dry.generation.id == live(ledger, "orders").id
    assert states(ledger, "orders") == [g.RETIRED, g.LIVE]
    assert all_rows(ledger) == expected(ledger)


def test_a_dry_run_without_anything_to_compare_says_where_it_stands(database: Database) -> None:
    ledger = told(database, *SOME)

    dry = rebuilt(ledger, "orders", is_dry=True, is_compared=False)

    assert dry.position == ledger.events.high_water_mark()
    assert dry.against is None


def test_of_two_rebuilds_at_once_the_second_is_refused(database: Database) -> None:
    ledger = told(database, *SOME)
    first, second = a_rebuild(ledger, "orders"), a_rebuild(ledger, "orders")
    first._begin()

    with pytest.raises(ConflictError, match="by somebody else"):
        second.run()

    assert states(ledger, "orders") == [g.LIVE, g.BUILDING]


def test_rebuilds_that_begin_at_the_same_moment_make_one_generation(database: Database) -> None:
    ledger = told(database, *SOME)
    refused: list[ConflictError] = []
    barrier = threading.Barrier(4)

    def begin() -> None:
        rebuild = a_rebuild(ledger, "orders")
        barrier.wait()
        try:
            rebuild._begin()
        except ConflictError as error:
            refused.append(error)

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert len(refused) == 3
    assert states(ledger, "orders") == [g.LIVE, g.BUILDING]


def test_servers_that_start_at_the_same_moment_make_one_generation_of_each(
    database: Database,
) -> None:
    barrier = threading.Barrier(4)

    def prepare() -> None:
        barrier.wait()
        prepare_views(database)

    threads = [threading.Thread(target=prepare) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    ledger = a_ledger(database)
    assert [states(ledger, one) for one in PROJECTIONS] == [[g.LIVE]] * len(PROJECTIONS)


def test_a_rebuild_that_lost_its_lease_stops(database: Database) -> None:
    ledger = told(database, *SOME)
    rebuild = a_rebuild(ledger, "orders", lease_seconds=1)
    generation = rebuild._begin()
    with database.begin() as connection:
        g.give_leases_back(connection, rebuild._holder)
        assert g.take_lease(connection, g.lease_name(generation), "another", seconds=60)

    with rebuild._held(generation):
        time.sleep(0.6)
        with pytest.raises(ConflictError, match="taken the rebuild"):
            rebuild._check_held()


def test_a_rebuild_that_was_ahead_of_a_dead_service_can_still_finish(database: Database) -> None:
    """It had come to the end of the log and was killed; nobody brings the live one there."""
    ledger = told(database, *SOME)
    make_other_code(ledger, live(ledger, "orders"))
    dry = rebuilt(ledger, "orders", is_dry=True, is_compared=False)
    assert dry.position == ledger.events.high_water_mark()

    done = rebuilt(ledger, "orders")

    assert done.against is None
    assert done.generation.id == dry.generation.id == live(ledger, "orders").id


def test_what_was_retired_is_pruned_and_what_a_server_of_other_code_follows_stays(
    database: Database,
) -> None:
    ledger = told(database, "payment-accepted")
    follow(ledger)
    rebuilt(ledger, "totals")
    other = a_generation_of_other_code(ledger, "orders")
    with database.begin() as connection:
        assert g.take_lease(connection, g.lease_name(other), "an old server", seconds=60)

    (dropped,) = prune(ledger)

    assert dropped.startswith("totals generation")
    assert states(ledger, "totals") == [g.LIVE]
    assert states(ledger, "orders") == [g.LIVE, g.LIVE]
    with database.begin() as connection:
        g.give_leases_back(connection, "an old server")
    assert len(prune(ledger)) == 1
    with pytest.raises(NotFoundError):
        Follower(database, other, PROJECTIONS["orders"]).step(100)
    assert all_rows(ledger) == expected(ledger)


def a_generation_of_other_code(ledger: Ledger, name: str) -> g.Generation:
    with ledger.database.begin() as connection:
        made = g.create_generation(connection, PROJECTIONS[name], state=g.LIVE)
    make_other_code(ledger, made)
    return made


def make_other_code(ledger: Ledger, generation: g.Generation) -> None:
    mine = g.generations.c.id == generation.id
    with ledger.database.begin() as connection:
        connection.execute(g.update(g.generations).where(mine).values(fingerprint="0123456789ab"))
