"""What the service says about itself, and how it refuses outside the receiver."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from ledger.errors import LedgerError, NotFoundError
from ledger.projections.engine.leadership import prepare_views
from ledger.projections.engine.registry import PROJECTIONS
from ledger.settings import Settings
from ledger.storage.database import Database
from ledger.storage.migrations import migrate
from tests.web.fakes import FakeLedger
from web import create_app
from web.errors import status_of


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/ledger.sqlite")
    yield database
    database.dispose()


@pytest.fixture
def ledger(database: Database) -> FakeLedger:
    return FakeLedger(database=database)


def test_a_process_is_alive_whatever_its_database_does(client: FlaskClient) -> None:
    response = client.get("/healthz")

    assert (response.status_code, response.get_json()) == (200, {"status": "ok"})


def test_a_service_is_ready_when_everything_is(client: FlaskClient, database: Database) -> None:
    migrate(database)

    response = client.get("/readyz")

    assert response.status_code == 200
    checks = {"database": "ok", "migrations": "ok", "writing": "ok", "stopping": "no"}
    assert response.get_json() == {"status": "ready", "checks": checks}


def test_a_service_with_old_tables_is_not_ready(client: FlaskClient) -> None:
    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.get_json()["checks"]["migrations"] == "pending"


def test_a_service_without_its_database_is_not_ready(
    make_app: Callable[..., Flask], ledger: FakeLedger, tmp_path: Path
) -> None:
    (tmp_path / "folder.sqlite").mkdir()
    ledger.database = Database(f"sqlite:///{tmp_path}/folder.sqlite")

    response = make_app().test_client().get("/readyz")

    assert response.status_code == 503
    assert response.get_json()["checks"]["database"] == "unreachable"


def test_a_service_that_stops_is_not_ready(ledger: FakeLedger, database: Database) -> None:
    migrate(database)
    app = create_app(Settings(), ledger, is_stopping=lambda: True)  # type: ignore[arg-type]  # a fake

    response = app.test_client().get("/readyz")

    assert response.status_code == 503
    assert response.get_json()["checks"]["stopping"] == "yes"


def test_metrics_tell_the_size_of_the_quarantine(client: FlaskClient, database: Database) -> None:
    migrate(database)

    response = client.get("/metrics")

    assert response.status_code == 200
    assert response.mimetype == "text/plain"
    assert "ledger_quarantine_notifications 0.0" in response.text
    assert "ledger_quarantine_bytes 0.0" in response.text
    assert 'ledger_rejected_total{status="405"} 0.0' in response.text


def test_metrics_without_a_database_leave_the_sizes_out(client: FlaskClient) -> None:
    response = client.get("/metrics")

    assert response.status_code == 200
    assert "ledger_quarantine" not in response.text


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("Bearer synthetic-metrics-token", 200),
        ("bearer synthetic-metrics-token", 200),
        ("Bearer synthetic-metrics-tokem", 401),
        ("Bearer synthetic-metrics-token-and-more", 401),
        ("Bearer ipnl_\u00e9", 401),
        ("Basic synthetic-metrics-token", 401),
        ("Bearer ", 401),
        (None, 401),
    ],
)
def test_metrics_can_ask_for_a_token(
    make_app: Callable[..., Flask], authorization: str | None, status: int
) -> None:
    client = make_app(metrics_token="synthetic-metrics-token").test_client()
    headers = {} if authorization is None else {"Authorization": authorization}

    response = client.get("/metrics", headers=headers)

    assert response.status_code == status
    assert ("ledger_rejected_total" in response.text) == (status == 200)
    assert client.get("/healthz").status_code == 200


def test_metrics_ask_the_database_once_however_often_they_are_read(
    client: FlaskClient, database: Database
) -> None:
    migrate(database)
    queries: list[str] = []
    event.listen(database.engine, "begin", lambda _: queries.append("begun"))

    text = client.get("/metrics").text
    asked_once = len(queries)
    texts = {client.get("/metrics").text for _ in range(20)}

    assert texts == {text}
    assert len(queries) == asked_once > 0


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not-found"),
        ("GET", "/ipnotification", 404, "not-found"),
        ("DELETE", "/healthz", 405, "method-not-allowed"),
    ],
)
def test_outside_the_receiver_a_refusal_is_a_problem_document(
    client: FlaskClient, method: str, path: str, status: int, code: str
) -> None:
    response = client.open(path, method=method)

    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    problem = response.get_json(force=True)
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, "about:blank")
    assert problem["title"]


def test_a_bug_outside_the_receiver_tells_nothing_of_itself(make_app: Callable[..., Flask]) -> None:
    app = make_app()

    @app.get("/broken")
    def broken() -> str:
        raise KeyError("jo@example.org")

    response = app.test_client().get("/broken")

    assert response.status_code == 500
    assert "jo@" not in response.text


def test_a_refusal_of_the_ledger_keeps_its_code(make_app: Callable[..., Flask]) -> None:
    app = make_app()

    @app.get("/missing")
    def missing() -> str:
        raise NotFoundError("no such transaction")

    response = app.test_client().get("/missing")

    assert response.status_code == 404
    assert response.get_json(force=True)["detail"] == "no such transaction"


def test_every_refusal_has_a_status() -> None:
    assert status_of(NotFoundError()) == 404
    assert status_of(LedgerError()) == 500


def test_metrics_tell_how_far_behind_every_view_is(client: FlaskClient, database: Database) -> None:
    migrate(database)
    prepare_views(database)

    text = client.get("/metrics").text

    for name in PROJECTIONS:
        assert f'ledger_projection_lag_positions{{projection="{name}"}} 0.0' in text
        assert f'ledger_projection_lag_seconds{{projection="{name}"}} 0.0' in text
        assert f'ledger_projection_still_seconds{{projection="{name}"}} 0.0' in text
        assert f'ledger_projection_poison_events{{projection="{name}"}} 0.0' in text
