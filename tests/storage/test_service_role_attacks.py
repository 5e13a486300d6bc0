"""What the service's role cannot do, whoever has taken it over: change what was recorded."""

from collections.abc import Iterator

import pytest
from psycopg.errors import InsufficientPrivilege, RaiseException

from ledger.projections.engine.leadership import prepare_views
from ledger.storage.append_only_triggers import APPEND_ONLY
from ledger.storage.columns import metadata
from ledger.storage.service_role import MORE_RIGHTS
from tests.builders import a_form, a_ledger, form_body, receive
from tests.conftest import opened
from tests.storage.two_roles import OWNER, SERVICE, Roles, two_roles


@pytest.fixture(scope="module")
def roles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roles]:
    """A ledger that the service's role has received something in."""
    with two_roles(tmp_path_factory.mktemp("roles")) as roles:
        with opened(roles.url(SERVICE)) as database:
            prepare_views(database)
            assert receive(a_ledger(database), form_body(a_form())).outcome == "recorded"
        yield roles


ATTACKS = [
    *(
        statement.format(table)
        for table in metadata.tables.keys() - MORE_RIGHTS.keys()
        for statement in (
            "DELETE FROM {}",
            "TRUNCATE {}",
            "DROP TABLE {}",
            "ALTER TABLE {} DISABLE TRIGGER ALL",
            "ALTER TABLE {} ADD COLUMN more text",
            "ALTER TABLE {} OWNER TO ledger_service",
            "ALTER TABLE {} SET SCHEMA ledger_service",
            "LOCK TABLE {} IN ACCESS EXCLUSIVE MODE",
            "CREATE RULE lost AS ON INSERT TO {} DO INSTEAD NOTHING",
            "CREATE TRIGGER mine BEFORE INSERT ON {} EXECUTE FUNCTION ledger_refuse_change()",
        )
    ),
    *(f"DROP TRIGGER {table}_refuse_change ON {table}" for table in APPEND_ONLY),
    "UPDATE events SET topic = topic",
    "UPDATE notifications SET outcome = outcome",
    "UPDATE repeats SET told_at = told_at",
    "UPDATE access_log SET role = role",
    "UPDATE access_addresses SET peer = ''",
    "TRUNCATE access_log",
    "ALTER TABLE access_log DISABLE TRIGGER ALL",
    "DROP TRIGGER access_log_refuse_delete ON access_log",
    "DELETE FROM subscription_references",
    "UPDATE quarantine SET reason = reason",
    "UPDATE alembic_version SET version_num = '0'",
    "DELETE FROM users",
    "DELETE FROM tokens",
    "INSERT INTO events (originator_id, originator_version, topic, state, origin_id)"
    " SELECT originator_id, originator_version, topic, state, origin_id FROM events"
    " ON CONFLICT (originator_id, originator_version) DO UPDATE SET topic = 'forged'",
    "SELECT setval('events_position_seq', 1)",
    "ALTER SEQUENCE events_position_seq RESTART",
    "ALTER TABLE events ALTER COLUMN position SET DEFAULT 1",
    "DROP FUNCTION ledger_refuse_change CASCADE",
    "CREATE OR REPLACE FUNCTION public.ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql"
    " AS $$ BEGIN RETURN NULL; END $$",
    "CREATE TABLE public.mine (id integer)",
    "SET session_replication_role = replica",
    f"SET ROLE {OWNER}",
    f"GRANT UPDATE ON events TO {SERVICE}; UPDATE events SET topic = topic",
    f"ALTER SCHEMA {SERVICE} OWNER TO {SERVICE}",
    "DROP SCHEMA public CASCADE",
    "COPY (SELECT 1) TO PROGRAM 'true'",
]


@pytest.mark.parametrize("attack", sorted(ATTACKS))
def test_the_service_cannot_change_what_was_recorded(roles: Roles, attack: str) -> None:
    with (
        roles.connect(SERVICE) as connection,
        connection.transaction(),
        pytest.raises(InsufficientPrivilege),
    ):
        connection.execute(attack.encode())


def test_the_service_deletes_no_young_line_of_the_access_log(roles: Roles) -> None:
    """Also not by a clock of its own: the guard names the real one, whatever stands before it."""
    with roles.connect(SERVICE) as connection:
        connection.execute(
            "INSERT INTO access_log (at, token_id, token_name, role, method, route, kind, status)"
            " VALUES (now(), 't', 'audit', 'auditor', 'GET', '/', 'raw', 200)"
        )
        connection.execute(
            "CREATE FUNCTION ledger_service.now() RETURNS timestamptz LANGUAGE sql"
            " AS $$ SELECT timestamptz '9999-01-01' $$"
        )
        connection.execute("SET search_path = ledger_service, public, pg_catalog")
        try:
            with connection.transaction(), pytest.raises(RaiseException, match="append-only"):
                connection.execute("DELETE FROM access_log")
        finally:
            connection.execute("DROP FUNCTION ledger_service.now()")


def test_a_table_put_in_front_of_the_real_one_is_seen(roles: Roles) -> None:
    """A service that was taken over may deceive itself; the owner and the check do not follow."""
    with roles.connect(SERVICE) as connection:
        connection.execute("CREATE TABLE events (LIKE public.events)")
    try:
        assert "events" in roles.run(SERVICE, "check")[1].partition("warning role")[2]
        assert roles.run(OWNER, "verify", "--only", "order")[0] == 0
    finally:
        with roles.connect(SERVICE) as connection:
            connection.execute("DROP TABLE ledger_service.events")
