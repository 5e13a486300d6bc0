"""One command rewrites what is made from the code, and leaves alone what is frozen."""

from collections.abc import Callable
from difflib import unified_diff
from pathlib import Path

import pytest

from tests import update as updating
from tests.documents.tables import table, with_table
from tests.frozen import samples as freezing


@pytest.mark.parametrize("path", updating.FILES, ids=lambda path: path.name)
def test_every_generated_file_is_current(path: Path) -> None:
    difference = [*unified_diff(path.read_text().splitlines(), updating.FILES[path]().splitlines())]

    assert difference == [], "run `python -m tests.update`"


def test_a_file_that_is_not_current_is_rewritten_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale, current, missing = (tmp_path / name for name in ("stale", "current", "missing"))
    stale.write_text("a\nold\n")
    current.write_text("new\n")
    files: dict[Path, Callable[[], str]] = {
        stale: lambda: "a\nnew\n",
        current: lambda: "new\n",
        missing: lambda: "new\n",
    }
    monkeypatch.setattr(updating, "FILES", files)
    monkeypatch.setattr(updating, "ROOT", tmp_path)

    lines = updating.update()

    assert [path.read_text() for path in files] == ["a\nnew\n", "new\n", "new\n"]
    assert "-old\n" in lines
    assert "--- missing\n" in lines
    assert "--- current\n" not in lines
    assert updating.update() == []


def test_a_table_is_replaced_in_its_section_and_nothing_else() -> None:
    head = ["a", "b"]
    page = f"# Page\n\n## One\n\n{table(head, ['1', '2'])}\nText.\n\n## Two\n\n{table(head)}"

    changed = with_table(page, "One", table(head, ["3", "4"], ["5", "6"]))

    assert changed == page.replace("| 1 | 2 |\n", "| 3 | 4 |\n| 5 | 6 |\n")


def test_a_new_class_gets_a_sample_and_no_other_line_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = freezing.SAMPLES_FILE.read_text()
    classes = {**freezing.EVENT_CLASSES, "alias.forgotten": object}
    monkeypatch.setattr(freezing, "EVENT_CLASSES", classes)

    after = freezing.with_new_samples()

    assert after.startswith(before)
    assert '"topic": "alias.forgotten"' in after.removeprefix(before)
    assert after.count("\n") == before.count("\n") + 1
