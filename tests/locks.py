"""What the locks pin, what pyproject.toml asks for, and what follows from what is installed."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
RUNTIME, TEST = "requirements.lock", "requirements-test.lock"


@dataclass(frozen=True)
class Pin:
    """One version of a package, with the digests of its files, perhaps for some Pythons alone."""

    requirement: Requirement
    digests: tuple[str, ...]

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        (specifier,) = self.requirement.specifier
        assert specifier.operator == "==", self.requirement
        return specifier.version

    @property
    def is_for_here(self) -> bool:
        """Return True if it is installed by this Python on this machine."""
        return self.requirement.marker is None or self.requirement.marker.evaluate()


def project() -> dict[str, Any]:
    """Return the table `project` of pyproject.toml."""
    return dict(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"])


def entries(lock: str) -> list[str]:
    """Return what is pinned, each with its digests on one line."""
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def pins(lock: str) -> list[Pin]:
    """Return everything that a lock pins, for any Python and machine."""
    split = [line.split(" --hash=") for line in entries(lock)]
    return [
        Pin(Requirement(requirement.strip()), tuple(digest.strip() for digest in digests))
        for requirement, *digests in split
    ]


def versions_here(lock: str) -> dict[str, str]:
    """Return by name the versions that a lock pins for this Python and this machine."""
    return {pin.name: pin.version for pin in pins(lock) if pin.is_for_here}


def installed(folder: Path | None = None) -> dict[str, Distribution]:
    """Return what is installed in a folder, or beside the tests, by name."""
    places = distributions() if folder is None else distributions(path=[str(folder)])
    return {canonicalize_name(place.name): place for place in places}


def needed(
    wanted: Iterable[str], present: Mapping[str, Distribution]
) -> dict[str, list[Requirement]]:
    """Follow requirements through the packages' own words, as pip does.

    Shape: by name, everything that is asked of it; what is not present asks for nothing.
    """
    requirements: dict[str, list[Requirement]] = {}
    waiting = [(Requirement(text), "") for text in wanted]
    visited: set[tuple[str, str]] = set()
    while waiting:
        requirement, for_extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": for_extra}):
            continue
        name = canonicalize_name(requirement.name)
        requirements.setdefault(name, []).append(requirement)
        for extra in {"", *requirement.extras} if name in present else ():
            if (name, extra) not in visited:
                visited.add((name, extra))
                further = map(Requirement, present[name].requires or ())
                waiting += [(child, extra) for child in further]
    return requirements
