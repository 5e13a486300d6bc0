"""Ledgers, and the commands that receive raw calls and work with notifications."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result

from ledger.application import Ledger
from tests.builders import a_delivery, a_ledger, example_body, examples, minutes
from tests.cli.receiving import Command
from tests.cli.running import run, shops_file
from tests.conftest import opened


@pytest.fixture
def ledger(sqlite_url: str) -> Iterator[Ledger]:
    with opened(sqlite_url) as database:
        yield a_ledger(database)


@pytest.fixture
def command(sqlite_url: str, tmp_path: Path) -> Command:
    path = shops_file(tmp_path)

    def call(*arguments: str, answer: str | None = None) -> Result:
        return run(sqlite_url, path, "notifications", *arguments, answer=answer)

    return call


@pytest.fixture
def receive(database_url: str, tmp_path: Path) -> Command:
    path = shops_file(tmp_path)

    def call(*words: str | Path, answer: str | None = None) -> Result:
        return run(database_url, path, "receive", *map(str, words), answer=answer)

    return call


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "kept"
    path.mkdir()
    return path


@pytest.fixture
def http_ledger(sqlite_template: Path, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger that has received every example as calls, in order."""
    path = tmp_path / "http.sqlite"
    path.write_bytes(sqlite_template.read_bytes())
    with opened(f"sqlite:///{path}") as database:
        ledger = a_ledger(database)
        for number, (format_, name) in enumerate(examples()):
            body = example_body(format_, name)
            at = minutes(number)
            ledger.receive(a_delivery(body, received_at=at, is_from_named_range=False))
        yield ledger
