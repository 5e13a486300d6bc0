"""Runs the script of a bundle as somebody would who has nothing but the bundle."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

TOOLS = (
    *("openssl", "xxd", "awk", "sed"),
    *("cat", "comm", "cut", "dirname", "mktemp", "rm", "sort", "touch", "tr"),
)
"""All that the script may call: nothing that could reach a network or install anything."""

needs_openssl_and_xxd = pytest.mark.skipif(
    not all(map(shutil.which, ("openssl", "xxd"))),
    reason="openssl or xxd is missing: apt-get install openssl xxd",
)


class Checked(NamedTuple):
    """What the script said, and with which status it ended."""

    status: int
    said: str

    @property
    def files_at_fault(self) -> set[str]:
        return set(re.findall(r"^FAULT (.+?): ", self.said, re.MULTILINE))


def write(files: Mapping[str, bytes], folder: Path) -> Path:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def check(folder: Path, *arguments: str, shell: str = "sh") -> Checked:
    """Run the script with a PATH of its tools alone, and without a network where that is possible.

    Shape: no variables but PATH and TMPDIR, in another folder than that of the bundle.
    """
    tools = folder.parent / "tools"
    if not tools.exists():
        tools.mkdir()
        for name in TOOLS:
            (tools / name).symlink_to(shutil.which(name) or f"/missing/{name}")
    command = [shutil.which(shell) or "", str(folder / "check.sh"), *arguments]
    environ = {"PATH": str(tools), "TMPDIR": str(folder.parent)}
    done = subprocess.run(
        [*_without_network(), *command],
        env=environ,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == "", done.stderr
    return Checked(done.returncode, done.stdout)


def check_files(files: Mapping[str, bytes], tmp_path: Path, *arguments: str) -> Checked:
    number = len(os.listdir(tmp_path))
    return check(write(files, tmp_path / f"bundle-{number}"), *arguments)


def _without_network() -> list[str]:
    unshare = shutil.which("unshare")
    if unshare is None:
        return []
    prefix = [unshare, "--net", "--map-root-user"]
    permitted = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    return prefix if permitted.returncode == 0 else []
