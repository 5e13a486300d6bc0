"""Ledgers with empty read models, ready to be filled, and one that holds every story."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from ledger.application import Ledger
from ledger.storage.database import Database
from tests.builders import OTHER_SHOP_ID, a_ledger, a_shop, shops
from tests.conftest import created, opened
from tests.queries.filling import fill_with_stories, follow


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """A ledger that has heard nothing, with every view."""
    with opened(database_url) as database:
        yield _two_shops(database)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def story_ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    """A ledger that has heard every story for two shops and both modes; only to be read."""
    if request.param == "sqlite":
        path: Path = request.getfixturevalue("stories_file")
        with opened(f"sqlite:///{path}") as database:
            yield _two_shops(database)
        return
    server: URL = request.getfixturevalue("postgres_server")
    name = request.getfixturevalue("postgres_template")
    with created(server, template=name) as url, opened(url) as database:
        ledger = _two_shops(database)
        fill_with_stories(ledger)
        follow(ledger)
        yield ledger


def _two_shops(database: Database) -> Ledger:
    return a_ledger(database, shops(a_shop(), a_shop(OTHER_SHOP_ID)))
