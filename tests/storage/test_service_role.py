"""The service as a role of its own: it does all its work with no more rights than it needs."""

import ast
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ledger.access.guessing import Brake, note_failure
from ledger.access.log import Access, note_access
from ledger.access.tokens import create_token, find_token, note_use, revoke_token
from ledger.access.users import add_user, disable_user, user_by_name
from ledger.application import Ledger
from ledger.projections.engine.leadership import ProjectionRunner, prepare_views
from ledger.projections.engine.registry import PROJECTIONS
from ledger.projections.engine.status import prune
from ledger.storage.append_only_triggers import APPEND_ONLY
from ledger.storage.columns import metadata
from ledger.storage.service_role import MORE_RIGHTS
from tests.audit.tampering import faults
from tests.builders import NOON, a_form, a_ledger, a_shop, form_body, receive, shops
from tests.cli.running import run
from tests.conftest import opened
from tests.faults.crash_run import verified
from tests.faults.outside import Verdict
from tests.faults.platform import Platform
from tests.faults.service import serving
from tests.projections.helpers import all_rows, eventually, follow, rebuilt, receive_stories
from tests.storage.two_roles import OWNER, SERVICE, Roles, two_roles

ROOT = Path(__file__).resolve().parents[2]
STORIES = ("payment-split", "refunded-in-part", "subscription-instalment-tried-again")


@pytest.fixture(scope="module")
def roles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roles]:
    with two_roles(tmp_path_factory.mktemp("roles")) as roles:
        yield roles


@pytest.fixture(scope="module")
def ledger(roles: Roles) -> Iterator[Ledger]:
    """A ledger that the service's role runs, filled with some stories."""
    with opened(roles.url(SERVICE)) as database:
        prepare_views(database)
        ledger = a_ledger(database)
        receive_stories(ledger, *STORIES)
        yield ledger


def test_the_service_follows_and_rebuilds(ledger: Ledger) -> None:
    follow(ledger)
    followed = all_rows(ledger)

    for name in PROJECTIONS:
        result = rebuilt(ledger, name)
        assert result.is_live
        assert result.is_identical

    dropped = prune(ledger, is_forced=True).dropped
    assert {table.partition("_g")[0] for table in followed} == {
        table.partition("_g")[0] for table in all_rows(ledger)
    }
    assert list(map(_sorted, all_rows(ledger).values())) == list(map(_sorted, followed.values()))
    assert len(dropped) == len(PROJECTIONS)


