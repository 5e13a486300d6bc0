"""The script of a bundle passes what is proven, and names the file at fault where something is not.

It runs with its few tools alone, in a network namespace of its own where that is permitted.
"""

import io
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from ledger.proof.bundle import Bundle, bundle_files, zipped
from ledger.proof.note import tlog_proof
from ledger.proof.timestamps import query
from tests.proof.bundled import (
    KEY,
    OTHER_KEY,
    a_bundle,
    a_decision,
    a_delivery,
    a_repeat,
    an_act,
    an_id,
    in_a_log,
)
from tests.proof.checking import TOOLS, check, check_files, needs_openssl_and_xxd, write
from tests.proof.damages import Files, flipped, forged
from tests.proof.stamping import Authority, an_authority

pytestmark = needs_openssl_and_xxd

FIRST = an_id(1)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
"""The signs of base64 in the order of what they stand for."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return an_authority(tmp_path_factory.mktemp("authorities") / "one")


@pytest.fixture(scope="module")
def stamped(authority: Authority) -> Bundle:
    bundle = a_bundle(a_delivery(1), replace(a_delivery(2), bundled_events=()))
    reply = authority.reply(query(bundle.checkpoint))
    return replace(bundle, stamp=reply, authority=authority.chain)


@pytest.mark.parametrize("facts_only", [False, True])
def test_four_deliveries_are_proven(facts_only: bool, tmp_path: Path) -> None:
    files = bundle_files(a_bundle(), facts_only=facts_only)

    checked = check_files(files, tmp_path, KEY.verifier.line)

    assert (checked.status, checked.files_at_fault) == (0, set())
    assert [f"ok    {an_id(number)}.entry" in checked.said for number in range(1, 5)] == [True] * 4
    assert ("left out: event-11.apart" in checked.said) == facts_only
    assert "COMPARE" not in checked.said


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_any_shell_will_do(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is missing: apt-get install {shell}")
    folder = write(bundle_files(a_bundle(a_delivery(1)), facts_only=False), tmp_path / "bundle")

    checked = check(folder, shell=shell)

    assert checked.status == 0


@pytest.mark.parametrize("awk", ["mawk", "gawk"])
def test_any_awk_will_do(awk: str, tmp_path: Path) -> None:
    if (path := shutil.which(awk)) is None:
        pytest.skip(f"{awk} is missing: apt-get install {awk}")
    folder = write(bundle_files(a_bundle(a_delivery(1)), facts_only=True), tmp_path / "bundle")
    check(folder)  # makes the folder of tools
    (tmp_path / "tools" / "awk").unlink()
    (tmp_path / "tools" / "awk").symlink_to(path)

    checked = check(folder)

    assert checked.status == 0


def test_a_log_of_one_is_proven_without_hashes(tmp_path: Path) -> None:
    checkpoint, proven = in_a_log([a_delivery(1)], earlier=0)
    bundle = a_bundle(checkpoint=checkpoint, origins=proven)

    files = bundle_files(bundle, facts_only=False)

    assert files[f"{FIRST}.proof"].startswith(b"c2sp.org/tlog-proof@v1\nindex 0\n\nledger.")
    assert check_files(files, tmp_path).status == 0
    damaged = files | {f"{FIRST}.entry": flipped(files[f"{FIRST}.entry"], 100)}
    assert f"{FIRST}.entry" in check_files(damaged, tmp_path).files_at_fault


@pytest.mark.parametrize("earlier", [1, 2, 6, 61])
def test_logs_of_all_shapes_are_proven(earlier: int, tmp_path: Path) -> None:
    checkpoint, proven = in_a_log([a_delivery(1), a_repeat(2)], earlier=earlier)
    bundle = a_bundle(checkpoint=checkpoint, origins=proven)

    checked = check_files(bundle_files(bundle, facts_only=True), tmp_path)

    assert checked.status == 0


def test_decisions_acts_and_repeats_are_proven(tmp_path: Path) -> None:
    bundle = a_bundle(a_delivery(1), a_decision(2), an_act(3), a_repeat(4))

    checked = check_files(bundle_files(bundle, facts_only=False), tmp_path)

    assert checked.status == 0
    assert "left out" not in checked.said


def test_what_was_erased_leaves_the_rest_proven(tmp_path: Path) -> None:
    delivery = a_delivery(1)
    (event,) = delivery.bundled_events
    emptied = [replace(event, apart=None, apart_salt=None)]
    erased = replace(delivery, body=None, body_salt=None, bundled_events=emptied)

    checked = check_files(bundle_files(a_bundle(erased), facts_only=False), tmp_path)

    assert checked.status == 0
    assert f"left out: {FIRST}.body\nleft out: event-11.apart\n" in checked.said


def test_an_unpacked_zip_is_proven(tmp_path: Path) -> None:
    archive = zipped(bundle_files(a_bundle(), facts_only=False))

    zipfile.ZipFile(io.BytesIO(archive)).extractall(tmp_path / "unpacked")

    assert check(tmp_path / "unpacked", KEY.verifier.line).status == 0


def test_a_stamped_bundle_says_since_when_it_exists(stamped: Bundle, tmp_path: Path) -> None:
    checked = check_files(bundle_files(stamped, facts_only=False), tmp_path)

    assert checked.status == 0
    assert "timestamp.tsr: the checkpoint existed on " in checked.said


def test_a_stamp_of_something_else_is_refused(
    authority: Authority, stamped: Bundle, tmp_path: Path
) -> None:
    other = an_authority(tmp_path / "other")

    wrong = {
        "another checkpoint": authority.reply(query("another")),
        "another authority": other.reply(query(stamped.checkpoint)),
        "garbage": b"garbage",
    }

    for stamp in wrong.values():
        bundle = replace(stamped, stamp=stamp)
        checked = check_files(bundle_files(bundle, facts_only=True), tmp_path)
        assert (checked.status, checked.files_at_fault) == (1, {"timestamp.tsr"})


def test_the_key_is_compared_with_the_one_that_is_given(tmp_path: Path) -> None:
    folder = write(bundle_files(a_bundle(a_delivery(1)), facts_only=True), tmp_path / "bundle")

    alone, other = check(folder), check(folder, OTHER_KEY.verifier.line)

    assert (alone.status, other.status) == (0, 1)
    assert alone.said.startswith("COMPARE this key with the one that you were given elsewhere")
    assert KEY.verifier.line in alone.said
    assert other.files_at_fault == {"log.vkey"}
    assert check(folder, KEY.verifier.line, "more").status == 1


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


def test_a_missing_tool_is_named(tmp_path: Path) -> None:
    folder = write(bundle_files(a_bundle(a_delivery(1)), facts_only=True), tmp_path / "bundle")
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in set(TOOLS) - {"xxd"}:
        (bare / name).symlink_to(shutil.which(name) or "")

    done = subprocess.run(
        [shutil.which("sh") or "", str(folder / "check.sh")],
        env={"PATH": str(bare)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, "this needs xxd" in done.stdout) == (1, True)
