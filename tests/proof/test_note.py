"""Notes and checkpoints are read and written as other tools do."""

import base64
import shutil
import subprocess
from pathlib import Path

import pytest

from ledger.proof.note import (
    Checkpoint,
    NoteError,
    SigningKey,
    VerifierKey,
    parse_checkpoint,
    parse_tlog_proof,
    tlog_proof,
)

KEY = SigningKey("ledger.example.com/shop", bytes(range(32)))
CHECKPOINT = Checkpoint(KEY.name, 7, bytes(32))
NOTE = KEY.sign(CHECKPOINT.text)


def test_a_note_is_what_its_key_has_signed() -> None:
    assert KEY.verifier.is_signed(NOTE)
    assert parse_checkpoint(NOTE) == CHECKPOINT
    assert not KEY.verifier.is_signed(NOTE.replace("\n7\n", "\n8\n"))
    assert not SigningKey(KEY.name, bytes(32)).verifier.is_signed(NOTE)
    assert not VerifierKey("another", KEY.verifier.public_key).is_signed(NOTE)


def test_keys_are_lines() -> None:
    assert VerifierKey.parse(KEY.verifier.line) == KEY.verifier
    assert SigningKey.parse(KEY.line + "\n") == KEY
    assert KEY.line.startswith("PRIVATE+KEY+ledger.example.com/shop+")


@pytest.mark.parametrize(
    "line", ["", "name", "name+00000000+AA==", KEY.verifier.line.replace("com", "org")]
)
def test_what_is_no_key_is_refused(line: str) -> None:
    with pytest.raises(NoteError):
        VerifierKey.parse(line)


@pytest.mark.parametrize("text", ["", "x\n", "x\n01\nAA==\n", "x\n1\nAA==\n", "x\n-1\n" + "A" * 43])
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        parse_checkpoint(text)


def test_a_proof_is_read_as_it_was_written() -> None:
    written = tlog_proof(3, [bytes(32), b"\1" * 32], NOTE)

    assert written.startswith("c2sp.org/tlog-proof@v1\nindex 3\n")
    assert parse_tlog_proof(written) == (3, [bytes(32), b"\1" * 32], NOTE)
    with pytest.raises(NoteError):
        parse_tlog_proof(written.replace("v1", "v2"))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is missing")
def test_openssl_accepts_the_signature(tmp_path: Path) -> None:
    text, _, line = NOTE.rpartition("\n\n")

    signature = base64.b64decode(line.split()[-1])[4:]
    prefix = bytes.fromhex("302a300506032b6570032100")
    (tmp_path / "key.der").write_bytes(prefix + KEY.verifier.public_key)
    (tmp_path / "text").write_text(f"{text}\n")
    (tmp_path / "signature").write_bytes(signature)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.der", "-keyform", "DER"]
    command += ["-rawin", "-in", "text", "-sigfile", "signature"]

    accepted = subprocess.run(command, cwd=tmp_path, capture_output=True)
    (tmp_path / "text").write_text(f"{text.replace('7', '8')}\n")
    refused = subprocess.run(command, cwd=tmp_path, capture_output=True)

    assert (accepted.returncode, refused.returncode) == (0, 1)
