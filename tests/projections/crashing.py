"""A program that follows or rebuilds, and that tests kill.

`python -m tests.projections.crashing follow|READ_MODEL URL [AT]`: with AT it kills itself at that
many statements, some of which are between the first row and the commit; `commit:N` kills it just
before the Nth commit of rows.
"""

import os
import signal
import subprocess
import sys
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from ledger.application import Ledger
from ledger.projections.engine.generations import live_generations
from ledger.storage.database import Database
from tests.builders import a_ledger
from tests.projections.helpers import a_rebuild, follow_with

BATCH = 10
ROOT = Path(__file__).resolve().parents[2]


def started(*arguments: str) -> "subprocess.Popen[str]":
    """Start this program."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.projections.crashing", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def crash(what: str, url: str, at: str) -> int | None:
    """Do what this program does, as a fork of a process that has loaded it; return how it ended."""
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    child = context.Process(target=run, args=(what, url, at))
    child.start()
    child.join(60)
    return child.exitcode


def arm(at: str) -> None:
    """Kill this process at a statement, or at a commit."""
    kind, _, number = at.rpartition(":")
    left = [int(number)]

    def count_down(*_: Any, **__: Any) -> None:
        left[0] -= 1
        if left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, kind or "before_cursor_execute", count_down)


def follow(ledger: Ledger) -> None:
    with ledger.database.connect() as connection:
        live = live_generations(connection).values()
    for generation in live:
        follow_with(ledger, generation, batch=BATCH)


def run(what: str, url: str, at: str | None = None) -> None:
    database = Database(url)
    if at is not None:
        arm(at)
    ledger = a_ledger(database)
    if what == "follow":
        follow(ledger)
    else:
        a_rebuild(ledger, what, lease_seconds=1).run()


if __name__ == "__main__":
    run(*sys.argv[1:])
