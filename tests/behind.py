"""Say which locked libraries have newer versions: `python -m tests.behind`, run on the newest."""

from collections.abc import Mapping

from tests.locks import TEST, installed, versions_here


def behind(versions: Mapping[str, str], newest: Mapping[str, str]) -> list[str]:
    """Return a line for each library of which another version is the newest that is allowed."""
    return [
        f"{name} {version} is locked, {newest[name]} is there"
        for name, version in sorted(versions.items())
        if newest.get(name, version) != version
    ]


if __name__ == "__main__":
    for line in behind(versions_here(TEST), {name: d.version for name, d in installed().items()}):
        print(line)  # noqa: T201
