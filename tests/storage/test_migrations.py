"""Migrations: they reach what the code expects, once, and the database then guards itself."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from time import sleep

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DatabaseError, IntegrityError

import ledger
from ledger.errors import SettingsError
from ledger.storage import short_locks
from ledger.storage.append_only_triggers import APPEND_ONLY
from ledger.storage.columns import metadata
from ledger.storage.database import Database
from ledger.storage.migrations import (
    MIGRATION_LOCK,
    Revisions,
    _config,
    is_empty,
    migrate,
    pending,
    revisions,
)
from ledger.storage.sealed_rows import add_months
from ledger.storage.tables import events, schema_revisions
from tests.conftest import opened
from tests.storage.rows import AN_EVENT, a_row, keep
from web.readiness import Readiness


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/made/on/the/way/ledger.sqlite"
    return str(request.getfixturevalue("empty_postgres_url"))


@pytest.fixture
def empty(empty_url: str) -> Iterator[Database]:
    database = Database(empty_url)
    yield database
    database.dispose()


def test_migrating_an_empty_database_leaves_nothing_pending(empty: Database) -> None:
    assert is_empty(empty)
    missing = pending(empty)

    applied = migrate(empty)

    assert applied == missing != []
    assert (pending(empty), migrate(empty), is_empty(empty)) == ([], [], False)


def is_no_part(name: str | None, kind: str, _: object) -> bool:
    """Whether a table is more than a part of another one."""
    return kind != "table" or not str(name).startswith("bodies_")


def test_the_migrated_tables_are_those_of_the_code(bare_database: Database) -> None:
    with bare_database.connect() as connection:
        options = {"compare_type": True, "include_name": is_no_part}
        context = MigrationContext.configure(connection, opts=options)

        assert compare_metadata(context, metadata) == []


def test_two_that_migrate_at_once_do_it_once(empty: Database, empty_url: str) -> None:
    other = Database(empty_url)
    with ThreadPoolExecutor() as pool:
        applied = list(pool.map(migrate, (empty, other)))
    other.dispose()

    assert sorted(map(bool, applied)) == [False, True]


def test_many_that_open_a_new_sqlite_file_at_once_all_get_in(tmp_path: Path) -> None:
    databases = [Database(f"sqlite:///{tmp_path}/ledger.sqlite") for _ in range(12)]
    with ThreadPoolExecutor(12) as pool:
        applied = list(pool.map(migrate, databases))
    for database in databases:
        database.dispose()

    assert sum(map(bool, applied)) == 1


def test_an_installed_package_carries_its_migrations(tmp_path: Path) -> None:
    """In a wheel they lie inside the package, since a folder `alembic` would hide the library."""
    root = Path(ledger.__file__).parents[1]
    shutil.copytree(root / "ledger", tmp_path / "ledger")
    shutil.copytree(root / "alembic", tmp_path / "ledger" / "migrations")
    code = (
        "from ledger.storage import database, migrations as m\n"
        f"print(m.__file__, m.migrate(database.Database('sqlite:///{tmp_path}/l.sqlite')))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.startswith(str(tmp_path))
    assert "0001" in done.stdout


def test_a_database_of_a_newer_version_is_refused(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(SettingsError, match="9999"):
        pending(database)


def test_every_migration_says_which_code_may_go_on_serving(bare_database: Database) -> None:
    scripts = ScriptDirectory.from_config(_config())
    known = {script.revision for script in scripts.walk_revisions()}

    with bare_database.connect() as connection:
        rows = connection.execute(select(schema_revisions)).all()

    assert {row.revision for row in rows} == known
    assert {row.oldest_code for row in rows} <= known


@pytest.mark.parametrize(("oldest_code", "may_serve"), [("0001", True), ("9998", False)])
def test_a_newer_version_says_whether_this_one_may_serve(
    sqlite_url: str, oldest_code: str, *, may_serve: bool
) -> None:
    with opened(sqlite_url) as database:
        with database.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
            row = {"revision": "9999", "oldest_code": oldest_code}
            connection.execute(insert(schema_revisions), row)

        if may_serve:
            assert revisions(database) == Revisions([], newer="9999")
            assert migrate(database) == []
            assert Readiness(database).checks()["migrations"] == "newer"
        else:
            with pytest.raises(SettingsError, match="9999"):
                revisions(database)


def test_a_migration_waits_for_no_reader_while_calls_wait_behind_it(
    empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(short_locks, "LOCK_SECONDS", 0.05)
    monkeypatch.setattr(short_locks, "LOCK_PAUSE_SECONDS", 0.05)
    with opened(empty_postgres_url) as database, database.begin() as holder:
        holder.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        monkeypatch.setattr(short_locks, "LOCK_TRIES", 2)
        with pytest.raises(SettingsError, match="held by somebody"):
            migrate(database)
        monkeypatch.setattr(short_locks, "LOCK_TRIES", 100)
        with ThreadPoolExecutor() as pool:
            applied = pool.submit(migrate, database)
            sleep(0.3)
            assert not applied.done()
            holder.rollback()
            assert applied.result(60)


def test_the_database_refuses_to_change_history(database: Database) -> None:
    _fill(database)
    # SQLite has no other way to empty a table
    empty = "DELETE FROM {0} WHERE 1" if database.is_sqlite else "TRUNCATE {0}"
    for table, column in [
        ("events", "topic"),
        ("notifications", "told_at"),
        ("repeats", "told_at"),
    ]:
        for change in ("UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", empty):
            with (
                pytest.raises(DatabaseError, match=f"{table} are append-only"),
                database.begin() as connection,
            ):
                connection.execute(text(change.format(table, column)))

        with database.connect() as connection:
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 1


def test_an_event_cannot_be_replaced_on_sqlite(sqlite_url: str) -> None:
    """REPLACE deletes first, and by default behind the back of a trigger."""
    database = Database(sqlite_url)
    _fill(database)

    with pytest.raises(IntegrityError, match="append-only"), database.begin() as connection:
        connection.execute(insert(events).prefix_with("OR REPLACE"), AN_EVENT)
    database.dispose()


def test_an_event_cannot_be_turned_by_an_upsert(database: Database) -> None:
    _fill(database)
    upsert = (
        "INSERT INTO events (originator_id, originator_version, topic, state, origin_id) "
        "SELECT originator_id, originator_version, 'forged', state, origin_id FROM events "
        "WHERE true ON CONFLICT (originator_id, originator_version) DO UPDATE SET topic = 'forged'"
    )

    with (
        pytest.raises(DatabaseError, match="events are append-only"),
        database.begin() as connection,
    ):
        connection.execute(text(upsert))


def test_what_never_changes_is_frozen_soon(postgres_url: str) -> None:
    with opened(postgres_url) as database:
        add_months(database, datetime(2026, 3, 1, tzinfo=UTC))
        with database.connect() as connection:
            frozen = connection.scalars(
                text(
                    "SELECT relname FROM pg_class WHERE 'autovacuum_freeze_min_age=0' = ANY"
                    " (reloptions) AND relkind = 'r' AND relnamespace = 'public'::regnamespace"
                )
            ).all()

    assert {*APPEND_ONLY} - {"bodies"} | {"bodies_other", "bodies_2026_03"} <= set(frozen)


def test_bodies_are_compressed_where_the_server_can(postgres_url: str) -> None:
    database = Database(postgres_url)
    with database.connect() as connection:
        has_lz4 = connection.scalar(
            text(
                "SELECT 'lz4' = ANY (enumvals) FROM pg_settings "
                "WHERE name = 'default_toast_compression'"
            )
        )
        compressed = connection.execute(
            text(
                "SELECT attrelid::regclass::text, attname FROM pg_attribute "
                "WHERE attcompression = 'l' ORDER BY 1, 2"
            )
        ).all()
    database.dispose()

    large = ["events.details", "events.state", "notifications.body", "quarantine.body"]
    assert [".".join(column) for column in compressed] == (large if has_lz4 else [])


def _fill(database: Database) -> None:
    keep(database, a_row(1))
    with database.begin() as connection:
        connection.execute(insert(events), AN_EVENT)
        connection.execute(
            text("INSERT INTO repeats (originator_id, notification_id) VALUES (:id, 'n')"),
            {"id": AN_EVENT["originator_id"].hex},
        )
