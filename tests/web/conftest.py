"""The real application before a ledger that answers what a test tells it to."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ledger.settings import Settings
from ledger.storage.database import Database
from tests.conftest import opened
from tests.web.asking import Asking, asking, with_a_payment
from tests.web.documented_examples import a_service
from tests.web.fakes import NOW, FakeLedger
from web import create_app


@pytest.fixture
def ledger() -> FakeLedger:
    return FakeLedger()


@pytest.fixture
def make_app(ledger: FakeLedger) -> Callable[..., Flask]:
    def make(**settings: Any) -> Flask:
        return create_app(Settings(**settings), ledger, clock=lambda: NOW)

    return make


@pytest.fixture
def client(make_app: Callable[..., Flask]) -> FlaskClient:
    return make_app().test_client()


@pytest.fixture
def api(database: Database) -> Asking:
    """The query API before a real ledger, on each database in turn."""
    return asking(database)


@pytest.fixture
def api_on_sqlite(sqlite_url: str) -> Iterator[Asking]:
    """The same on one database, for what does not depend on it."""
    with opened(sqlite_url) as database:
        yield asking(database)


@pytest.fixture
def paid(api: Asking) -> Asking:
    """The query API before a ledger that knows one captured payment, on each database in turn."""
    return with_a_payment(api)


@pytest.fixture
def paid_sqlite(api_on_sqlite: Asking) -> Asking:
    """The same on one database, for what does not depend on it."""
    return with_a_payment(api_on_sqlite)


@pytest.fixture(scope="module")
def documented_api(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asking]:
    """The query API before a ledger that received every example, and has every event."""
    path = tmp_path_factory.mktemp("documented") / "ledger.sqlite"
    shutil.copyfile(sqlite_template, path)
    with opened(f"sqlite:///{path}") as database:
        yield a_service(database)


@pytest.fixture(scope="module")
def document(documented_api: Asking) -> dict[str, Any]:
    specification: dict[str, Any] = documented_api.get("/api/v1/openapi.json", None)
    return specification
