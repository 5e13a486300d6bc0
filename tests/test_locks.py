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
    packages: Locked = {}
    for line in entries(lock):
        requirement, *digests = line.split(" --hash=")
        pinned = Requirement(requirement.strip())
        (specifier,) = pinned.specifier
        assert specifier.operator == "==", line
        stripped = [digest.strip() for digest in digests]
        packages[canonicalize_name(pinned.name)] = (specifier.version, stripped)
    return packages


def missing(requirements: Iterable[str], packages: Locked) -> list[str]:
    """What is asked for and not locked as it is asked for."""
    versions = {name: version for name, (version, _) in packages.items()}

    def is_locked(wanted: Requirement) -> bool:
        version = versions.get(canonicalize_name(wanted.name))
        return version is not None and version in wanted.specifier

    return [text for text in requirements if not is_locked(Requirement(text))]


@pytest.mark.parametrize("lock", ASKED)
def test_everything_that_is_asked_for_is_locked_as_asked(lock: str) -> None:
    assert missing(ASKED[lock], locked(lock)) == []


def test_what_is_not_locked_or_otherwise_is_told() -> None:
    packages = locked(RUNTIME)

    assert missing(["flask>=3,<4", "flask>=99", "no-such-thing"], packages) == [
        "flask>=99",
        "no-such-thing",
    ]


def test_whatever_is_asked_for_ends_before_a_release_that_may_break_it() -> None:
    extras = PROJECT["optional-dependencies"].values()
    requirements = [*PROJECT["dependencies"], *(text for extra in extras for text in extra)]

    assert [text for text in requirements if "<" not in text] == ["eventsourcing[crypto]"]


@pytest.mark.parametrize("lock", ASKED)
def test_every_file_is_pinned_by_its_digest(lock: str) -> None:
    for name, (_, digests) in locked(lock).items():
        assert digests, name
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in digests), name


@pytest.mark.parametrize("lock", ASKED)
def test_no_line_names_a_host_a_file_or_an_option(lock: str) -> None:
    for line in entries(lock):
        assert not re.search(r"://|file:|\s-(?!-hash=sha256:)|^-", line.partition(";")[0]), line


def test_the_tests_run_on_what_the_service_runs_on() -> None:
    tested = locked(TEST)

    assert {name: tested.get(name) for name in locked(RUNTIME)} == locked(RUNTIME)
