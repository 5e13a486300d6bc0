"""Workers begin wherever they can, and end with the process that started them."""

import os
import subprocess
import sys
from multiprocessing import forkserver
from pathlib import Path

import pytest

from ledger.operations.worker_processes import worker_processes
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
