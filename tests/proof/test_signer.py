"""What signs the log remembers what it has signed, and signs nothing that contradicts it."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from ledger.errors import SettingsError
from ledger.proof import signer as signing
from ledger.proof.note import parse_checkpoint
from ledger.proof.signer import (
    LogBehindError,
    LogForkedError,
    LogSigner,
    create_key,
    rename_log,
)
from ledger.proof.tree import consistency_proof, leaf_hash, root_of
from tests.proof.naive import Kept

LEAVES = [leaf_hash(b"%d" % number) for number in range(20)]
OTHERS = [leaf_hash(b"other %d" % number) for number in range(20)]


def sign(signer: LogSigner, size: int, leaves: Sequence[bytes] = LEAVES) -> str:
    tree = Kept(leaves[:size])
    return signer.sign(size, root_of(tree, size), lambda old: consistency_proof(tree, old, size))


def test_the_memory_holds_what_was_signed(signer: LogSigner) -> None:
    note = sign(signer, 5)

    assert signer.memory.read_text() == note
    assert signer.verifier.is_signed(note)
    assert parse_checkpoint(note).size == 5
    assert sign(signer, 5) == note
    assert parse_checkpoint(sign(signer, 9)).size == 9


def test_a_log_that_is_shorter_is_not_signed(signer: LogSigner) -> None:
    sign(signer, 9)

    with pytest.raises(LogBehindError, match="has 5 entries, and 9 were signed"):
        sign(signer, 5)


@pytest.mark.parametrize("size", [9, 12])
def test_another_log_is_not_signed(signer: LogSigner, size: int) -> None:
    sign(signer, 9)

    with pytest.raises(LogForkedError):
        sign(signer, size, OTHERS)


def test_what_cannot_be_remembered_is_not_signed(
    signer: LogSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    first = sign(signer, 5)
    monkeypatch.setattr(signing.os, "fsync", fail)

    with pytest.raises(SettingsError, match="No space left on device"):
        sign(signer, 9)
    assert signer.last_note() == first


def test_a_memory_that_was_changed_is_found(signer: LogSigner) -> None:
    sign(signer, 9)
    signer.memory.write_text(signer.memory.read_text().replace("\n9\n", "\n4\n"))

    with pytest.raises(SettingsError, match="it was changed"):
        sign(signer, 9)


def test_a_key_is_made_once_and_for_its_owner_alone(signer: LogSigner, tmp_path: Path) -> None:
    assert signer.file.stat().st_mode & 0o777 == 0o600
    sign(signer, 1)
    assert signer.memory.stat().st_mode & 0o777 == 0o600
    with pytest.raises(SettingsError, match="there is a log key already"):
        create_key(signer.file, "another")
    with pytest.raises(SettingsError, match="one word"):
        create_key(tmp_path / "more", "two words")

    os.chmod(signer.file, 0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        LogSigner.open(signer.file)


def test_under_another_name_it_begins_anew(signer: LogSigner) -> None:
    sign(signer, 9)

    renamed = rename_log(signer, "ledger.example.com/shop/2")

    assert parse_checkpoint(sign(renamed, 3, OTHERS)).origin == "ledger.example.com/shop/2"
    assert LogSigner.open(signer.file).signing_key.name == "ledger.example.com/shop/2"
    kept = signer.memory.with_name(f"{signer.memory.name}.1")
    assert parse_checkpoint(kept.read_text()).size == 9


def test_a_renaming_that_is_cut_off_leaves_no_key_without_its_memory(
    signer: LogSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(signer, 9)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", cut_off)
        with pytest.raises(KeyboardInterrupt):
            rename_log(signer, "ledger.example.com/shop/2")

    left = LogSigner.open(signer.file)

    assert left.signing_key.name == "ledger.example.com/shop/2"
    last = left.last()
    assert last is not None
    assert (last.origin, last.size) == (signer.signing_key.name, 9)
    assert parse_checkpoint(sign(left, 3, OTHERS)).origin == "ledger.example.com/shop/2"


def cut_off(*_: object) -> None:
    raise KeyboardInterrupt
