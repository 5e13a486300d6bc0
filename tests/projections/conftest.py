"""Ledgers that have received stories: recorded once, and copied where a test changes them."""

from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import pytest
from sqlalchemy import URL, make_url

from ledger.application import Ledger
from tests.builders import a_ledger
from tests.conftest import created, opened
from tests.projections.helpers import SEVEN_STORIES, follow, ledger_of


@pytest.fixture(scope="session")
def sqlite_stories(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ledger]:
    """All stories, followed to the end, for tests that leave the live generations as they are."""
    path = tmp_path_factory.mktemp("stories") / "ledger.sqlite"
    copyfile(sqlite_template, path)
    with opened(f"sqlite:///{path}") as database:
        ledger = ledger_of(database)
        follow(ledger, batch=50)
        yield ledger


@pytest.fixture(scope="session")
def postgres_stories(postgres_server: URL, postgres_template: str) -> Iterator[Ledger]:
    with created(postgres_server, template=postgres_template) as url, opened(url) as database:
        ledger = ledger_of(database)
        follow(ledger, batch=50)
        yield ledger


@pytest.fixture(params=["sqlite", "postgresql"])
def stories(request: pytest.FixtureRequest) -> Ledger:
    """All stories, followed to the end, on each database in turn."""
    is_sqlite = request.param == "sqlite"
    return request.getfixturevalue("sqlite_stories" if is_sqlite else "postgres_stories")  # type: ignore[no-any-return]  # a ledger


@pytest.fixture(scope="session")
def sqlite_seven_stories(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("seven-stories") / "ledger.sqlite"
    copyfile(sqlite_template, path)
    with opened(f"sqlite:///{path}") as database:
        ledger_of(database, *SEVEN_STORIES)
    return path


@pytest.fixture(scope="session")
def postgres_seven_stories(postgres_server: URL, postgres_template: str) -> Iterator[str]:
    with created(postgres_server, template=postgres_template) as url:
        with opened(url) as database:
            ledger_of(database, *SEVEN_STORIES)
        yield str(make_url(url).database)


@pytest.fixture
def seven_stories_on_sqlite(sqlite_seven_stories: Path, tmp_path: Path) -> Iterator[Ledger]:
    path = tmp_path / "ledger.sqlite"
    copyfile(sqlite_seven_stories, path)
    with opened(f"sqlite:///{path}") as database:
        yield a_ledger(database)


@pytest.fixture
def seven_stories_on_postgresql(
    postgres_server: URL, postgres_seven_stories: str
) -> Iterator[Ledger]:
    with created(postgres_server, template=postgres_seven_stories) as url, opened(url) as database:
        yield a_ledger(database)


@pytest.fixture(params=["sqlite", "postgresql"])
def seven_stories(request: pytest.FixtureRequest) -> Ledger:
    """Seven stories that nobody has followed yet, on each database in turn."""
    return request.getfixturevalue(f"seven_stories_on_{request.param}")  # type: ignore[no-any-return]  # a ledger
