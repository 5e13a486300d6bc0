"""The locked dependencies are those that pyproject.toml asks for, pinned by digests."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from importlib.metadata import requires
from itertools import chain

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.behind import behind
from tests.locks import (
    ROOT,
    RUNTIME,
    TEST,
    Pin,
    entries,
    installed,
    needed,
    pins,
    project,
    versions_here,
)

PROJECT = project()
EXTRAS = {RUNTIME: ("build",), TEST: ("build", "test")}
ASKED: dict[str, list[str]] = {
    lock: [
        *PROJECT["dependencies"],
        *(text for extra in extras for text in PROJECT["optional-dependencies"][extra]),
    ]
    for lock, extras in EXTRAS.items()
}


def missing(wanted: Iterable[Requirement], packages: Iterable[Pin]) -> list[str]:
    """What is asked for and not locked as it is asked for, on whichever machine."""
    versions: dict[str, list[str]] = defaultdict(list)
    for pin in packages:
        versions[pin.name].append(pin.version)
    return [
        str(requirement)
        for requirement in wanted
        if not (pinned := versions[canonicalize_name(requirement.name)])
        or not all(version in requirement.specifier for version in pinned)
    ]


@pytest.mark.parametrize("lock", ASKED)
def test_everything_that_is_asked_for_is_locked_as_asked(lock: str) -> None:
    assert missing(map(Requirement, ASKED[lock]), pins(lock)) == []


def test_what_is_not_locked_or_otherwise_is_told() -> None:
    wanted = map(Requirement, ["flask>=3,<4", "flask>=99", "no-such-thing"])

    assert missing(wanted, pins(RUNTIME)) == [
        "flask>=99",
        "no-such-thing",
    ]


@pytest.mark.parametrize("lock", ASKED)
def test_what_that_needs_in_turn_is_locked_and_nothing_else(lock: str) -> None:
    """By the words of what is installed here, which has to be what is locked."""
    present, versions = installed(), versions_here(lock)
    requirements = needed(ASKED[lock], present)

    assert requirements.keys() == versions.keys(), f"make {lock} anew, by its first lines"
    assert {name: present[name].version for name in requirements} == versions, "install the lock"
    here = [pin for pin in pins(lock) if pin.is_for_here]
    assert missing(chain.from_iterable(requirements.values()), here) == []


@pytest.mark.parametrize("lock", ASKED)
def test_a_lock_says_how_it_is_made(lock: str) -> None:
    command = (ROOT / lock).read_text().splitlines()[1]

    assert tuple(re.findall(r"--extra (\w+)", command)) == EXTRAS[lock]
    assert command.endswith(f"pyproject.toml -o {lock}")


def test_whatever_is_asked_for_ends_before_a_release_that_may_break_it() -> None:
    extras = PROJECT["optional-dependencies"].values()
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    requirements = [*build, *PROJECT["dependencies"], *(text for extra in extras for text in extra)]

    assert [text for text in requirements if "<" not in text] == ["eventsourcing[crypto]"]


def test_the_installed_package_asks_for_what_the_project_asks_for() -> None:
    """A checkout that was installed before pyproject.toml changed would hide what is missing."""
    here = [text for text in requires("ipn-ledger") or () if "extra ==" not in text]

    assert {in_one_form(text) for text in here} == set(map(in_one_form, PROJECT["dependencies"]))


def in_one_form(text: str) -> tuple[str, str]:
    requirement = Requirement(text)
    return canonicalize_name(requirement.name), str(requirement.specifier)


@pytest.mark.parametrize("lock", ASKED)
def test_every_file_is_pinned_by_its_digest(lock: str) -> None:
    for pin in pins(lock):
        assert pin.digests, pin
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in pin.digests), pin


@pytest.mark.parametrize("lock", ASKED)
def test_no_line_names_a_host_a_file_or_an_option(lock: str) -> None:
    for line in entries(lock):
        assert not re.search(r"://|file:|\s-(?!-hash=sha256:)|^-", line.partition(";")[0]), line


def test_the_tests_run_on_what_the_service_runs_on() -> None:
    def pinned(lock: str) -> set[tuple[str, str, tuple[str, ...]]]:
        return {(pin.name, pin.version, pin.digests) for pin in pins(lock)}

    assert pinned(RUNTIME) <= pinned(TEST)


def test_what_is_behind_is_said_by_name() -> None:
    lines = behind({"babel": "2.18.0", "flask": "3.1.2"}, {"babel": "2.19.0", "flask": "3.1.2"})

    assert lines == ["babel 2.18.0 is locked, 2.19.0 is there"]
