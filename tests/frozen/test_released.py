"""Nobody changes what a release has shipped, and no release forgets to say what that is."""

import ast
import json
import shutil
import tomllib
from datetime import date
from pathlib import Path

import pytest
from packaging.version import Version

from tests.cut import cut
from tests.frozen.released import (
    EVENTS,
    MIGRATIONS,
    RELEASED,
    ROOT,
    Shipped,
    changes,
    released,
    versions,
)

DAY = date(2026, 12, 1)
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Something.\n"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what a release freezes, before its first release."""
    for folder, pattern in ((MIGRATIONS, "*.py"), (EVENTS, "*.jsonl")):
        (tmp_path / folder).mkdir(parents=True)
        for path in (ROOT / folder).glob(pattern):
            shutil.copy(path, tmp_path / folder)
    nothing: Shipped = {"releases": [], "migrations": {}, "events": {}}
    (tmp_path / RELEASED).write_text(json.dumps(nothing))
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "0.1.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    return tmp_path


def test_what_was_released_is_as_it_was() -> None:
    assert changes() == []


def test_whatever_the_changelog_calls_released_is_frozen() -> None:
    """A heading that was written by hand would leave the tables of that release unguarded."""
    in_changelog = versions((ROOT / "CHANGELOG.md").read_text())
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    assert released()["releases"] == in_changelog, "cut a release by `python -m tests.cut`"
    assert all(Version(version) >= Version(older) for older in in_changelog)


def test_a_migration_imports_nothing_of_ours_that_may_change() -> None:
    """So that the same file makes the same tables for ever."""
    for path in (ROOT / MIGRATIONS).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in getattr(node, "names", []) if hasattr(alias, "name")]
            names.append(getattr(node, "module", None) or "")
            assert not [name for name in names if name.split(".")[0] in ("ledger", "web")], path


def test_a_cut_dates_the_changelog_and_freezes_once(copy: Path) -> None:
    assert cut(copy, DAY) == "0.1.0"

    changelog = (copy / "CHANGELOG.md").read_text()
    assert "## [Unreleased]\n\n## [0.1.0] - 2026-12-01\n\n### Added\n" in changelog
    assert released(copy)["releases"] == versions(changelog) == ["0.1.0"]
    with pytest.raises(SystemExit, match=r"0\.1\.0 is released already"):
        cut(copy, DAY)


def test_a_released_migration_that_is_edited_or_gone_is_told(copy: Path) -> None:
    cut(copy, DAY)
    path = copy / MIGRATIONS / "0001_baseline.py"
    path.write_text(path.read_text() + "# one word more\n")

    (edited,) = changes(copy)
    path.unlink()

    assert edited.startswith(f"{MIGRATIONS}/0001_baseline.py was released")
    assert "add a migration" in edited
    assert changes(copy) == [edited]


def test_a_released_event_that_is_edited_is_told_and_a_new_one_is_not(copy: Path) -> None:
    cut(copy, DAY)
    path = copy / EVENTS / "events_v1.jsonl"
    text = path.read_text()

    path.write_text(text + '{"topic": "transaction.new"}\n')
    (copy / MIGRATIONS / "0002_more.py").write_text("")
    assert changes(copy) == []

    path.write_text(text.replace("EUR", "USD", 1))
    (edited,) = changes(copy)
    assert "events are for ever" in edited


def test_a_second_cut_freezes_what_came_since_and_refuses_what_was_changed(copy: Path) -> None:
    cut(copy, DAY)
    (copy / "pyproject.toml").write_text('[project]\nversion = "0.2.0"\n')
    (copy / MIGRATIONS / "0002_more.py").write_text("")

    assert cut(copy, DAY) == "0.2.0"

    assert released(copy)["releases"] == ["0.1.0", "0.2.0"]
    (copy / "pyproject.toml").write_text('[project]\nversion = "0.3.0"\n')
    (copy / MIGRATIONS / "0002_more.py").write_text("# changed\n")
    with pytest.raises(SystemExit, match="0002_more"):
        cut(copy, DAY)
