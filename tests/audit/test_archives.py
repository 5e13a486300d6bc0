"""An audit reads what was put elsewhere, and finds where a byte of it was changed."""

from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.audit.check_names import ARCHIVES, LOG, SIGNATURES
from ledger.audit.run_checks import Audit
from ledger.proof.sequencer import Sequencer
from ledger.storage.archives import Archive
from tests.audit.tampering import damage, faults
from tests.sealing.archiving import archive_all, file_of, flip_byte, stored_bodies


@pytest.fixture
def archive(ledger: Ledger, tmp_path: Path) -> Archive:
    """All that the ledger has sealed, in one file, when the log has followed it."""
    Sequencer(ledger.database, ledger.sealing).catch_up()
    (archive,) = archive_all(ledger.database, tmp_path / "old")
    assert stored_bodies(ledger.database) == 0
    return archive


def test_what_was_put_elsewhere_is_without_fault(ledger: Ledger, archive: Archive) -> None:
    audit = Audit(ledger)

    assert list(audit.faults()) == []

    assert audit.checked[ARCHIVES] == archive.row_count
    assert audit.checked[SIGNATURES] > 100


def test_worker_processes_read_it_too(ledger_on_sqlite: Ledger, tmp_path: Path) -> None:
    archive_all(ledger_on_sqlite.database, tmp_path / "old")

    assert faults(ledger_on_sqlite, workers=2, only=(SIGNATURES, LOG, ARCHIVES)) == []


@pytest.mark.parametrize("place", [0, 1, 2, 3, 4])
def test_a_flipped_byte_is_found_wherever_it_is(
    ledger_on_sqlite: Ledger, tmp_path: Path, place: int
) -> None:
    """In the first line, in bodies, and in the index."""
    (archive,) = archive_all(ledger_on_sqlite.database, tmp_path / "old")
    flip_byte(file_of(archive), (archive.file_bytes - 1) * place // 4)

    (fault,) = faults(ledger_on_sqlite, only=(ARCHIVES,))

    assert (fault.subject, fault.reason) == (f"archive {archive.address}", "archive-differs")


def test_a_file_that_is_away_ends_only_the_checks_that_need_it(
    ledger: Ledger, archive: Archive
) -> None:
    file_of(archive).unlink()

    faults_of_all = faults(ledger)

    assert {fault.reason for fault in faults_of_all} == {"archive-unreadable"}
    assert all(archive.address in fault.detail for fault in faults_of_all)
    assert {fault.subject for fault in faults_of_all} == {SIGNATURES, LOG, ARCHIVES}


def test_a_changed_body_is_found_as_one_in_the_database_is(ledger: Ledger, tmp_path: Path) -> None:
    cut = "UPDATE bodies SET body = substr(body, 1, 40) WHERE body IS NOT NULL"
    damage(ledger.database, cut)
    archive_all(ledger.database, tmp_path / "old")

    assert {"unsealable"} == {fault.reason for fault in faults(ledger, only=(SIGNATURES,))}


def test_a_row_that_no_file_holds_is_still_missing(ledger: Ledger, tmp_path: Path) -> None:
    newest = "(SELECT max(id) FROM notifications)"
    damage(ledger.database, f"DELETE FROM bodies WHERE origin_id < {newest}")
    archive_all(ledger.database, tmp_path / "old")

    assert {fault.reason for fault in faults(ledger, only=(SIGNATURES,))} == {"sealed-missing"}
