"""The script of a bundle passes what is proven, on any machine.

It runs with its few tools alone, in a network namespace of its own where that is permitted.
"""

import io
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.proof.bundle import Bundle, bundle_files, zipped
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
from tests.proof.damages import flipped
from tests.proof.stamping import Authority, an_authority

pytestmark = needs_openssl_and_xxd

FIRST = an_id(1)


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
