"""An embedded database is a file that holds personal data: nobody but its owner reads it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from ledger.storage.database import Database
from ledger.storage.migrations import migrate
from tests.conftest import opened


@pytest.fixture(params=[0o000, 0o022, 0o077])
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def rights(folder: Path) -> dict[str, str]:
    return {path.name: oct(path.stat().st_mode & 0o777) for path in folder.glob("ledger*")}


@pytest.mark.usefixtures("_umask")
def test_every_file_of_a_new_database_is_private(tmp_path: Path) -> None:
    with opened(f"sqlite:///{tmp_path}/ledger.sqlite") as database:
        migrate(database)

        assert rights(tmp_path) == dict.fromkeys(
            ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"), "0o600"
        )


def test_a_file_that_is_there_keeps_its_rights(tmp_path: Path) -> None:
    """Who shares it with a group has decided so; the check says what it means."""
    path = tmp_path / "ledger.sqlite"
    path.touch(0o640)
    path.chmod(0o640)

    with opened(f"sqlite:///{path}") as database:
        migrate(database)

    assert rights(tmp_path)["ledger.sqlite"] == "0o640"


def test_a_path_that_cannot_be_a_file_is_refused_by_the_database(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").mkdir()
    database = Database(f"sqlite:///{tmp_path}/ledger.sqlite")

    with (
        pytest.raises(OperationalError, match="unable to open database file"),
        database.connect() as connection,
    ):
        connection.execute(text("SELECT 1"))
    database.dispose()