def _sorted(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(map(str, rows))


def test_the_service_holds_leases(ledger: Ledger) -> None:
    runner = ProjectionRunner(ledger)

    runner.follow_once()
    held = list(runner.held)
    runner.start()
    runner.stop()

    assert {generation.name for generation in held} == set(PROJECTIONS)


def test_the_service_quarantines_readmits_and_evicts(roles: Roles) -> None:
    with opened(roles.url(SERVICE)) as database:
        strict = a_ledger(database, shops(a_shop(kinds=())), quarantine_count_max=3)
        waiting = receive(strict, form_body(a_form(vads_trans_uuid="a" * 32)))
        assert waiting.outcome == "quarantined"
        for number in range(5):
            receive(strict, b"junk=%d" % number)

        readmitted = a_ledger(database).readmit(waiting.id)

        assert readmitted.outcome == "recorded"
        with database.connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM quarantine")) == 2


def test_the_service_keeps_tokens_users_and_the_access_log(roles: Roles) -> None:
    later = NOON + timedelta(hours=1)
    with opened(roles.url(SERVICE)) as database, database.begin() as connection:
        token, secret = create_token(connection, name="audit", role="auditor", now=NOON)
        note_use(connection, token, now=later)
        used = find_token(connection, secret, now=later)
        assert used is not None
        assert used.last_used_at == later
        revoke_token(connection, token.id, now=later)
        add_user(connection, name="Jo", password="correct horse battery", role="auditor", now=NOON)
        disable_user(connection, "Jo", now=later)
        user = user_by_name(connection, "Jo")
        assert user is not None
        assert user.disabled_at == later
        for failure in (NOON, later):
            note_failure(connection, [Brake.on("Jo", failures_max=3)], now=failure)
        note_access(
            connection,
            Access(
                at=NOON, token_id="t", token_name="audit", role="auditor", method="GET",
                route="/", kind="raw", shop_id=None, mode=None, reference=None, status=200, peer="",
            ),
        )  # fmt: skip


def test_both_roles_verify_everything(roles: Roles, ledger: Ledger) -> None:
    follow(ledger)

    assert faults(ledger) == []
    assert roles.run(OWNER, "verify")[0] == 0


def test_a_served_ledger_needs_no_more(roles: Roles, tmp_path: Path) -> None:
    roles.cluster.execute(f"CREATE DATABASE served OWNER {OWNER}")
    assert roles.run(OWNER, "migrate", "--service-role", SERVICE, database="served")[0] == 0

    with serving(tmp_path, roles.url(SERVICE, "served")) as service:
        platform = Platform(service.url, seed=7, connections=2)
        platform.start()
        eventually(lambda: platform.acknowledged > 20)

        assert verified(service, platform.finish()) == Verdict()


def test_the_role_is_remembered(roles: Roles) -> None:
    with roles.connect(OWNER) as connection:
        connection.execute(f"REVOKE INSERT ON events FROM {SERVICE}")
    code, before = roles.run(SERVICE, "check")
    assert code == 2
    assert "INSERT on events" in before

    assert roles.run(OWNER, "migrate")[0] == 0

    code, after = roles.run(SERVICE, "check")
    assert code == 0
    assert "ledger_service adds to what was recorded and cannot change it" in after


def test_the_owner_is_told_that_it_could_change_everything(roles: Roles) -> None:
    code, output = roles.run(OWNER, "check")

    assert code == 0
    line = next(line for line in output.splitlines() if line.startswith("warning role"))
    assert all(table in line for table in APPEND_ONLY)


def test_a_ledger_of_one_role_is_handed_to_the_service(roles: Roles) -> None:
    """Its read models belong to the owner: the service makes them anew in its own schema."""
    roles.cluster.execute(f"CREATE DATABASE former OWNER {OWNER}")
    assert roles.run(OWNER, "migrate", database="former")[0] == 0
    with opened(roles.url(OWNER, "former")) as database:
        owned = a_ledger(database)
        receive_stories(owned, *STORIES)
        follow(owned)
        rows = all_rows(owned)

    assert roles.run(OWNER, "migrate", "--service-role", SERVICE, database="former")[0] == 0

    with opened(roles.url(SERVICE, "former")) as database:
        prepare_views(database)
        served = a_ledger(database)
        follow(served)
        assert all_rows(served) == rows


def test_another_role_takes_the_service_over(roles: Roles) -> None:
    roles.cluster.execute(f"CREATE DATABASE moved OWNER {OWNER}")
    roles.cluster.execute("CREATE ROLE successor LOGIN")
    assert roles.run(OWNER, "migrate", "--service-role", SERVICE, database="moved")[0] == 0
    with opened(roles.url(SERVICE, "moved")) as database:
        prepare_views(database)
        served = a_ledger(database)
        receive_stories(served, *STORIES)
        follow(served)
        rows = all_rows(served)

    roles.cluster.execute(f"DROP SCHEMA {SERVICE} CASCADE", "moved")
    assert roles.run(OWNER, "migrate", "--service-role", "successor", database="moved")[0] == 0

    with opened(roles.url("successor", "moved")) as database:
        prepare_views(database)
        served = a_ledger(database)
        follow(served)
        assert list(map(_sorted, all_rows(served).values())) == list(map(_sorted, rows.values()))


@pytest.mark.parametrize(
    ("role", "reason"),
    [
        ("nobody", "there is no role nobody"),
        ("postgres", "is a superuser"),
        (OWNER, "may act as the owner"),
        ("deputy", "may act as the owner"),
        ("second", f"the service has the role {SERVICE}"),
    ],
)
def test_a_role_that_would_not_be_held_back_is_refused(
    roles: Roles, role: str, reason: str
) -> None:
    database = "unfit" if role != "second" else "ledger"
    if role in ("deputy", "second"):
        roles.cluster.execute(f"CREATE ROLE {role}")
    if role == "deputy":
        roles.cluster.execute(f"GRANT {OWNER} TO {role}")
    roles.cluster.execute("DROP DATABASE IF EXISTS unfit")
    roles.cluster.execute(f"CREATE DATABASE unfit OWNER {OWNER}")

    code, output = roles.run(OWNER, "migrate", "--service-role", role, database=database)

    assert code == 2
    assert reason in output


def test_a_schema_where_everybody_may_create_is_refused(roles: Roles) -> None:
    roles.cluster.execute(f"CREATE DATABASE open OWNER {OWNER}")
    roles.cluster.execute("ALTER SCHEMA public OWNER TO postgres", "open")
    roles.cluster.execute("GRANT CREATE ON SCHEMA public TO PUBLIC", "open")

    code, output = roles.run(OWNER, "migrate", "--service-role", SERVICE, database="open")

    assert code == 2
    assert "REVOKE CREATE ON SCHEMA public FROM PUBLIC" in output


def test_a_file_has_no_roles(tmp_path: Path) -> None:
    done = run(f"sqlite:///{tmp_path}/ledger.sqlite", None, "migrate", "--service-role", SERVICE)

    assert done.exit_code == 2
    assert "--service-role needs PostgreSQL" in done.output


def test_every_change_that_the_code_makes_is_allowed() -> None:
    """A table that only the tests' superuser may change would stop the service in production."""
    changes = {
        (node.args[0].id, node.func.id.upper())
        for room in ("ledger", "web")
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("update", "delete")
        and node.args
        and isinstance(node.args[0], ast.Name)
        and node.args[0].id in metadata.tables
    }

    allowed = {(table, right) for table, rights in MORE_RIGHTS.items() for right in rights}
    of_archives = {("bodies", "DELETE")}  # on SQLite, where there are no roles
    assert changes - allowed == of_archives
    assert ("quarantine", "DELETE") in changes


def test_only_the_owner_archives_and_the_service_reads_on(
    roles: Roles, ledger: Ledger, tmp_path: Path
) -> None:
    to = ("archive", "--before", "2026-01", "--to", tmp_path.as_uri())

    code, refusal = roles.run(SERVICE, *to)
    assert (code, "only the owner of the tables can archive" in refusal) == (2, True)
    assert roles.run(OWNER, *to)[0] == 0

    follow(ledger)
    assert list(tmp_path.iterdir())
    assert faults(ledger) == []
    assert receive(ledger, form_body(a_form(vads_trans_uuid="f" * 32))).outcome == "recorded"
