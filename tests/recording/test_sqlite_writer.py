"""Who decides before it is allowed to write ends as if it had decided while nobody else wrote."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from ledger.application import Ledger
from ledger.ipn.delivery import Delivery
from ledger.simulator.signed_calls import synthetic_platform
from ledger.simulator.stories import STORIES, Story
from ledger.storage.database import Database
from ledger.storage.plain_writer import PlainWriter
from ledger.storage.sqlite_writer import SqliteWriter
from ledger.storage.write_set import Loaded, WriteStrategy
from tests.builders import NOON, SHOP_ID, a_delivery, a_ledger, shops
from tests.conftest import opened

TOLD_BY = synthetic_platform(shops(), SHOP_ID, "TEST", at=NOON)
TABLES = {
    "events": "*",
    "notifications": "*",
    "repeats": "*",
    "stream_names": "*",
    "subscription_references": "*",
    "bodies": "origin_id, body IS NULL, personal IS NULL",
    "origin_secrets": "origin_id, body_secret IS NULL, personal_secret IS NULL",
}
"""What is sealed is never twice the same."""


class Overtaken(SqliteWriter):
    """A strategy that another process overtakes between its decision and its turn to write."""

    def __init__(self, database: Database, faster: Sequence[Delivery]) -> None:
        super().__init__(database)
        self._other = a_still_ledger(database)
        self._faster = list(faster)
        self.stood: list[bool] = []

    def lock(self, connection: Connection, loaded: Loaded) -> bool:
        faster, self._faster = self._faster, []
        if faster:
            self._other.receive_many(faster)
        self.stood.append(super().lock(connection, loaded))
        return self.stood[-1]


def a_still_ledger(database: Database, strategy: WriteStrategy | None = None) -> Ledger:
    """A ledger whose clock stands, so that nothing depends on how often it was asked."""
    return a_ledger(database, strategy=strategy, tick=timedelta(0))


@contextmanager
def two_files(template: Path) -> Iterator[list[Database]]:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        paths = [Path(folder) / name for name in ("overtaken.sqlite", "in-turn.sqlite")]
        for path in paths:
            shutil.copyfile(template, path)
        yield [stack.enter_context(opened(f"sqlite:///{path}")) for path in paths]


def every_row(database: Database) -> dict[str, list[Any]]:
    with database.connect() as connection:
        return {
            table: sorted(map(repr, connection.execute(text(f"SELECT {columns} FROM {table}"))))
            for table, columns in TABLES.items()
        }


def outcomes(ledger: Ledger, deliveries: Sequence[Delivery]) -> list[Any]:
    return [(each.outcome, each.positions) for each in ledger.receive_many(deliveries)]


def ways(story: Story) -> list[str]:
    return [way for way in WAYS if TOLD_BY.can_play(story, way)]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_whoever_is_overtaken_ends_as_if_it_had_come_later(
    sqlite_template: Path, data: st.DataObject
) -> None:
    stories = data.draw(st.lists(st.sampled_from(list(STORIES.values())), min_size=1, max_size=3))
    lives = [
        telling.body
        for story in stories
        for telling in TOLD_BY.signed_calls(story, 5, 0, data.draw(st.sampled_from(ways(story))))
    ]
    calls = data.draw(st.lists(st.sampled_from(lives), min_size=2, max_size=14))
    first, second = sorted(data.draw(st.integers(0, len(calls))) for _ in range(2))
    deliveries = [a_delivery(body) for body in calls]
    before, faster, ours = deliveries[:first], deliveries[first:second], deliveries[second:]

    with two_files(sqlite_template) as (overtaken, in_turn):
        plain = a_still_ledger(in_turn, PlainWriter(in_turn))
        expected = [outcomes(plain, part) for part in (before, faster, ours)]
        a_still_ledger(overtaken).receive_many(before)
        late = a_still_ledger(overtaken, Overtaken(overtaken, faster))

        assert outcomes(late, ours) == expected[-1]
        if ours:
            assert every_row(overtaken) == every_row(in_turn)


WAYS = ("mixed", "form", "rest")


@pytest.mark.parametrize("is_about_same", [True, False])
def test_only_what_is_about_the_same_is_decided_again(
    sqlite_template: Path, *, is_about_same: bool
) -> None:
    ours, other = (
        [
            a_delivery(telling.body)
            for telling in TOLD_BY.signed_calls(STORIES["paid-and-refunded"], seed, 0, "rest")
        ]
        for seed in (6, 6 if is_about_same else 7)
    )
    with two_files(sqlite_template) as (database, _):
        strategy = Overtaken(database, other)

        receipts = a_still_ledger(database, strategy).receive_many(ours)

    assert strategy.stood == [not is_about_same]
    assert receipts[0].outcome == ("repeated" if is_about_same else "recorded")


def test_what_fails_in_its_turn_gives_it_back(sqlite_template: Path) -> None:

    class Failing(SqliteWriter):
        def write(self, *_: Any) -> list[int]:
            raise RuntimeError("on purpose")

    (body, *_) = (
        each.body for each in TOLD_BY.signed_calls(STORIES["paid-and-refunded"], 8, 0, "rest")
    )

    with two_files(sqlite_template) as (database, _):
        receipt = a_still_ledger(database, Failing(database)).receive(a_delivery(body))

        assert receipt.outcome == "undecided"
        assert a_still_ledger(database).readmit(receipt.id).outcome == "recorded"
