"""Commands run the code that is installed, whatever lies in the folder they are run in."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import ledger as package
from ledger.application import Ledger
from tests.builders import KEYS_ENVIRON, OTHER_SHOP_ID, a_shop
from tests.cli.running import shops_file
from tests.projections.helpers import rows

INSTALLED = Path(str(package.__file__)).parent
COMMAND = Path(sys.executable).with_name("ledger")

WORK = [("rebuild", "transactions"), ("verify", "--workers", "2")]


@pytest.fixture
def environ(tmp_path: Path, ledger_of_stories: Ledger) -> dict[str, str]:
    keys = shops_file(tmp_path, [a_shop(), a_shop(OTHER_SHOP_ID)])
    url = ledger_of_stories.database.engine.url.render_as_string(hide_password=False)
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    own = {"LEDGER_DATABASE_URL": url, "LEDGER_SHOPS_FILE": str(keys)}
    return inherited | KEYS_ENVIRON | own


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "current"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("arguments", WORK, ids=["rebuild", "verify"])
def test_nothing_in_the_current_folder_is_executed(
    environ: dict[str, str], folder: Path, arguments: tuple[str, ...]
) -> None:
    marker = folder / "executed"
    decoy = f"open({str(marker)!r}, 'a').write(__name__)\n"
    (folder / "ledger").mkdir()
    (folder / "ledger" / "__init__.py").write_text(decoy)
    for name in ("multiprocessing", "sqlalchemy", "signal", "orjson"):
        (folder / f"{name}.py").write_text(decoy)

    done = run(environ, folder, *arguments)

    assert not marker.exists(), marker.read_text()
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", WORK, ids=["rebuild", "verify"])
def test_another_version_in_the_current_folder_makes_no_difference(
    ledger_of_stories: Ledger, environ: dict[str, str], folder: Path, arguments: tuple[str, ...]
) -> None:
    before = rows(ledger_of_stories, "transactions")
    shutil.copytree(INSTALLED, folder / "ledger")
    definition = folder / "ledger" / "projections" / "definition.py"
    known, other = '"version": 1 + event', '"version": 1001 + event'
    assert known in definition.read_text()
    definition.write_text(definition.read_text().replace(known, other))

    done = run(environ, folder, *arguments)

    assert done.returncode == 0, done.stdout + done.stderr
    assert rows(ledger_of_stories, "transactions") == before


def run(
    environ: Mapping[str, str], folder: Path, *arguments: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [COMMAND, *arguments], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
