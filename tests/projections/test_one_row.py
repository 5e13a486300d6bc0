"""One row never stops a view: its fault skips one event, the database's skips none."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from ledger.application import Ledger
from ledger.projections.definition import Row
from ledger.projections.engine.folding import RowChanges
from ledger.projections.engine.follow import Follower
from ledger.projections.engine.generations import LIVE
from ledger.projections.engine.leadership import ProjectionRunner
from ledger.projections.engine.lone_failures import FAILURES_MAX
from ledger.projections.engine.rebuild import start_processes
from ledger.projections.engine.rebuild_as_of import write_as_of
from ledger.projections.engine.registry import PROJECTIONS
from ledger.storage.database import Database
from tests.builders import NOON
from tests.conftest import opened
from tests.projections.helpers import (
    a_rebuild,
    all_rows,
    follow,
    ledger_of,
    live,
    log_end,
    poison,
    positions,
    rebuilt,
    rows,
    silent,
    states,
)
from tests.projections.test_poison import FACTS, TOO_LARGE, a_state, append


@contextmanager
def refusing(ledger: Ledger, column: str, text: str, sqlstate: str) -> Iterator[None]:
    """Let PostgreSQL refuse the rows of transactions with this value, with this SQLSTATE."""
    table = f"transactions_g{live(ledger, 'transactions').id}"
    with ledger.database.begin() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF NEW.{column} = '{text}' THEN RAISE 'no' USING ERRCODE = '{sqlstate}'; END IF;"
            " RETURN NEW; END $$"
        )
        connection.exec_driver_sql(
            f"CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
    try:
        yield
    finally:
        with ledger.database.begin() as connection:
            connection.exec_driver_sql("DROP FUNCTION refuse CASCADE")


def tried(runner: ProjectionRunner, times: int) -> None:
    for _ in range(times):
        runner.follow_once()


def a_runner(ledger: Ledger) -> ProjectionRunner:
    return ProjectionRunner(ledger, pause_seconds=0)


@pytest.mark.parametrize(
    ("sqlstate", "tries"),
    [("22001", 1), ("23514", 1), ("54000", 1)]
    + [(unknown, FAILURES_MAX) for unknown in ("P0001", "XX000", "0A000", "ZZ999")],
)
def test_a_refused_row_is_skipped_and_the_view_goes_on(
    postgres_url: str, sqlstate: str, tries: int
) -> None:
    with opened(postgres_url) as database:
        ledger = ledger_of(database, "payment-accepted")
        position = append(database, a_state(reference="bad"))
        append(database, a_state(reference="good"))
        runner = a_runner(ledger)
        with refusing(ledger, "reference", "bad", sqlstate):
            tried(runner, tries - 1)
            assert positions(ledger)["transactions"] == 0

            tried(runner, 1)

            assert positions(ledger) == dict.fromkeys(PROJECTIONS, log_end(ledger))
            assert poison(ledger, "transactions") == [position]
            assert "good" in {
                row["reference"] for row in rows(ledger, "transactions")["transactions"]
            }


@pytest.mark.parametrize("sqlstate", ["08006", "40001", "42501", "53100", "57014", "58030"])
def test_what_is_the_database_s_fault_skips_nothing(postgres_url: str, sqlstate: str) -> None:
    with opened(postgres_url) as database:
        ledger = ledger_of(database, "payment-accepted")
        append(database, a_state(reference="bad"))
        runner = a_runner(ledger)
        with refusing(ledger, "reference", "bad", sqlstate):
            tried(runner, 3 * FAILURES_MAX)

            assert positions(ledger)["transactions"] == 0
            assert positions(ledger)["orders"] == log_end(ledger)
        tried(runner, 1)

        assert positions(ledger) == dict.fromkeys(PROJECTIONS, log_end(ledger))
        assert poison(ledger, "transactions") == []


def test_a_fault_nobody_knows_that_hits_every_event_skips_none(postgres_url: str) -> None:
    """Then it is nothing that is the matter with the events."""
    with opened(postgres_url) as database:
        ledger = ledger_of(database, "payment-accepted", "refunded-in-part")
        runner = a_runner(ledger)
        with refusing(ledger, "shop_id", "12345678", "XX000"):
            tried(runner, 3 * FAILURES_MAX)
            assert positions(ledger)["transactions"] == 0
        tried(runner, 1)

        assert positions(ledger)["transactions"] == log_end(ledger)
        assert poison(ledger, "transactions") == []


def test_failures_count_only_when_they_are_equal_and_in_a_row(database: Database) -> None:
    ledger = ledger_of(database, "payment-accepted")
    bad = append(database, a_state(reference="bad"))
    until = append(database, a_state(reference="good"))
    failure: Exception = KeyError("bad")

    def write(_: Connection, row_changes: RowChanges) -> None:
        if "bad" in {row["reference"] for row in rows_in(row_changes)}:
            raise failure

    follower = Follower(database, live(ledger, "transactions"), write=write)
    for failure in (KeyError(), KeyError(), TypeError(), KeyError(), KeyError()):
        with pytest.raises(type(failure)):
            follower.step(until)
    failure = KeyError("in other words")
    follower.step(until)

    assert positions(ledger)["transactions"] == until
    assert poison(ledger, "transactions") == [bad]


def rows_in(row_changes: RowChanges) -> list[Row]:
    return [row for table_rows in row_changes.rows_by_table.values() for row in table_rows]


@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY])
def test_sqlite_without_room_skips_nothing(sqlite_url: str, code: int) -> None:
    cause = sqlite3.OperationalError("no")
    cause.sqlite_errorcode = code

    def write(_: Connection, __: RowChanges) -> None:
        raise OperationalError("INSERT", {}, cause)

    with opened(sqlite_url) as database:
        ledger = ledger_of(database, "payment-accepted")
        with pytest.raises(OperationalError):
            Follower(database, live(ledger, "transactions"), write=write).run(1)

        assert poison(ledger, "transactions") == []
        assert positions(ledger)["transactions"] == 0


# -- rebuilding ---------------------------------------------------------------------------------


def a_long_name(length: int) -> str:
    """A name that no database makes smaller."""
    return "".join(random.Random(length).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=length))


def with_long_names(database: Database) -> Ledger:
    """Stored as no code of ours stores them."""
    ledger = ledger_of(database, "payment-accepted", "refunded-in-part", "subscription")
    for length in (2_700, 20_000):
        name = a_long_name(length)
        append(database, a_state(reference=name, facts=FACTS | {"order_id": name}))
        append(database, a_state(facts=FACTS | {"payment_method": name, "status": name}))
        append(
            database, a_state(status="CREATED", reference=name, facts={}), topic="alias.registered"
        )
        append(database, a_state(reference=f"after {length}"))
    return ledger


@pytest.mark.parametrize("workers", [1, 3])
def test_a_rebuild_goes_on_where_an_index_refuses_a_row(postgres_url: str, workers: int) -> None:
    """It loads without indexes, so the database names no event; it begins again, one by one."""
    with opened(postgres_url) as database:
        ledger = with_long_names(database)
        follow(ledger)
        before = all_rows(ledger)
        skipped = {name: poison(ledger, name) for name in PROJECTIONS}

        for name in PROJECTIONS:
            done = rebuilt(ledger, name, workers=workers)

            assert done.is_identical, done.differences
            assert done.is_live
            assert done.poison == len(skipped[name])

        assert {name: poison(ledger, name) for name in PROJECTIONS} == skipped
        assert all_rows(ledger) == before
        assert {name: len(positions_) for name, positions_ in skipped.items()} == {
            "transactions": 4, "aliases": 2, "subscriptions": 0, "orders": 2, "totals": 2,
            "coverage": 0, "audit_trail": 4, "suspects": 2,
        }  # fmt: skip


def test_a_rebuild_in_processes_goes_on_too(postgres_url: str) -> None:
    with opened(postgres_url) as database:
        ledger = with_long_names(database)
        follow(ledger)

        done = a_rebuild(ledger, "orders", start_workers=start_processes).run()

        assert (done.poison, done.is_identical, done.is_live) == (2, True, True)
        assert states(ledger, "orders")[-1] == LIVE
        follow(ledger)


def test_a_dry_rebuild_goes_on_and_can_be_taken_up_again(postgres_url: str) -> None:
    with opened(postgres_url) as database:
        ledger = with_long_names(database)

        assert rebuilt(ledger, "orders", is_dry=True).poison == 2
        assert rebuilt(ledger, "orders").poison == 2
        assert len(states(ledger, "orders")) == 2


def test_the_same_names_are_no_trouble_on_sqlite(sqlite_url: str) -> None:
    with opened(sqlite_url) as database:
        ledger = with_long_names(database)
        follow(ledger)

        for name in PROJECTIONS:
            assert poison(ledger, name) == []
            assert rebuilt(ledger, name).is_identical


def test_a_model_as_of_a_day_goes_on_without_a_row_that_is_refused(
    database: Database, tmp_path: Path
) -> None:
    ledger = ledger_of(database, "payment-accepted")
    bad = append(database, a_state(facts=FACTS | {"amount_minor": TOO_LARGE}))
    append(database, a_state(facts=FACTS | {"status": 7}, reference="odd"))

    _, skipped = write_as_of(
        ledger,
        "transactions",
        as_of=NOON.replace(year=2030),
        into=tmp_path / "then.sqlite",
        progress=silent,
    )

    assert [event.position for event in skipped] == [bad]
