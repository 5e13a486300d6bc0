"""A ledger that was told every story; each test gets a copy of its own to damage."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from ledger.application import Ledger
from tests.audit.hands import a_told_ledger
from tests.builders import a_ledger
from tests.conftest import created, opened


@pytest.fixture(scope="session")
def told_sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("told") / "ledger.sqlite"
    path.write_bytes(sqlite_template.read_bytes())
    with opened(f"sqlite:///{path}") as database:
        a_told_ledger(database)
    return path


@pytest.fixture(scope="session")
def told_postgres(postgres_server: URL, postgres_template: str) -> Iterator[str]:
    with created(postgres_server, template=postgres_template) as url:
        with opened(url) as database:
            a_told_ledger(database)
        yield str(make_url(url).database)


@pytest.fixture(params=["sqlite", "postgresql"])
def told(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    if request.param == "sqlite":
        path = tmp_path / "ledger.sqlite"
        path.write_bytes(request.getfixturevalue("told_sqlite").read_bytes())
        with opened(f"sqlite:///{path}") as database:
            yield a_ledger(database)
        return
    server = request.getfixturevalue("postgres_server")
    template = request.getfixturevalue("told_postgres")
    with created(server, template=template) as url, opened(url) as database:
        yield a_ledger(database)
