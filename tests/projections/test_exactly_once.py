"""A follower may be killed anywhere, and two may follow at once: every event counts once."""

import random
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from ledger.projections import generations as g
from ledger.projections.follower import Follower
from ledger.projections.registry import PROJECTIONS
from ledger.projections.runner import Followers
from ledger.storage.database import Database
from ledger.storage.tables import leases
from tests.builders import a_ledger
from tests.conftest import opened
from tests.projections.brute_force import expected
from tests.projections.helpers import (
    all_rows,
    eventually,
    follow,
    live,
    positions,
    rebuilt,
    rows,
    tell,
    told,
)

ROOT = Path(__file__).resolve().parents[2]
SOME = (
    "payment-split",
    "refunded-in-part",
    "changed-and-cancelled",
    "subscription-instalment-tried-again",
    "alias-created-and-updated",
    "capture-failed",
    "payment-abandoned-without-order",
)


def program(*told: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.projections.crashing", *told],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def crash(url: str, *told: str) -> int:
    with program(told[0], url, *told[1:]) as child:
        child.communicate(timeout=60)
        return child.returncode


def test_a_follower_killed_at_any_step_loses_and_doubles_nothing(
    database: Database, database_url: str
) -> None:
    ledger = told(database, *SOME)
    rng = random.Random(7)
    points = [f"commit:{rng.randrange(1, 9)}" for _ in range(2)]
    points += [str(rng.randrange(20, 140)) for _ in range(3)]

    killed = [crash(database_url, "follow", at) for at in points]

    assert killed.count(-9) >= 4  # the last one may have found nothing left to do
    until = follow(ledger)
    assert all_rows(ledger) == expected(ledger)
    assert set(positions(ledger).values()) == {until}


@pytest.mark.parametrize("name", ["orders", "totals"])
def test_a_follower_killed_from_outside_at_any_moment_loses_nothing(
    postgres_url: str, name: str
) -> None:
    with opened(postgres_url) as database:
        ledger = told(database, *SOME)
        rng = random.Random(name)
        for _ in range(2):
            with program("follow", postgres_url) as child:
                time.sleep(0.5 + rng.random() / 2)
                child.kill()
            shown, wanted = rows(ledger, name), expected(ledger, until=positions(ledger)[name])
            assert shown == {table: wanted[table] for table in shown}

        follow(ledger)

        assert all_rows(ledger) == expected(ledger)


def test_two_followers_of_one_generation_write_nothing_twice(database: Database) -> None:
    """Without any lease: the position alone must be enough."""
    ledger = told(database, *SOME)
    until = ledger.events.high_water_mark() or 0
    failures: list[Exception] = []

    def run(name: str) -> None:
        follower = Follower(database, live(ledger, name), PROJECTIONS[name])
        try:
            while follower.position() < until:
                follower.step(until, 3)
        except Exception as error:  # noqa: BLE001  told to the test
            failures.append(error)

    for name in ("transactions", "orders", "totals", "coverage"):
        threads = [threading.Thread(target=run, args=(name,)) for _ in range(3)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()

    follow(ledger)
    assert failures == []
    assert all_rows(ledger) == expected(ledger)


def test_one_of_two_servers_leads_each_view_and_the_other_takes_over(database: Database) -> None:
    ledger = told(database, "payment-accepted")
    one, other = Followers(ledger, lease_seconds=1), Followers(ledger, lease_seconds=1)
    one.follow_once()

    assert other.follow_once() is False
    assert len(one._led) == len(PROJECTIONS)
    assert other._led == []
    time.sleep(1.3)  # the first one was killed: it keeps nothing up
    other.follow_once()
    assert len(other._led) == len(PROJECTIONS)


def test_a_lease_written_by_a_clock_that_was_ahead_binds_nobody(database: Database) -> None:
    """Its holder is dead, and the clock was set back by an hour since."""
    ledger = told(database, "payment-accepted")
    names = [g.lease_name(live(ledger, one)) for one in PROJECTIONS]
    with database.begin() as connection:
        for name in names:
            g.take_lease(connection, name, "dead", seconds=10)
        ahead = datetime.now(UTC) + timedelta(hours=1)
        connection.execute(update(leases).values(expires_at=ahead))

    Followers(ledger).follow_once()

    assert set(positions(ledger).values()) == {ledger.events.high_water_mark()}
    with database.connect() as connection:
        assert all(g.is_leased(connection, name) for name in names)
        assert "dead" not in set(connection.scalars(select(leases.c.holder)))


def test_a_silent_ledger_keeps_its_leases(database: Database) -> None:
    ledger = told(database, "payment-accepted")
    followers = Followers(ledger, lease_seconds=3)
    followers.start()
    try:
        until = ledger.events.high_water_mark()
        eventually(lambda: set(positions(ledger).values()) == {until})
        for _ in range(18):  # longer than a lease, which is long enough for a machine that stalls
            time.sleep(0.2)
            with database.connect() as connection:
                leased = [
                    g.is_leased(connection, g.lease_name(live(ledger, one))) for one in PROJECTIONS
                ]
            assert all(leased)
    finally:
        followers.stop()
    with database.connect() as connection:
        assert not g.is_leased(connection, g.lease_name(live(ledger, "orders")))


def test_followers_go_on_after_the_database_was_away(postgres_url: str) -> None:
    with opened(postgres_url) as database:
        ledger = told(database, "payment-accepted")
        followers = Followers(ledger, lease_seconds=1)
        followers.start()
        try:
            eventually(lambda: set(positions(ledger).values()) == {ledger.events.high_water_mark()})
            with opened(postgres_url) as administrator, administrator.begin() as connection:
                connection.exec_driver_sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
            tell(a_ledger(database), "refunded-in-part")
            eventually(lambda: set(positions(ledger).values()) == {ledger.events.high_water_mark()})
        finally:
            followers.stop()
        assert all_rows(ledger) == expected(ledger)


def test_a_rebuild_goes_on_from_where_it_was_killed(database: Database, database_url: str) -> None:
    ledger = told(database, *SOME)
    follow(ledger)
    wanted = all_rows(ledger)

    killed = []
    for at in ("26", "31", "40"):
        killed.append(crash(database_url, "orders", at))
        time.sleep(1.1)  # its lease
    done = rebuilt(ledger, "orders")

    assert killed == [-9] * 3
    assert done.is_identical
    assert all_rows(ledger) == wanted
