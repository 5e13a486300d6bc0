"""Notes in the log, in bundles and under an audit; an erasure takes their text."""

from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.ipn.kinds import KINDS
from ledger.ipn.modes import Mode
from ledger.proof.bundle import bundle_files
from ledger.proof.collect import bundle_of, streams_of
from ledger.proof.signer import LogSigner
from ledger.queries.notes import notes_about, order_stream, subject_of
from ledger.recording.notes import Author, Subject
from ledger.storage.outcomes import Sealed
from tests.builders import SHOP_ID, UUID
from tests.privacy.erasing import erase, found
from tests.proof.checking import check_files, needs_openssl_and_xxd
from tests.proof.logged import sign

AUTHOR = Author("user-1", "jo")
TEXT = "Jo Doe called:\nthe parcel came late."


@pytest.fixture
def subject(paid: Ledger) -> Subject:
    return subject_of(paid, KINDS[0], SHOP_ID, "test", UUID)


def stored_text(ledger: Ledger, subject: Subject) -> list[tuple[str, Sealed]]:
    notes = notes_about(ledger, [subject.stream_id])
    return [(note.text, note.sealed) for note in notes]


@needs_openssl_and_xxd
def test_a_note_and_its_withdrawal_are_proven_by_the_bundle(
    paid: Ledger,
    subject: Subject,
    signer: LogSigner,
    tmp_path: Path,
) -> None:
    note_id = paid.notes.write(subject, AUTHOR, TEXT)
    withdrawal = paid.notes.withdraw(subject, AUTHOR, note_id)
    sign(paid, signer)
    streams = streams_of(paid, KINDS[0], SHOP_ID, "test", UUID)
    bundle = bundle_of(paid, "transaction", streams)

    files = bundle_files(bundle, facts_only=False)
    result = check_files(files, tmp_path, bundle.verifier_line)
    facts = bundle_files(bundle, facts_only=True)

    assert result.status == 0
    assert b"the parcel came late" in files[f"{note_id}.body"]
    assert b'"note":"withdrawn"' in files[f"{withdrawal}.entry"]
    assert not any(b"parcel" in content for content in facts.values())
    files[f"{note_id}.body"] = files[f"{note_id}.body"].replace(b"late", b"soon")
    elsewhere = tmp_path / "changed"
    elsewhere.mkdir()
    changed = check_files(files, elsewhere, bundle.verifier_line)
    assert changed.status == 1
    assert {name.partition(".")[0] for name in changed.files_at_fault} == {note_id}


def test_a_note_is_erased_with_what_it_is_about(
    paid: Ledger, subject: Subject, signer: LogSigner
) -> None:
    order = order_stream(SHOP_ID, "test", "first")
    of_order = Subject("order", SHOP_ID, Mode.TEST, "first", order)
    paid.notes.write(subject, AUTHOR, TEXT)
    paid.notes.write(of_order, AUTHOR, TEXT)
    sign(paid, signer)
    before = [*stored_text(paid, subject), *stored_text(paid, of_order)]
    clean, _ = found(paid)

    erase(paid, signer)

    assert before == [(TEXT, Sealed.OPENED)] * 2
    assert [*stored_text(paid, subject), *stored_text(paid, of_order)] == [("", Sealed.ERASED)] * 2
    reasons, _ = found(paid)
    assert (clean, reasons) == ([], [])
