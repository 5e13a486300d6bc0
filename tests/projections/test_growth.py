"""Following costs what a batch produces, not what a model holds: counted in SQLite's own steps."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import event

from ledger.application import Ledger
from ledger.projections.engine.registry import PROJECTIONS
from ledger.simulator.bulk import fill
from ledger.storage.database import Database
from tests.builders import SHOP_ID
from tests.conftest import opened
from tests.projections.helpers import follow, follow_with, ledger_of, live, receive_stories

EVENTS = 150
TIMES = 5
GRANULARITY = 10


@dataclass
class Steps:
    """How many instructions SQLite's machine has executed. Units: ten instructions."""

    count: int = 0

    def add(self) -> int:
        self.count += 1
        return 0  # anything else would interrupt the statement


def test_a_batch_costs_the_same_on_a_larger_ledger(sqlite_url: str) -> None:
    with opened(sqlite_url) as database:
        ledger = ledger_of(database)
        fill(ledger, SHOP_ID, "TEST", events=EVENTS, seed=1)
        small = steps_of_a_batch(ledger, seed=11)
        fill(ledger, SHOP_ID, "TEST", events=EVENTS * TIMES, seed=2)
        large = steps_of_a_batch(ledger, seed=12)

    assert min(small.values()) > 100
    assert [name for name in PROJECTIONS if large[name] >= small[name] * 1.1] == []


def steps_of_a_batch(ledger: Ledger, *, seed: int) -> dict[str, int]:
    """Follow what is there, then a story more of each kind; return the latter's steps by model."""
    follow(ledger)
    receive_stories(ledger, seed=seed)
    steps_by_model = {}
    for name in PROJECTIONS:
        with counting(ledger.database) as steps:
            follow_with(ledger, live(ledger, name))
        steps_by_model[name] = steps.count
    return steps_by_model


@contextmanager
def counting(database: Database) -> Iterator[Steps]:
    steps = Steps()

    def watch(connection: sqlite3.Connection, *_: object) -> None:
        connection.set_progress_handler(steps.add, GRANULARITY)

    database.dispose()  # what connects from now on is watched
    event.listen(database.engine, "connect", watch)
    try:
        yield steps
    finally:
        event.remove(database.engine, "connect", watch)
        database.dispose()
