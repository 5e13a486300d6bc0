"""Cut a release: `python -m tests.cut` dates the changelog, and freezes what it ships for ever."""

import json
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path

from tests.frozen.released import RELEASED, ROOT, changes, released, shipped_now, versions

UNRELEASED = "## [Unreleased]\n"


def cut(root: Path, released_on: date) -> str:
    """Write the changelog and the frozen digests of the version of pyproject.toml; return it.

    Errors: SystemExit, in words, before anything is written.
    """
    version = str(tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"])
    changelog = (root / "CHANGELOG.md").read_text()
    if version in versions(changelog):
        raise SystemExit(f"{version} is released already: raise `version` in pyproject.toml")
    if changelog.count(UNRELEASED) != 1:
        raise SystemExit(f"CHANGELOG.md has no heading {UNRELEASED.strip()!r}, or several")
    if sentences := changes(root):
        raise SystemExit("\n".join(sentences))
    shipped = shipped_now([*released(root)["releases"], version], root)
    (root / RELEASED).write_text(json.dumps(shipped, indent=2) + "\n")
    heading = f"{UNRELEASED}\n## [{version}] - {released_on}\n"
    (root / "CHANGELOG.md").write_text(changelog.replace(UNRELEASED, heading))
    return version


if __name__ == "__main__":
    version = cut(ROOT, datetime.now(UTC).date())
    print(f"{version} is cut: run .ci/run, commit, and tag v{version}")  # noqa: T201
