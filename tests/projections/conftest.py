"""Ledgers that have heard every story once, for tests that only read them."""

from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import pytest
from sqlalchemy import URL

from ledger.application import Ledger
from tests.conftest import created, opened
from tests.projections.helpers import follow, told


@pytest.fixture(scope="module")
def sqlite_stories(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ledger]:
    path = tmp_path_factory.mktemp("stories") / "ledger.sqlite"
    copyfile(sqlite_template, path)
    with opened(f"sqlite:///{path}") as database:
        ledger = told(database)
        follow(ledger)
        yield ledger


@pytest.fixture(scope="module")
def postgres_stories(postgres_server: URL, postgres_template: str) -> Iterator[Ledger]:
    with created(postgres_server, template=postgres_template) as url, opened(url) as database:
        ledger = told(database)
        follow(ledger)
        yield ledger
