"""A ledger that has something to publish, and whoever takes it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.application import Ledger
from tests.asking.conftest import certificate, tls
from tests.builders import a_ledger
from tests.conftest import opened
from tests.publishing.receiving import HookServer, receiving
from tests.publishing.sending import Sender

__all__ = ["certificate", "tls"]


@pytest.fixture
def ledger(stories_file: Path, tmp_path: Path) -> Iterator[Ledger]:
    """One that has heard every story."""
    path = tmp_path / "ledger.sqlite"
    shutil.copyfile(stories_file, path)
    with opened(f"sqlite:///{path}") as database:
        yield a_ledger(database)


@pytest.fixture
def hooks() -> Iterator[HookServer]:
    with receiving() as server:
        yield server


@pytest.fixture
def sender(ledger: Ledger, hooks: HookServer) -> Sender:
    return Sender(ledger, hooks)
