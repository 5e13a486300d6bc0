"""Every recipe of `CONTRIBUTING.md` works as it stands, in a copy of this tree."""

import os
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.documents.blocks import ROOT
from tests.documents.recipes import Edit, Recipe, recipes

RECIPES = recipes((ROOT / "CONTRIBUTING.md").read_text())
LONG = ("A column that is a fact", "A column that is no fact", "A field of the platform as a fact")
"""Are much like others, and take a minute: followed at night (`LEDGER_TEST_RECIPES=all`)."""
FOLLOWED = [
    recipe
    for recipe in RECIPES
    if recipe.title not in LONG or os.environ.get("LEDGER_TEST_RECIPES") == "all"
]
PARTS = ("ledger", "web", "tests", "alembic", "docs", "bench", ".ci", "deploy")


@pytest.fixture
def copy() -> Iterator[Path]:
    """A copy of the tree without what tools leave behind; it holds the keys of the tests."""
    leftovers = shutil.ignore_patterns("__pycache__", "*.pyc")
    with TemporaryDirectory(prefix="ledger-recipe-") as folder:
        for part in PARTS:
            shutil.copytree(ROOT / part, Path(folder) / part, ignore=leftovers)
        for path in ROOT.iterdir():
            if path.is_file():
                shutil.copyfile(path, Path(folder) / path.name)
        yield Path(folder)


@pytest.mark.parametrize("recipe", FOLLOWED, ids=lambda recipe: recipe.title)
def test_a_recipe_can_be_followed(recipe: Recipe, copy: Path) -> None:
    for edit in recipe.edits:
        edit.apply(copy)

    followed = run(copy, recipe.commands.replace("-n 2", "-n 0 -p no:cacheprovider"))

    assert followed.returncode == 0, followed.stdout
    assert " passed" in followed.stdout


def run(copy: Path, commands: str) -> "subprocess.CompletedProcess[str]":
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    environ = {"PATH": path, "PYTHONPATH": str(copy), "PYTEST_XDIST_WORKER": ""}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        ["bash", "-euc", commands],
        cwd=copy,
        env=clean | environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )


def test_there_is_a_recipe_for_all_that_is_added_often() -> None:
    titles = [recipe.title for recipe in RECIPES]

    for word in ("column", "read model", "event class", "field", "language", "format"):
        assert any(word in title for title in titles), word


def test_the_code_of_the_copy_is_what_runs(copy: Path) -> None:
    Edit("at the end", "ledger/__init__.py", "", 'print("this is the copy")\n').apply(copy)

    assert "this is the copy" in run(copy, "python -c 'import ledger'").stdout


def test_an_edit_whose_line_is_gone_is_told(copy: Path) -> None:
    with pytest.raises(AssertionError, match="no line nowhere"):
        Edit("below", "ledger/errors.py", "nowhere", "x\n").apply(copy)
