"""One ledger that has heard every story, and hostile ones, for all tests of pages; a browser."""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from joserfc.jwk import RSAKey
from playwright.sync_api import Browser

from ledger.application import Ledger
from ledger.instants import utc_now
from ledger.proof.signer import LogSigner, create_key
from ledger.storage.database import Database
from tests.builders import NOON, OTHER_SHOP_ID, a_ledger, a_shop, shops
from tests.conftest import opened
from tests.proof.logged import sign
from tests.queries.filling import follow
from tests.web.pages.at_provider import with_provider
from tests.web.pages.fake_provider import FakeProvider
from tests.web.pages.hostile import receive_hostile
from tests.web.pages.payments import receive_a_payment
from tests.web.pages.visiting import SETTINGS, Visiting, Visitor, add_users, served, started_browser
from web import create_app


@pytest.fixture(scope="session")
def full_ledger_file(stories_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database to copy, or to read: every story in two shops and both modes, hostile names,
    somebody of each role, and all of it in a signed log."""
    path = tmp_path_factory.mktemp("pages") / "ledger.sqlite"
    shutil.copyfile(stories_file, path)
    with opened(f"sqlite:///{path}") as database:
        ledger = _ledger(database, since=NOON + timedelta(hours=1))  # after the stories
        receive_hostile(ledger)
        follow(ledger)
        add_users(ledger, NOON)
        create_key(path.with_name("log-key"), "ledger.example.com/demo")
        sign(ledger, LogSigner.open(path.with_name("log-key")))
    return path


@pytest.fixture(scope="session")
def full_ledger(full_ledger_file: Path) -> Iterator[Ledger]:
    """That ledger, which all tests share: only to be read."""
    with opened(f"sqlite:///{full_ledger_file}") as database:
        yield _ledger(database)


@pytest.fixture
def pages(full_ledger: Ledger) -> Visiting:
    """Its pages, asked without a browser."""
    return Visiting(full_ledger)


@pytest.fixture
def own_pages(sqlite_url: str) -> Iterator[Visiting]:
    """The pages of a ledger of one's own that has heard nothing."""
    with opened(sqlite_url) as database:
        yield _own(database)


@pytest.fixture
def visit(own_pages: Visiting) -> Visiting:
    """The same after a payment that was told in two calls; an auditor has signed in."""
    return receive_a_payment(own_pages)


@pytest.fixture
def own_pages_anywhere(database: Database) -> Visiting:
    """The same on each database in turn, for what depends on it."""
    return _own(database)


@pytest.fixture(scope="session")
def signing_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "first"})


@pytest.fixture
def provider(signing_key: RSAKey) -> Iterator[FakeProvider]:
    """An identity provider that can be told to lie."""
    provider = FakeProvider(signing_key)
    with served(provider.app()) as url:
        provider.url = url
        yield provider


@pytest.fixture
def site(own_pages: Visiting, provider: FakeProvider) -> Visiting:
    """The pages of a ledger of one's own, where people sign in at that provider too."""
    return with_provider(own_pages, provider)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with started_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def _visitor(browser: Browser, full_ledger: Ledger) -> Iterator[Visitor]:
    app = create_app(SETTINGS, full_ledger)
    with served(app) as url:
        yield Visitor(browser, url, app)


@pytest.fixture
def visitor(_visitor: Visitor) -> Iterator[Visitor]:
    """Somebody with a browser; whatever a page did that it must not fails the test."""
    _visitor.faults.clear()
    yield _visitor
    _visitor.close()
    assert _visitor.faults == []


def _own(database: Database) -> Visiting:
    ledger = _ledger(database)
    add_users(ledger, utc_now())
    return Visiting(ledger)


def _ledger(database: Database, since: datetime = NOON) -> Ledger:
    return a_ledger(database, shops(a_shop(), a_shop(OTHER_SHOP_ID)), since=since)
