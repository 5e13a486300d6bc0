"""Databases with empty views, ready to be filled."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from ledger.application import Ledger
from ledger.projections.engine.leadership import prepare_views
from tests.builders import OTHER_SHOP_ID, a_ledger, a_shop, shops
from tests.conftest import created, opened
from tests.queries.filling import fill_with_stories, follow


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """A ledger that has heard nothing, with every view."""
    with opened(database_url) as database:
        prepare_views(database)
        yield a_ledger(database, shops(a_shop(), a_shop(OTHER_SHOP_ID)))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def played(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ledger]:
    """A ledger that has heard every story for two shops and both modes; only to be read."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        path = tmp_path_factory.mktemp("told") / "ledger.sqlite"
        path.write_bytes(template.read_bytes())
        with opened(f"sqlite:///{path}") as database:
            yield _filled(database)
        return
    server: URL = request.getfixturevalue("postgres_server")
    name = request.getfixturevalue("postgres_template")
    with created(server, template=name) as url, opened(url) as database:
        yield _filled(database)


def _filled(database: object) -> Ledger:
    ledger = a_ledger(database, shops(a_shop(), a_shop(OTHER_SHOP_ID)))  # type: ignore[arg-type]
    prepare_views(ledger.database)
    fill_with_stories(ledger)
    follow(ledger)
    return ledger
