"""The short way to append leaves, byte for byte, what the plain one leaves."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import URL, Connection, text

from ledger.application import Ledger
from ledger.ipn.delivery import Delivery
from ledger.simulator.signed_calls import synthetic_platform
from ledger.simulator.stories import STORIES
from ledger.storage.columns import metadata
from ledger.storage.database import Database
from ledger.storage.plain_writer import PlainWriter
from ledger.storage.postgresql_writer import PostgresqlWriter
from ledger.storage.write_set import WriteSet
from tests.builders import NOON, SHOP_ID, a_delivery, a_ledger, shops
from tests.conftest import created, opened

TOLD_BY = synthetic_platform(shops(), SHOP_ID, "TEST", at=NOON)
TABLES = ("events", "notifications", "repeats", "subscription_references")


@pytest.fixture
def both(postgres_server: URL, postgres_template: str) -> Iterator[tuple[Ledger, Ledger]]:
    """Two equal ledgers; the second one appends step by step."""
    with (
        created(postgres_server, template=postgres_template) as first,
        created(postgres_server, template=postgres_template) as second,
        opened(first) as short,
        opened(second) as plain,
    ):
        yield (
            a_ledger(short, strategy=PostgresqlWriter(short)),
            a_ledger(plain, strategy=PlainWriter(plain)),
        )


def everything(ledger: Ledger) -> dict[str, list[Any]]:
    """Every row as the database itself writes it."""
    with ledger.database.connect() as connection:
        return {
            name: sorted(connection.scalars(text(f"SELECT {name}::text FROM {name}")))
            for name in TABLES
        }


def receive(ledger: Ledger, deliveries: Sequence[Delivery], size: int) -> list[Any]:
    receipts = []
    for start in range(0, len(deliveries), size):
        receipts += ledger.receive_many(deliveries[start : start + size])
    return [(receipt.outcome, receipt.positions) for receipt in receipts]


@pytest.mark.parametrize("size", [1, 3, 16])
def test_both_ways_leave_the_same_of_every_story(both: tuple[Ledger, Ledger], size: int) -> None:
    short, plain = both
    lives = [TOLD_BY.signed_calls(story, 3, 0, "mixed") for story in STORIES.values()]
    bodies = [telling.body for life in lives for telling in life]
    deliveries = [a_delivery(body) for body in [*bodies, *bodies[:40]]]

    assert receive(short, deliveries, size) == receive(plain, deliveries, size)

    rows = everything(short)
    assert rows == everything(plain)
    assert all(rows.values())
    assert set(TABLES) <= set(metadata.tables)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_both_ways_take_any_repeats_and_any_order(
    both: tuple[Ledger, Ledger], data: st.DataObject
) -> None:
    short, plain = both
    number = next(LIVES)
    stories = data.draw(st.lists(st.sampled_from(list(STORIES.values())), min_size=1, max_size=3))
    lives = [
        telling.body
        for story in stories
        for telling in TOLD_BY.signed_calls(story, 1, number, "mixed")
    ]
    calls = data.draw(st.lists(st.sampled_from(lives), min_size=1, max_size=12))
    deliveries = [a_delivery(body) for body in calls]
    size = data.draw(st.integers(1, 12))

    assert receive(short, deliveries, size) == receive(plain, deliveries, size)
    assert everything(short) == everything(plain)


LIVES = count(100)


class Overtaken(PostgresqlWriter):
    """A strategy between whose reading and first writing another server records the same."""

    def __init__(self, database: Database, faster_bodies: Sequence[bytes]) -> None:
        super().__init__(database)
        self._database = database
        self._others = list(faster_bodies)

    def write(self, connection: Connection, writes: WriteSet) -> list[int]:
        faster_bodies, self._others = self._others, []
        if faster_bodies:
            faster = a_ledger(self._database)
            faster.receive_many([a_delivery(body) for body in faster_bodies])
        return super().write(connection, writes)


def test_whoever_comes_second_changes_nothing_and_is_heard_again(
    both: tuple[Ledger, Ledger],
) -> None:
    database = both[0].database
    life = [
        telling.body
        for telling in TOLD_BY.signed_calls(STORIES["paid-and-refunded"], 3, 0, "mixed")
    ]
    ledger = a_ledger(database, strategy=Overtaken(database, life))

    receipts = ledger.receive_many([a_delivery(body) for body in life])

    assert {receipt.outcome for receipt in receipts} == {"repeated"}
    events = [recorded.event for recorded in ledger.events.events_after(0, 100)]
    assert events
    assert len({(event.originator_id, event.originator_version) for event in events}) == len(events)
