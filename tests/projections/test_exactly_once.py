"""A follower may be killed anywhere, and two may follow at once: every event counts once."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from ledger.application import Ledger
from ledger.projections.engine.follow import Follower
from ledger.projections.engine.leadership import ProjectionRunner
from ledger.projections.engine.leases import is_leased, take_lease
from ledger.projections.engine.registry import PROJECTIONS
from ledger.storage.database import Database
from ledger.storage.tables import leases
from tests.builders import a_ledger
from tests.conftest import opened
from tests.projections.brute_force import expected
from tests.projections.crashing import crash, started
from tests.projections.helpers import (
    all_rows,
    eventually,
    expire_leases_of_rebuilds,
    follow,
    ledger_of,
    live,
    log_end,
    positions,
    rebuilt,
    receive_stories,
    rows,
)


def test_a_follower_killed_at_any_step_loses_and_doubles_nothing(seven_stories: Ledger) -> None:
    ledger = seven_stories
    url = ledger.database.engine.url.render_as_string(hide_password=False)
    rng = random.Random(7)
    points = [f"commit:{rng.randrange(1, 9)}" for _ in range(2)]
    points += [str(rng.randrange(20, 140)) for _ in range(3)]

    killed = [crash("follow", url, at) for at in points]

    assert killed.count(-9) >= 4  # the last one may have found nothing left to do
    until = follow(ledger)
    assert all_rows(ledger) == expected(ledger)
    assert set(positions(ledger).values()) == {until}


def test_a_follower_killed_from_outside_at_any_moment_loses_nothing(
    seven_stories_on_postgresql: Ledger,
) -> None:
    ledger = seven_stories_on_postgresql
    url = ledger.database.engine.url.render_as_string(hide_password=False)
    rng = random.Random(7)
    for _ in range(3):
        with started("follow", url) as child:
            time.sleep(0.5 + rng.random() / 2)
            child.kill()
        for name in ("orders", "totals"):
            shown, wanted = rows(ledger, name), expected(ledger, until=positions(ledger)[name])
            assert shown == {table: wanted[table] for table in shown}

    follow(ledger)

    assert all_rows(ledger) == expected(ledger)


def test_two_followers_of_one_generation_write_nothing_twice(seven_stories: Ledger) -> None:
    """Without any lease: the position alone must be enough."""
    ledger = seven_stories
    failures: list[Exception] = []

    def run(name: str) -> None:
        follower = Follower(ledger.database, live(ledger, name))
        try:
            follower.run(log_end(ledger), batch=3)
        except Exception as error:  # noqa: BLE001  the test reports it
            failures.append(error)

    for name in ("transactions", "orders", "totals", "coverage"):
        threads = [threading.Thread(target=run, args=(name,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    follow(ledger)
    assert failures == []
    assert all_rows(ledger) == expected(ledger)


def test_only_one_of_two_servers_follows_and_the_other_takes_over(database: Database) -> None:
    ledger = ledger_of(database, "payment-accepted")
    first, second = ProjectionRunner(ledger), ProjectionRunner(ledger, pause_seconds=0)
    first.follow_once()

    assert second.follow_once() is False
    assert len(first.held) == len(PROJECTIONS)
    assert second.held == []
    with database.begin() as connection:  # the first one was killed: it renews nothing
        connection.execute(update(leases).values(expires_at=datetime.now(UTC)))
    second.follow_once()
    assert len(second.held) == len(PROJECTIONS)


def test_a_lease_written_by_a_clock_that_was_ahead_binds_nobody(database: Database) -> None:
    """Its holder is dead, and the clock was set back by an hour since."""
    ledger = ledger_of(database, "payment-accepted")
    lease_names = [live(ledger, name).lease_name for name in PROJECTIONS]
    with database.begin() as connection:
        for lease_name in lease_names:
            take_lease(connection, lease_name, "dead", seconds=10)
        ahead = datetime.now(UTC) + timedelta(hours=1)
        connection.execute(update(leases).values(expires_at=ahead))

    ProjectionRunner(ledger).follow_once()

    assert set(positions(ledger).values()) == {ledger.events.high_water_mark()}
    with database.connect() as connection:
        assert all(is_leased(connection, lease_name) for lease_name in lease_names)
        assert "dead" not in set(connection.scalars(select(leases.c.holder)))


@contextmanager
def running(runner: ProjectionRunner) -> Iterator[None]:
    runner.start()
    try:
        yield
    finally:
        runner.stop()


def test_a_silent_ledger_keeps_its_leases(seven_stories_on_sqlite: Ledger) -> None:
    ledger = seven_stories_on_sqlite
    database = ledger.database
    lease_names = [live(ledger, name).lease_name for name in PROJECTIONS]

    def first_to_expire() -> datetime:
        with database.connect() as connection:
            return min(connection.scalars(select(leases.c.expires_at)))

    with running(ProjectionRunner(ledger, lease_seconds=2)):
        eventually(lambda: set(positions(ledger).values()) == {ledger.events.high_water_mark()})
        a_lease_later = first_to_expire() + timedelta(seconds=2)
        eventually(lambda: first_to_expire() > a_lease_later)
    with database.connect() as connection:
        assert not any(is_leased(connection, lease_name) for lease_name in lease_names)


def test_a_runner_goes_on_after_the_database_was_away(postgres_url: str) -> None:
    with opened(postgres_url) as database:
        ledger = ledger_of(database, "payment-accepted")
        with running(ProjectionRunner(ledger, lease_seconds=1)):
            eventually(lambda: set(positions(ledger).values()) == {ledger.events.high_water_mark()})
            with opened(postgres_url) as administrator, administrator.begin() as connection:
                connection.exec_driver_sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
            receive_stories(a_ledger(database), "refunded-in-part")
            eventually(lambda: set(positions(ledger).values()) == {ledger.events.high_water_mark()})
        assert all_rows(ledger) == expected(ledger)


def test_a_rebuild_goes_on_from_where_it_was_killed(seven_stories: Ledger) -> None:
    ledger = seven_stories
    url = ledger.database.engine.url.render_as_string(hide_password=False)
    follow(ledger)
    wanted = all_rows(ledger)

    killed = []
    for at in ("26", "45", "36"):
        killed.append(crash("orders", url, at))
        expire_leases_of_rebuilds(ledger)
    done = rebuilt(ledger, "orders")

    assert killed == [-9] * 3
    assert done.is_identical
    assert all_rows(ledger) == wanted
