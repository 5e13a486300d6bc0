"""A ledger that holds every story, filled once; each test gets a copy of its own to damage."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from ledger.application import Ledger
from tests.audit.tampering import a_filled_ledger
from tests.builders import a_ledger
from tests.conftest import created, opened


@pytest.fixture(scope="session")
def filled_sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "ledger.sqlite"
    path.write_bytes(sqlite_template.read_bytes())
    with opened(f"sqlite:///{path}") as database:
        a_filled_ledger(database)
    return path


@pytest.fixture(scope="session")
def filled_postgres(postgres_server: URL, postgres_template: str) -> Iterator[str]:
    with created(postgres_server, template=postgres_template) as url:
        with opened(url) as database:
            a_filled_ledger(database)
        yield str(make_url(url).database)


@pytest.fixture
def ledger_on_sqlite(filled_sqlite: Path, tmp_path: Path) -> Iterator[Ledger]:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(filled_sqlite.read_bytes())
    with opened(f"sqlite:///{path}") as database:
        yield a_ledger(database)


@pytest.fixture
def ledger_on_postgresql(postgres_server: URL, filled_postgres: str) -> Iterator[Ledger]:
    with created(postgres_server, template=filled_postgres) as url, opened(url) as database:
        yield a_ledger(database)


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    filled = request.getfixturevalue(f"ledger_on_{request.param}")
    assert isinstance(filled, Ledger)
    return filled
