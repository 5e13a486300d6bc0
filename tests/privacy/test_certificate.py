"""A certificate proves an erasure to people who do not trust this service, and names nobody."""

import base64
import json
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ledger.access.log import Access, note_access
from ledger.application import Ledger
from ledger.errors import NotFoundError, SettingsError
from ledger.privacy.certificate import certificate, printable_certificate, read_certificate
from ledger.proof.note import NoteError, parse_checkpoint
from ledger.proof.signer import LogSigner
from ledger.proof.tree import is_included, leaf_hash
from tests.builders import NOON, SHOP_ID, UUID
from tests.privacy.erasing import EMAIL, chosen, erase
from tests.proof.logged import ids_in_order


def read(ledger: Ledger, kind: str, reference: str, status: int = 200) -> None:
    access = Access(
        at=NOON + timedelta(minutes=1),
        token_id="t1",
        token_name="the shop",
        role="auditor-personal",
        method="GET",
        route="/",
        kind=kind,
        shop_id=SHOP_ID,
        mode="test",
        reference=reference,
        status=status,
        peer="192.0.2.1",
    )
    with ledger.database.begin() as connection:
        note_access(connection, access)


def document_of(note: str) -> dict[str, Any]:
    return dict(json.loads(note.partition("\n")[2].rpartition("\n\n")[0]))


def test_openssl_verifies_a_certificate(paid: Ledger, signer: LogSigner, tmp_path: Path) -> None:
    note = certificate(paid, signer, erase(paid, signer).id)
    text, _, line = note.rpartition("\n\n")
    public = Ed25519PublicKey.from_public_bytes(signer.verifier.public_key)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "log.pem").write_bytes(pem)
    (tmp_path / "text").write_text(f"{text}\n", encoding="utf-8")
    (tmp_path / "signature").write_bytes(base64.b64decode(line.split()[-1])[4:])

    verify = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "log.pem"]
    files = ["-in", "text", "-sigfile", "signature"]
    result = subprocess.run([*verify, *files], cwd=tmp_path, capture_output=True, check=False)

    assert result.returncode == 0, result.stderr


def test_its_entries_are_in_the_log_that_its_checkpoint_signs(
    paid: Ledger, signer: LogSigner
) -> None:
    document = document_of(certificate(paid, signer, erase(paid, signer).id))
    checkpoint = parse_checkpoint(document["checkpoint"])

    assert signer.verifier.is_signed(document["checkpoint"])
    assert [each["phase"] for each in document["entries"]] == ["intent", "done"]
    for each in document["entries"]:
        hashes = [base64.b64decode(hash_) for hash_ in each["hashes"]]
        leaf = leaf_hash(each["entry"].encode())
        assert is_included(leaf, each["index"], checkpoint.size, hashes, checkpoint.root)


def test_it_names_nobody_but_who_has_read_the_data(paid: Ledger, signer: LogSigner) -> None:
    first, second, *_ = ids_in_order(paid.database)
    for kind, reference in (("raw", first), ("evidence", "1"), ("transaction", UUID)):
        read(paid, kind, reference)
    read(paid, "raw", second)
    read(paid, "raw", first, status=410)

    note = certificate(paid, signer, erase(paid, signer).id)

    document = document_of(note)
    (reader,) = document["read_by"]
    assert (reader["name"], reader["count"], reader["is_certain"]) == ("the shop", 3, True)
    for text in (note, printable_certificate(note)):
        assert not any(name in text for name in (EMAIL, UUID, first, "ada lovelace"))
    assert document["count"] == len(document["origins"]) == 3
    assert document["irrecoverable"]["masters"] == ["synthetic"]
    assert "the shop" in printable_certificate(note)


def test_it_is_no_checkpoint(paid: Ledger, signer: LogSigner) -> None:
    note = certificate(paid, signer, erase(paid, signer).id)

    with pytest.raises(NoteError):
        parse_checkpoint(note)
    assert read_certificate(note, signer)["count"] == 3
    with pytest.raises(SettingsError):
        read_certificate(note.replace('"count": 3', '"count": 2'), signer)
    with pytest.raises(SettingsError):
        read_certificate(str(signer.last_note()), signer)


def test_there_is_none_of_what_is_not_done(paid: Ledger, signer: LogSigner) -> None:
    assert chosen(paid, UUID)

    with pytest.raises(NotFoundError, match="there is no erasure"):
        certificate(paid, signer, "01M")
