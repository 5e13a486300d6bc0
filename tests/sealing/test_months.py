"""On PostgreSQL what is sealed is divided by month, and no missing month is in the way."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from ulid import ULID

from ledger.queries.readable import readable_events
from ledger.storage.database import Database
from ledger.storage.migrations import migrate
from ledger.storage.outcomes import Sealed
from ledger.storage.sealed_rows import add_months
from tests.builders import a_delivery, a_form_call, a_ledger
from tests.conftest import opened

NOVEMBER = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def server(empty_postgres_url: str) -> Iterator[Database]:
    with opened(empty_postgres_url) as database:
        migrate(database)
        yield database


def counts(database: Database) -> dict[str, int]:
    query = "SELECT tableoid::regclass::text AS part, count(*) FROM bodies GROUP BY 1"
    with database.connect() as connection:
        return {row[0]: row[1] for row in connection.execute(text(query))}


def test_months_are_made_ahead_and_once(server: Database) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: add_months(server, NOVEMBER), range(4)))

    assert sorted(made)[-1] == ["2026-10", "2026-11", "2026-12", "2027-01"]
    assert sorted(made)[:-1] == [[], [], []]


def test_a_body_lies_in_the_month_of_its_arrival(server: Database) -> None:
    add_months(server, NOVEMBER)
    ledger = a_ledger(server)
    for number, arrived_at in enumerate((NOVEMBER, NOVEMBER.replace(month=7))):
        body = a_form_call(trans_uuid=f"{number:032x}")
        ledger.receive(a_delivery(body, id=str(ULID.from_datetime(arrived_at))))

    assert counts(server) == {"bodies_2026_11": 1, "bodies_other": 1}
    events = readable_events(ledger, ledger.events.events_after(0, 10))
    assert {each.sealed for each in events} == {Sealed.OPENED}


def test_a_month_that_came_too_late_stays_where_its_bodies_are(server: Database) -> None:
    ledger = a_ledger(server)
    ledger.receive(a_delivery(a_form_call(), id=str(ULID.from_datetime(NOVEMBER))))

    assert "2026-11" not in add_months(server, NOVEMBER)
    assert counts(server) == {"bodies_other": 1}


@pytest.mark.parametrize("part", ["bodies", "bodies_2026_11", "bodies_other"])
def test_no_part_can_be_changed(server: Database, part: str) -> None:
    add_months(server, NOVEMBER)

    with pytest.raises(DatabaseError, match="append-only"), server.begin() as connection:
        connection.execute(text(f"DELETE FROM {part}"))


def test_on_sqlite_there_are_no_months(sqlite_url: str) -> None:
    with opened(sqlite_url) as database:
        assert add_months(database, NOVEMBER) == []
