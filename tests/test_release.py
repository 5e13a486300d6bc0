"""A release: the same bytes wherever it is built, a list of what it installs, and a signature."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from tests.documents.blocks import shell_blocks
from tests.locks import ROOT, RUNTIME, installed, needed, project, versions_here
from tests.test_repository import files

HOW_TO = ROOT / "docs" / "how-to" / "release.md"
LICENCES = {
    *("0BSD", "MIT", "MIT-0", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "PSF-2.0", "MPL-2.0"),
    "LGPL-3.0-only",  # psycopg, which is imported and not changed
    "License :: OSI Approved :: Apache Software License",
    "License :: OSI Approved :: BSD License",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)",
}
"""The licences of what a release installs; another one is a decision."""


def call(*words: str | Path, folder: Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: text for name, text in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    return subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env=clean | environ,
        capture_output=True,
        text=True,
        check=False,
    )


def has_history() -> bool:
    return call("git", "rev-parse", "HEAD", folder=ROOT).returncode == 0


def copy_as_cloned(folder: Path, *, umask: int, modified: int) -> Path:
    """Copy the repository as git would lay it for somebody with this umask at this time."""
    for path in files():
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        copy.chmod((0o777 if os.access(path, os.X_OK) else 0o666) & ~umask)
        os.utime(copy, (modified, modified))
    return folder


def build(tree: Path, *targets: str) -> dict[str, bytes]:
    """Build a folder's wheel or source distribution. Shape: the files by name."""
    chosen = [word for target in targets for word in ("--target", target)]
    built = tree.parent / f"built-from-{tree.name}"
    made = call(
        *(sys.executable, "-m", "hatchling", "build", *chosen, "--directory", built), folder=tree
    )
    assert made.returncode == 0, made.stderr
    return {path.name: path.read_bytes() for path in built.iterdir()}


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that is not searched for keys afterwards, which copies of the tests hold."""
    with TemporaryDirectory(prefix="ledger-release-") as folder:
        yield Path(folder)


def test_a_release_is_the_same_wherever_and_whenever_it_is_built(outside: Path) -> None:
    here = copy_as_cloned(outside / "here", umask=0o022, modified=1_790_000_000)
    elsewhere = copy_as_cloned(outside / "else" / "where", umask=0o077, modified=1_000_000_000)

    first = build(here, "sdist", "wheel")
    second = build(elsewhere, "sdist", "wheel")

    assert {name: digest(text) for name, text in first.items()} == {
        name: digest(text) for name, text in second.items()
    }
    (packed,) = (outside / "built-from-here").glob("*.tar.gz")
    with tarfile.open(packed) as archive:
        archive.extractall(outside / "unpacked", filter="data")
    (unpacked,) = (outside / "unpacked").iterdir()
    if has_history():
        inside = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
        assert inside - {"PKG-INFO"} == {str(path.relative_to(ROOT)) for path in files()}
    ((name, wheel),) = build(unpacked, "wheel").items()
    assert digest(wheel) == digest(first[name]), "the wheel of the source distribution"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_release_is_signed_and_says_what_it_installs(tmp_path: Path) -> None:
    """One test, since what takes long is making it."""
    if not has_history():
        pytest.skip("no git history: a release is made of a commit")
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed: apt-get install openssh-client")
    folder = tmp_path / "release"
    key = a_key(tmp_path / "key")

    made = call(ROOT / ".ci" / "release", folder, key, folder=tmp_path, PYTHON=sys.executable)

    assert made.returncode == 0, made.stderr
    version = project()["version"]
    sums, signature = "SHA256SUMS", "SHA256SUMS.sig"
    name = f"ipn_ledger-{version}"
    assert {path.name for path in folder.iterdir()} == {
        *(f"{name}-py3-none-any.whl", f"{name}.tar.gz", f"{name}.cdx.json", sums, signature)
    }
    check_bill(folder / f"{name}.cdx.json", str(tmp_path))
    check_signature(folder, key, a_key(tmp_path / "another"))


def check_bill(path: Path, made_in: str) -> None:
    """The list names what the lock installs for the service, and may be given to anybody."""
    text = path.read_text()
    bill: dict[str, Any] = json.loads(text)
    components: list[dict[str, Any]] = bill["components"]
    ours = bill["metadata"]["component"]
    (htmx,) = ours["components"]
    versions = versions_here(RUNTIME)

    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert {canonicalize_name(part["name"]): part["version"] for part in components} == {
        name: versions[name] for name in needed(project()["dependencies"], installed())
    }, "is all committed? a release is made of a commit"
    assert (ours["name"], ours["version"]) == ("ipn-ledger", project()["version"])
    script = ROOT / "web" / "static" / f"htmx-{htmx['version']}.min.js"
    assert htmx["hashes"] == [{"alg": "SHA-256", "content": digest(script.read_bytes())}]
    licences = {part["name"]: set(licences_of(part)) for part in [*components, ours, htmx]}
    assert {name: each for name, each in licences.items() if not each or each - LICENCES} == {}
    assert "serialNumber" not in bill
    assert "timestamp" not in bill["metadata"]
    assert made_in not in text


def licences_of(component: dict[str, Any]) -> Iterator[str]:
    for licence in component.get("licenses", []):
        if "expression" in licence:
            yield from set(re.findall(r"[\w.+-]+", licence["expression"])) - {"AND", "OR"}
        else:
            yield licence["license"].get("id") or licence["license"]["name"]


def a_key(path: Path) -> Path:
    """Make a key that signs nothing but this test."""
    made = call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path, folder=path.parent)
    assert made.returncode == 0, made.stderr
    return path


def check_signature(folder: Path, signer: Path, stranger: Path) -> None:
    """Follow what the document tells a user; then with another key, and with another wheel."""
    (commands,) = shell_blocks(HOW_TO.read_text())

    def follow(trusted: Path) -> int:
        public = trusted.with_suffix(".pub").read_text()
        (folder / "allowed_signers").write_text(f'releases namespaces="ipn-ledger" {public}')
        return call("bash", "-euc", commands, folder=folder).returncode

    assert follow(signer) == 0
    assert follow(stranger) != 0
    (wheel,) = folder.glob("*.whl")
    wheel.write_bytes(wheel.read_bytes() + b" ")
    assert follow(signer) != 0


def test_what_an_index_shows_leads_nowhere_that_is_not_there() -> None:
    readme = project()["readme"]

    assert readme["content-type"] == "text/markdown"
    assert not re.search(r"\]\((?!https://)|<img", readme["text"]), "a link into this checkout"
