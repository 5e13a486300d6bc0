"""The script of a bundle names the file at fault, whatever was changed, removed or added."""

from pathlib import Path
from random import Random

import pytest

from ledger.proof.bundle import Bundle, bundle_files
from ledger.proof.note import tlog_proof
from tests.proof.bundled import (
    KEY,
    OTHER_KEY,
    a_bundle,
    a_delivery,
    an_id,
    in_a_log,
)
from tests.proof.checking import check_files, needs_openssl_and_xxd
from tests.proof.damages import Files, flipped, forged

pytestmark = needs_openssl_and_xxd

FIRST = an_id(1)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
"""The signs of base64 in the order of what they stand for."""


def test_one_changed_bit_is_named_in_whatever_file(stamped: Bundle, tmp_path: Path) -> None:
    random = Random(12)
    plain = bundle_files(stamped, facts_only=False)
    facts = bundle_files(stamped, facts_only=True)
    cases = [(plain, name) for name in sorted(plain.keys() - {"check.sh"})]
    cases += [(facts, name) for name in ("checksums", "left-out")]
    unnamed = []

    for files, name in cases:
        bit = random.randrange(8 * len(files[name]))
        checked = check_files(files | {name: flipped(files[name], bit)}, tmp_path)
        if checked.status != 1 or name not in checked.files_at_fault:
            unnamed.append((name, bit, checked.said))

    assert unnamed == []


def test_unused_bits_of_base64_cannot_be_set(tmp_path: Path) -> None:
    """Decoders leave these bits out, so that two texts would be one hash."""
    files = bundle_files(a_bundle(a_delivery(1)), facts_only=True)
    root, signature = (files["checkpoint"].decode().splitlines()[line] for line in (2, 4))
    first_hash = files[f"{FIRST}.proof"].decode().splitlines()[2]

    for line in (root, signature, first_hash):
        other = f"{line[:-2]}{ALPHABET[ALPHABET.index(line[-2]) + 1]}="
        changed = {
            name: content.replace(line.encode(), other.encode()) for name, content in files.items()
        }
        assert changed != files
        assert check_files(changed, tmp_path).status == 1


def test_every_missing_file_is_named(stamped: Bundle, tmp_path: Path) -> None:
    files = bundle_files(stamped, facts_only=False)
    unnamed = []

    for name in sorted(files.keys() - {"check.sh"}):
        checked = check_files({each: files[each] for each in files if each != name}, tmp_path)
        # what belongs to a missing entry belongs to nothing
        expected = name.replace(".entry", ".proof")
        if name == "left-out":
            expected = "event-21.state"
        if checked.status != 1 or expected not in checked.files_at_fault:
            unnamed.append((name, checked.said))

    assert unnamed == []


def test_a_bundle_cannot_write_on_the_screen(tmp_path: Path) -> None:
    files = bundle_files(a_bundle(a_delivery(1)), facts_only=True)

    more = {"\x1b[2J.html": b"", "\x1b[2J": b"", "log.vkey": b"\x1b[2J\xff"}
    checked = check_files(files | more, tmp_path)

    assert checked.status == 1
    assert checked.said.isascii()
    assert "\x1b" not in checked.said


@pytest.mark.parametrize("name", ["more.txt", "event-11.note", ".hidden", "more.html", "a b", "-r"])
def test_what_nothing_names_is_named(name: str, tmp_path: Path) -> None:
    files = bundle_files(a_bundle(a_delivery(1)), facts_only=False)

    checked = check_files(files | {name: b"more"}, tmp_path)

    assert (checked.status, name in checked.files_at_fault) == (1, True)


def test_a_forged_entry_with_a_tree_of_its_own_is_named(tmp_path: Path) -> None:
    """The proof is right, and its checkpoint is well-formed; it is just not the one signed."""
    files = bundle_files(a_bundle(), facts_only=False)

    checked = check_files(files | forged(files, FIRST), tmp_path)

    assert (checked.status, checked.files_at_fault) == (1, {f"{FIRST}.proof"})


def test_a_whole_forged_bundle_has_another_key(tmp_path: Path) -> None:
    checkpoint, proven = in_a_log([a_delivery(1)], signing_key=OTHER_KEY)
    own = a_bundle(checkpoint=checkpoint, origins=proven, verifier_line=OTHER_KEY.verifier.line)

    files = bundle_files(own, facts_only=True)

    assert check_files(files, tmp_path).status == 0
    assert check_files(files, tmp_path, KEY.verifier.line).files_at_fault == {"log.vkey"}
    renamed = files | {"log.vkey": f"{KEY.verifier.line}\n".encode()}
    assert check_files(renamed, tmp_path).files_at_fault == {"checkpoint"}


def test_a_proof_of_another_log_is_named(tmp_path: Path) -> None:
    files = bundle_files(a_bundle(), facts_only=True)
    note, (elsewhere, *_) = in_a_log([a_delivery(1)], earlier=9)

    proof = tlog_proof(elsewhere.index, elsewhere.hashes, note).encode()

    checked = check_files(files | {f"{FIRST}.proof": proof}, tmp_path)
    assert (checked.status, checked.files_at_fault) == (1, {f"{FIRST}.proof"})


def test_a_salt_cut_by_a_zero_is_no_salt(tmp_path: Path) -> None:
    """HMAC fills a short key with zeros, so the commitment would still open."""
    files: Files = bundle_files(a_bundle(a_delivery(1)), facts_only=False)
    name = f"{FIRST}.body.salt"

    checked = check_files(files | {name: files[name] + b"\0"}, tmp_path)

    assert (checked.status, checked.files_at_fault) == (1, {name})
