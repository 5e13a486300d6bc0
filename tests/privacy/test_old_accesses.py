"""Addresses of readers go after a year, lines of the access log after three, none before one."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from ledger.access.log import Access, accesses, note_access
from ledger.access.users import add_user, find_user, note_sign_in
from ledger.application import Ledger
from ledger.instants import utc_now
from ledger.privacy.retention import expire, expire_rows
from ledger.proof.runner import LogRunner
from ledger.storage.access_tables import access_addresses
from ledger.storage.database import Database
from tests.builders import a_ledger

NOW = utc_now()  # the guard of the table has a clock of its own
YEAR = timedelta(days=366)
PEER = "192.0.2.1"


def an_access(at: datetime, peer: str | None = PEER) -> Access:
    return Access(
        at=at,
        token_id="token-1",
        token_name="audit",
        role="auditor",
        method="GET",
        route="/raw",
        kind="raw",
        shop_id=None,
        mode=None,
        reference=None,
        status=200,
        peer=peer,
    )


@pytest.fixture
def read_long_ago(database: Database) -> Ledger:
    """A ledger that was read four years ago, two years ago, and now."""
    with database.begin() as connection:
        for years in (4, 2, 0):
            note_access(connection, an_access(NOW - years * YEAR))
    return a_ledger(database)


def peers(ledger: Ledger) -> list[str | None]:
    with ledger.database.connect() as connection:
        return [access.peer for access in accesses(connection, limit=9)]


def test_an_address_goes_before_its_line(read_long_ago: Ledger) -> None:
    assert peers(read_long_ago) == [PEER, PEER, PEER]

    expired = expire(read_long_ago, NOW)

    assert (expired.counts["network"], expired.counts["access_log"]) == (2, 1)
    assert peers(read_long_ago) == [PEER, None]
    again = expire(read_long_ago, NOW)
    assert (again.counts["network"], again.counts["access_log"], again.id) == (0, 0, None)


def test_a_dry_run_counts_accesses_and_removes_none(read_long_ago: Ledger) -> None:
    expired = expire(read_long_ago, NOW, is_dry_run=True)

    assert (expired.counts["network"], expired.counts["access_log"]) == (2, 1)
    assert peers(read_long_ago) == [PEER, PEER, PEER]


def test_an_address_never_outlives_its_line(read_long_ago: Ledger) -> None:
    ledger = a_ledger(read_long_ago.database, retention="network=99m,access_log=12m")

    expire(ledger, NOW)

    assert peers(ledger) == [PEER]
    with ledger.database.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(access_addresses)) == 1


def test_a_running_service_lets_accesses_expire(read_long_ago: Ledger) -> None:
    LogRunner(read_long_ago, None, hourly=[lambda: expire_rows(read_long_ago, NOW)]).run_once()

    assert peers(read_long_ago) == [PEER, None]


def test_where_somebody_signed_in_from_is_forgotten(database: Database) -> None:
    ledger = a_ledger(database)
    with database.begin() as connection:
        for name, at in (("Ada", NOW - YEAR), ("Jo", NOW - YEAR / 2)):
            user = add_user(
                connection, name=name, password="correct horse battery", role="auditor", now=at
            )
            note_sign_in(connection, user, now=at, network="192.0.2.0/24")
            assert find_user(connection, user.id) is not None

    expired = expire(ledger, NOW)

    assert expired.counts["network"] == 1
    with database.connect() as connection:
        left = connection.execute(text("SELECT name, last_signed_in_from FROM users ORDER BY name"))
        assert [tuple(row) for row in left] == [("Ada", None), ("Jo", "192.0.2.0/24")]


def test_an_access_without_a_network_has_no_address(database: Database) -> None:
    with database.begin() as connection:
        note_access(connection, an_access(NOW, peer=None))
        note_access(connection, an_access(NOW, peer=""))

    with database.connect() as connection:
        assert [access.peer for access in accesses(connection, limit=9)] == [None, None]
        assert connection.execute(select(access_addresses)).all() == []


CHANGES = [
    "UPDATE access_log SET role = 'operator' WHERE id = 1",
    "DELETE FROM access_log WHERE id = 3",
    "DELETE FROM access_log",
]


@pytest.mark.parametrize("change", CHANGES)
def test_the_database_lets_nothing_but_old_lines_go(read_long_ago: Ledger, change: str) -> None:
    assert_refused(read_long_ago, change)

    with read_long_ago.database.begin() as connection:
        assert connection.execute(text("DELETE FROM access_log WHERE id < 3")).rowcount == 2


def test_no_line_is_replaced_or_cut_off(read_long_ago: Ledger) -> None:
    replaced = "INSERT OR REPLACE INTO access_log SELECT * FROM access_log WHERE id = 3"
    is_sqlite = read_long_ago.database.is_sqlite

    assert_refused(read_long_ago, replaced if is_sqlite else "TRUNCATE access_log")


def assert_refused(ledger: Ledger, change: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"), ledger.database.begin() as connection:
        connection.execute(text(change))
    assert peers(ledger) == [PEER, PEER, PEER]


def test_no_setting_goes_below_twelve_months(database: Database) -> None:
    with database.begin() as connection:
        for days in (368, 364):
            note_access(connection, an_access(NOW - timedelta(days=days)))
    ledger = a_ledger(database, retention="network=1d,access_log=1m")  # as no environment says it

    expired = expire(ledger, NOW)

    assert (expired.counts["network"], expired.counts["access_log"]) == (2, 1)
    assert peers(ledger) == [None]
