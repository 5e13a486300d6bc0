"""What cannot be put elsewhere is refused, and so is what cannot be read there."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from ledger.errors import ArchiveError, MissingExtraError, SettingsError
from ledger.queries.readable import find_delivery
from ledger.sealing.archiving import archive_months
from ledger.storage.database import Database
from ledger.storage.outcomes import Outcome
from tests.builders import NOON, a_delivery, a_form_call
from tests.conftest import opened
from tests.sealing.archiving import JANUARY, NOVEMBER, a_ledger_of_months, archive_all, file_of


def test_a_month_that_is_not_over_stays(database: Database, tmp_path: Path) -> None:
    a_ledger_of_months(database, {NOON: 1})

    with pytest.raises(SettingsError, match="has not begun"):
        archive_all(database, tmp_path, date(2026, 12, 1))

    assert archive_all(database, tmp_path) == []


@pytest.mark.parametrize(
    ("address", "error", "words"),
    [
        ("s3://key:secret@bucket/ledger", SettingsError, "no password"),
        ("s3://bucket/ledger?token=secret", SettingsError, "no password"),
        ("/srv/ledger", SettingsError, "give an address"),
        ("nowhere://bucket", SettingsError, "nothing is known"),
        ("gs://bucket/ledger", MissingExtraError, "gcsfs"),
    ],
)
def test_a_place_that_cannot_be_used_is_refused(
    sqlite_url: str, address: str, error: type[Exception], words: str
) -> None:
    with opened(sqlite_url) as database, pytest.raises(error, match=words) as refused:
        list(archive_months(database, NOVEMBER, address, NOON))

    assert "secret" not in str(refused.value)


def moved(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))


def emptied(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("harm", [moved, emptied])
def test_a_file_that_is_away_is_named(
    database: Database, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    ledger, (id_, *_) = a_ledger_of_months(database, {JANUARY: 2})
    (archive,) = archive_all(database, tmp_path)
    harm(file_of(archive))

    with pytest.raises(ArchiveError, match=archive.address):
        find_delivery(ledger, id_)


def test_without_its_archive_a_call_waits_until_it_is_back(
    database: Database, tmp_path: Path
) -> None:
    """What is told of an old payment cannot be compared with what it said before."""
    ledger, _ = a_ledger_of_months(database, {JANUARY: 1})
    (archive,) = archive_all(database, tmp_path)
    file = file_of(archive)
    hidden = file.rename(tmp_path / "hidden")
    body = a_form_call(trans_uuid=f"{1:032x}", cust_email="kim@example.org")
    receipt = ledger.receive(a_delivery(body))
    assert (receipt.outcome, receipt.reason) == (Outcome.UNDECIDED, "archive-unreadable")
    assert ledger.readmit(receipt.id).reason == "archive-unreadable"

    hidden.rename(file)

    assert ledger.readmit(receipt.id).outcome == Outcome.RECORDED
