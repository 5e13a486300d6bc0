"""A program that follows or rebuilds, and that tests kill.

`python -m tests.projections.crashing follow|rebuild URL [AT]`: with AT it kills itself at that
many statements, some of which are between the first row and the commit; `commit:N` kills it just
before the Nth commit of rows.
"""

import os
import signal
import sys
from typing import Any

from sqlalchemy import Engine, event

from ledger.application import Ledger
from ledger.projections.follower import Follower
from ledger.projections.registry import PROJECTIONS
from ledger.projections.runner import live_generations
from ledger.storage.database import Database
from tests.builders import a_ledger
from tests.projections.helpers import a_rebuild

BATCH = 10


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arm(told: str) -> None:
    """Kill this process at a statement, or at a commit."""
    kind, _, at = told.rpartition(":")
    left = [int(at)]

    def count_down(*_: Any, **__: Any) -> None:
        left[0] -= 1
        if left[0] <= 0:
            die()

    event.listen(Engine, kind or "before_cursor_execute", count_down)


def follow(ledger: Ledger) -> None:
    until = ledger.events.high_water_mark() or 0
    with ledger.database.connect() as connection:
        live = live_generations(connection)
    for generation in live:
        follower = Follower(ledger.database, generation, PROJECTIONS[generation.name])
        while follower.position() < until:
            follower.step(until, BATCH)


def main() -> None:
    what, url = sys.argv[1:3]
    database = Database(url)
    if len(sys.argv) > 3:
        arm(sys.argv[3])
    ledger = a_ledger(database)
    if what == "follow":
        follow(ledger)
        return
    done = a_rebuild(ledger, what, workers=2, lease_seconds=1).run()
    print("identical" if done.is_identical else done.differences)  # noqa: T201


if __name__ == "__main__":
    main()
