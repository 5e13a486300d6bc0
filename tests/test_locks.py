"""The locked dependencies are those that pyproject.toml asks for, pinned by digests."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RUNTIME, TEST = "requirements.lock", "requirements-test.lock"
ASKED: dict[str, list[str]] = {
    RUNTIME: PROJECT["dependencies"] + PROJECT["optional-dependencies"]["build"],
    TEST: PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"],
}

Locked = dict[str, tuple[str, list[str]]]
"""Version and digests by name."""


def entries(lock: str) -> list[str]:
    """What is pinned, each with its digests on one line."""
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def locked(lock: str) -> Locked:
    found: Locked = {}
    for line in entries(lock):
        told, *hashes = line.split(" --hash=")
        pinned = Requirement(told.strip())
        (one,) = pinned.specifier
        assert one.operator == "==", line
        found[canonicalize_name(pinned.name)] = (one.version, [one.strip() for one in hashes])
    return found


def missing(asked: Iterable[str], found: Locked) -> list[str]:
    """What is asked for and not locked as it is asked for."""
    wanted = [Requirement(one) for one in asked]
    versions = {name: version for name, (version, _) in found.items()}
    told = [(one, versions.get(canonicalize_name(one.name))) for one in wanted]
    return [str(one) for one, version in told if version is None or version not in one.specifier]


@pytest.mark.parametrize("lock", ASKED)
def test_everything_that_is_asked_for_is_locked_as_asked(lock: str) -> None:
    assert missing(ASKED[lock], locked(lock)) == []


def test_what_is_not_locked_or_otherwise_is_told() -> None:
    found = locked(RUNTIME)

    assert missing(["flask>=3,<4", "flask>=99", "no-such-thing"], found) == [
        "flask>=99",
        "no-such-thing",
    ]


@pytest.mark.parametrize("lock", ASKED)
def test_every_file_is_pinned_by_its_digest(lock: str) -> None:
    for name, (_, hashes) in locked(lock).items():
        assert hashes, name
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in hashes), name


@pytest.mark.parametrize("lock", ASKED)
def test_no_line_names_a_host_a_file_or_an_option(lock: str) -> None:
    for line in entries(lock):
        assert not re.search(r"://|file:|\s-(?!-hash=sha256:)|^-", line.partition(";")[0]), line


def test_the_tests_run_on_what_the_service_runs_on() -> None:
    tested = locked(TEST)

    assert {name: tested.get(name) for name in locked(RUNTIME)} == locked(RUNTIME)
