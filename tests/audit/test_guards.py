"""A guard that the database itself should have, and has not or only in part, is a fault."""

import pytest

from ledger.storage.append_only_triggers import missing_guards
from ledger.storage.database import Database
from tests.audit.tampering import faults
from tests.builders import a_ledger

ON_SQLITE = [f"DROP TRIGGER {table}_refuse_update" for table in ("events", "notifications")] + [
    "DROP TRIGGER repeats_refuse_delete",
    "DROP TRIGGER access_log_refuse_delete",
    "DROP TRIGGER access_log_refuse_update",
    "DROP INDEX uq_notifications_recorded",
]
ON_POSTGRESQL = [
    "DROP TRIGGER access_log_refuse_delete ON access_log",
    "DROP TRIGGER access_log_refuse_change ON access_log",
    "ALTER TABLE access_log DISABLE TRIGGER access_log_refuse_delete",
    "DROP TRIGGER events_refuse_change ON events",
    "DROP TRIGGER events_lock_positions ON events",
    "ALTER TABLE notifications DISABLE TRIGGER notifications_refuse_change",
    "ALTER TABLE repeats DISABLE TRIGGER ALL",
    "CREATE OR REPLACE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql"
    " AS $$ BEGIN RETURN NULL; END $$",
    "CREATE OR REPLACE FUNCTION ledger_lock_positions() RETURNS trigger LANGUAGE plpgsql"
    " AS $$ BEGIN RETURN NULL; END $$",
    "DROP INDEX uq_notifications_recorded",
    "ALTER TABLE events DROP CONSTRAINT uq_events_stream",
    "ALTER TABLE events DROP CONSTRAINT pk_events",
]


@pytest.mark.parametrize("statement", ON_SQLITE)
def test_a_guard_missing_on_sqlite_is_a_fault(sqlite_url: str, statement: str) -> None:
    _assert_found(Database(sqlite_url), statement)


@pytest.mark.parametrize("statement", ON_POSTGRESQL)
def test_a_guard_missing_on_postgresql_is_a_fault(postgres_url: str, statement: str) -> None:
    _assert_found(Database(postgres_url), statement)


WEAKER_ON_SQLITE = [
    "WHEN OLD.at >= strftime('%Y-%m-%dT%H:%M:%S', 'now', '-11 months') BEGIN",
    "WHEN OLD.at >= strftime('%Y-%m-%dT%H:%M:%S', 'now', '-12 months') AND OLD.id < 9 BEGIN",
    "WHEN OLD.id < 9 AND OLD.at >= strftime('%Y-%m-%dT%H:%M:%S', 'now', '-12 months') BEGIN",
    "WHEN false BEGIN SELECT 1; --",
    "--  WHEN OLD.at >= strftime('%Y-%m-%dT%H:%M:%S', 'now', '-12 months') BEGIN \nWHEN\n0 BEGIN",
    "BEGIN",
]
WEAKER_ON_POSTGRESQL = [
    "FOR EACH ROW WHEN (OLD.at >= now() - make_interval(months => 11))",
    "FOR EACH ROW WHEN (OLD.at > now() - make_interval(months => 12))",
    "FOR EACH ROW WHEN (OLD.at >= now() - make_interval(months => 12) AND OLD.id < 9)",
    "FOR EACH ROW WHEN (OLD.id < 9 AND OLD.at >= now() - make_interval(months => 12))",
    "FOR EACH ROW WHEN (OLD.at >= public.now() - make_interval(months => 12))",
    "FOR EACH ROW WHEN (false)",
    "FOR EACH STATEMENT",
]


@pytest.mark.parametrize("weaker", WEAKER_ON_SQLITE)
def test_a_weaker_guard_of_the_access_log_on_sqlite_is_a_fault(
    sqlite_url: str, weaker: str
) -> None:
    _assert_found(
        Database(sqlite_url),
        "DROP TRIGGER access_log_refuse_delete",
        "CREATE TRIGGER access_log_refuse_delete BEFORE DELETE ON access_log"
        f" {weaker}\nSELECT RAISE(ABORT, 'access_log are append-only'); END",
        name="access_log_refuse_delete",
    )


@pytest.mark.parametrize("weaker", WEAKER_ON_POSTGRESQL)
def test_a_weaker_guard_of_the_access_log_on_postgresql_is_a_fault(
    postgres_url: str, weaker: str
) -> None:
    _assert_found(
        Database(postgres_url),
        "CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql"
        " AS $$ SELECT timestamptz '9999-01-01' $$",
        "DROP TRIGGER access_log_refuse_delete ON access_log",
        "CREATE TRIGGER access_log_refuse_delete BEFORE DELETE ON access_log"
        f" {weaker} EXECUTE FUNCTION ledger_refuse_change()",
        name="access_log_refuse_delete",
    )


def _assert_found(database: Database, *weakenings: str, name: str = "") -> None:
    with database.connect() as connection:
        assert missing_guards(connection) == []
    with database.begin() as connection:
        for statement in weakenings:
            connection.exec_driver_sql(statement)
    with database.connect() as connection:
        assert all(name in guard for guard in missing_guards(connection))

    reasons = {fault.reason for fault in faults(a_ledger(database), only=("order",))}

    assert reasons == {"guard-missing"}
    database.dispose()
