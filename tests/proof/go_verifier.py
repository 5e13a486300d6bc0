"""The Go program that checks bundles and proofs: it is built once and reads many cases at once."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.proof.bundled import KEY

SOURCE = Path(__file__).with_name("verifier")
LIBRARIES = Path("/usr/share/gocode")
NOTES = LIBRARIES / "src/golang.org/x/mod/sumdb/note"

needs_go = pytest.mark.skipif(
    shutil.which("go") is None or not NOTES.exists(),
    reason="go is missing: apt-get install golang-go golang-golang-x-mod-dev",
)


def build(folder: Path) -> Path:
    """Build the program with Debian's libraries, so that nothing is fetched."""
    own = {"GO111MODULE": "off", "GOFLAGS": "", "GOPATH": str(LIBRARIES)}
    own |= {"GOCACHE": str(folder / "cache"), "GOTOOLCHAIN": "local"}
    program = folder / "verifier"
    done = subprocess.run(
        ["go", "build", "-o", str(program), "."],
        cwd=SOURCE,
        env=os.environ | own,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return program


def a_bundle_case(
    files: Mapping[str, bytes], verifier_line: str = KEY.verifier.line
) -> dict[str, Any]:
    written = {name: base64.b64encode(content).decode() for name, content in files.items()}
    return {"Key": verifier_line, "Files": written}


def a_growth_case(
    old: str, new: str, hashes: Iterable[bytes], verifier_line: str = KEY.verifier.line
) -> dict[str, Any]:
    """Two checkpoints, and the proof that the log of the first has grown into that of the other."""
    written = [base64.b64encode(each).decode() for each in hashes]
    return {"Key": verifier_line, "Old": old, "New": new, "Hashes": written}


def verdicts(program: Path, cases: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return what the program says of each case: `ok`, or `refused:` and why."""
    done = subprocess.run(
        [str(program)],
        input="\n".join(map(json.dumps, cases)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
