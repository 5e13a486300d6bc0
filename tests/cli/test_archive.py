"""`ledger archive` as an operator uses it, and what other commands say afterwards."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from ledger.projections.engine.registry import PROJECTIONS
from ledger.storage.archives import Archive, all_archives
from tests.audit.tampering import a_filled_ledger
from tests.cli.running import run, shops_file
from tests.conftest import opened
from tests.sealing.archiving import archive_all, file_of, flip_byte, stored_bodies

Ledger = Callable[..., Result]
STORIES = ("payment-split", "refunded-in-part", "subscription-instalment-tried-again")


@pytest.fixture
def ledger(database_url: str, tmp_path: Path) -> Ledger:
    """Runs a command on a ledger that holds some stories."""
    with opened(database_url) as database:
        a_filled_ledger(database, *STORIES)
    path = shops_file(tmp_path)
    return lambda *arguments: run(database_url, path, *arguments)


@pytest.fixture
def archive(ledger: Ledger, database_url: str, tmp_path: Path) -> Archive:
    """The file that a command has made of everything."""
    place = (tmp_path / "old").as_uri()
    done = ledger("archive", "--before", "2026-01", "--to", place)
    assert done.exit_code == 0, done.output
    with opened(database_url) as database, database.connect() as connection:
        (archive,) = all_archives(connection)
    line = f"1970-01: {archive.row_count} rows, {archive.file_bytes} bytes: {archive.address}"
    assert done.stdout.splitlines() == [line]
    return archive


def test_what_has_left_is_verified_and_rebuilt_as_before(
    ledger: Ledger, archive: Archive, database_url: str
) -> None:
    with opened(database_url) as database:
        assert stored_bodies(database) == 0

    verified = ledger("verify")
    rebuilt = ledger("rebuild", *PROJECTIONS)

    assert (verified.exit_code, verified.stdout) == (0, "")
    assert rebuilt.exit_code == 0, rebuilt.output
    assert rebuilt.output.count("identical") >= len(PROJECTIONS)
    assert "different" not in rebuilt.output


def test_a_flipped_byte_is_named_by_its_file(ledger: Ledger, archive: Archive) -> None:
    flip_byte(file_of(archive), archive.file_bytes // 2)

    verified = ledger("verify", "--only", "archives")

    assert verified.exit_code == 1
    assert f"archive {archive.address}\tarchive-differs" in verified.stdout


def test_a_file_that_is_away_is_warned_of(ledger: Ledger, archive: Archive) -> None:
    before = ledger("check")
    file_of(archive).unlink()

    checked = ledger("check", "--json")

    assert "1 file can be reached" in before.output
    archives = [
        each for each in json.loads(checked.stdout)["checks"] if each["subject"] == "archives"
    ]
    assert [(each["state"], archive.address in each["message"]) for each in archives] == [
        ("warning", True)
    ]


def test_a_backup_says_that_archives_are_not_in_it(sqlite_url: str, tmp_path: Path) -> None:
    with opened(sqlite_url) as database:
        a_filled_ledger(database, *STORIES)
        archive_all(database, tmp_path / "old")

    places = ("--data", f"{tmp_path}/data", "--keys", f"{tmp_path}/keys")
    made = run(sqlite_url, shops_file(tmp_path), "backup", *places)

    assert made.exit_code == 0, made.output
    assert "archived bodies are not in it" in made.stderr


def test_there_may_be_nothing_to_archive(ledger: Ledger, archive: Archive, tmp_path: Path) -> None:
    again = ledger("archive", "--before", "2026-01", "--to", (tmp_path / "old").as_uri())

    assert (again.exit_code, again.stderr) == (0, "nothing to archive\n")


@pytest.mark.parametrize(
    ("before", "address", "words"),
    [
        ("2999-01", "file:///tmp/old", "has not begun"),
        ("2026-01", "s3://key:secret@bucket/old", "may hold no password"),
        ("2026", "file:///tmp/old", "does not match the format"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    ledger: Ledger, before: str, address: str, words: str
) -> None:
    refused = ledger("archive", "--before", before, "--to", address)

    assert refused.exit_code == 2
    assert words in refused.stderr
    assert "secret" not in refused.stderr
