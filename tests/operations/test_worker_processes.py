"""Workers begin wherever they can, and end with the process that started them."""

import os
import shutil
import subprocess
import sys
from multiprocessing import forkserver
from pathlib import Path

import pytest

from ledger.errors import CodeDiffersError
from ledger.operations.worker_processes import safe_path, worker_processes
from tests.projections.helpers import eventually

ROOT = Path(__file__).resolve().parents[2]


def test_workers_begin_also_where_there_is_no_room_for_a_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An audit is wanted most where a disk is full."""

    def refuse() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(forkserver, "ensure_running", refuse)

    with worker_processes(1, loaded=[]) as pool:
        worker = pool.submit(os.getpid).result()

    assert worker != os.getpid()


def test_workers_have_loaded_what_they_work_with() -> None:
    program = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert program.stdout.split() == ["True", "False"]


LOADED = f"""
import sys
from {worker_processes.__module__} import worker_processes
if __name__ == "__main__":
    with worker_processes(1, loaded=["colorsys"]) as pool:
        print(pool.submit(eval, "'colorsys' in __import__('sys').modules").result())
        print("colorsys" in sys.modules)
"""


def test_workers_end_with_the_one_that_was_killed() -> None:
    child = subprocess.Popen([sys.executable, "-c", STUCK], cwd=ROOT, start_new_session=True)
    # itself, two workers, the one whose forks they are, and the library's own
    eventually(lambda: len(members(child.pid)) >= 5)
    child.kill()
    child.wait()
    eventually(lambda: members(child.pid) == [], seconds=10)


STUCK = f"""
import time
from {worker_processes.__module__} import worker_processes
if __name__ == "__main__":
    with worker_processes(2, loaded=[]) as pool:
        list(pool.map(time.sleep, [60, 60]))
"""


def test_a_worker_that_has_loaded_other_code_does_nothing(tmp_path: Path) -> None:
    """As when a new version is installed while a command begins."""
    package = tmp_path / "ledger"
    shutil.copytree(ROOT / "ledger", package)

    program = subprocess.run(
        [sys.executable, "-c", REPLACED],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert program.stdout == f"{package} refused\n"


REPLACED = f"""
from pathlib import Path
import ledger
from {worker_processes.__module__} import worker_processes
if __name__ == "__main__":
    package = Path(ledger.__file__).parent
    with (package / "instants.py").open("a") as instants:
        instants.write("NEW = 1")
    with worker_processes(1, loaded=["ledger.instants"]) as pool:
        try:
            pool.submit(print, "executed", flush=True).result()
        except ledger.errors.{CodeDiffersError.__name__} as error:
            print(package, "refused" if str(package) in str(error) else error)
"""


def test_what_is_started_takes_nothing_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    show_path = [sys.executable, "-c", "import sys; print(sys.path)"]

    with safe_path():
        path = subprocess.run(show_path, capture_output=True, text=True, check=True).stdout

    assert repr(str(ROOT)) in path
    assert "''" not in path
    assert str(tmp_path) not in path


def test_a_python_that_cannot_be_told_of_a_safe_path_starts_no_workers() -> None:
    """With `-E` it hands on that variables do not count; with `-P` beside it, a safe path too."""
    unsafe, safe = (
        subprocess.run(
            [sys.executable, *options, "-c", NUMBER], capture_output=True, text=True, check=False
        )
        for options in (["-E"], ["-E", "-P"])
    )

    assert unsafe.stderr.splitlines()[-1].startswith("ledger.errors.SettingsError: ")
    assert safe.stdout == "42\n"


NUMBER = f"""
from {worker_processes.__module__} import worker_processes
if __name__ == "__main__":
    with worker_processes(1, loaded=[]) as pool:
        print(pool.submit(abs, -42).result())
"""


def members(group: int) -> list[int]:
    """Return the processes of a group that are alive."""
    alive = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            alive.append(int(folder.name))
    return alive
