"""Which changes make a view another one."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TELL = """
from ledger.projections.registry import PROJECTIONS, fingerprint
print(*(f"{name}={fingerprint(view)}" for name, view in PROJECTIONS.items()))
"""


def fingerprints(code: Path) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", TELL], cwd=code, capture_output=True, text=True, check=True
    )
    return dict(one.split("=") for one in done.stdout.split())


@pytest.mark.parametrize(
    ("module", "before", "after", "changed"),
    [
        ("orders", "_metadata = MetaData()", "_metadata = MetaData()  # a comment", set()),
        ("orders", "def debit(", "def  debit(", set()),
        ("orders", "func.count().label", "func.max(1).label", {"orders"}),
        ("outcomes", '"PRE_AUTHORISED",', '"PRE_AUTHORISED", "NEW",', {"orders", "totals"}),
        ("registry", "ENGINE_VERSION = 1", "ENGINE_VERSION = 2", None),
    ],
)
def test_only_what_changes_rows_changes_the_fingerprint(
    tmp_path: Path, module: str, before: str, after: str, changed: set[str] | None
) -> None:
    shutil.copytree(ROOT / "ledger", tmp_path / "ledger")
    file = tmp_path / "ledger" / "projections" / f"{module}.py"
    assert before in file.read_text()
    file.write_text(file.read_text().replace(before, after))

    was, now = fingerprints(ROOT), fingerprints(tmp_path)

    wanted = set(was) if changed is None else changed
    assert {name for name in was if was[name] != now[name]} == wanted
