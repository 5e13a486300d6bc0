"""The short way to append leaves, byte for byte, what the plain one leaves."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import URL, text

from ledger.application import Ledger
from ledger.notification import Delivery
from ledger.simulator.signed_calls import synthetic_platform
from ledger.simulator.stories import STORIES
from ledger.storage.at_once import AtOnce
from ledger.storage.stepwise import Stepwise
from ledger.storage.tables import metadata
from tests.builders import NOON, SHOP_ID, a_delivery, a_ledger, shops
from tests.conftest import created, opened

TOLD_BY = synthetic_platform(shops(), SHOP_ID, "TEST", at=NOON)
TABLES = ("events", "notifications", "repeats", "subscription_references")


@pytest.fixture
def both(postgres_server: URL, postgres_template: str) -> Iterator[tuple[Ledger, Ledger]]:
    """Two equal ledgers; the second one appends step by step."""
    with (
        created(postgres_server, template=postgres_template) as one,
        created(postgres_server, template=postgres_template) as other,
        opened(one) as short,
        opened(other) as plain,
    ):
        ledgers = a_ledger(short), a_ledger(plain)
        ledgers[1]._way = ledgers[1]._stepwise
        yield ledgers


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
    return [(one.outcome, one.positions) for one in receipts]


@pytest.mark.parametrize("size", [1, 3, 16])
def test_both_ways_leave_the_same_of_every_story(both: tuple[Ledger, Ledger], size: int) -> None:
    short, plain = both
    assert isinstance(short._way, AtOnce)
    assert isinstance(plain._way, Stepwise)
    lives = [TOLD_BY.signed_calls(story, 3, 0, "mixed") for story in STORIES.values()]
    bodies = [one.body for life in lives for one in life]
    deliveries = [a_delivery(one) for one in [*bodies, *bodies[:40]]]

    assert receive(short, deliveries, size) == receive(plain, deliveries, size)

    found = everything(short)
    assert found == everything(plain)
    assert all(found.values())
    assert set(TABLES) <= set(metadata.tables)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_both_ways_take_any_repeats_and_any_order(
    both: tuple[Ledger, Ledger], data: st.DataObject
) -> None:
    short, plain = both
    number = next(LIVES)
    stories = data.draw(st.lists(st.sampled_from(list(STORIES.values())), min_size=1, max_size=3))
    told = [
        one.body for story in stories for one in TOLD_BY.signed_calls(story, 1, number, "mixed")
    ]
    some = data.draw(st.lists(st.sampled_from(told), min_size=1, max_size=12))
    deliveries = [a_delivery(one) for one in some]
    size = data.draw(st.integers(1, 12))

    assert receive(short, deliveries, size) == receive(plain, deliveries, size)
    assert everything(short) == everything(plain)


LIVES = count(100)


def test_whoever_comes_second_changes_nothing_and_is_heard_again(
    both: tuple[Ledger, Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between what the short way reads and what it writes, another server records the same."""
    short, _ = both
    life = [one.body for one in TOLD_BY.signed_calls(STORIES["paid-and-refunded"], 3, 0, "mixed")]
    other = Ledger(short.settings, shops(), short.database)
    add, faster = AtOnce.add, iter([True])

    def add_late(*told: Any) -> list[int]:
        if next(faster, False):
            other.receive_many([a_delivery(one) for one in life])
        return add(*told)

    monkeypatch.setattr(AtOnce, "add", add_late)

    receipts = short.receive_many([a_delivery(one) for one in life])

    assert {one.outcome for one in receipts} == {"repeated"}
    events = [one.event for one in short.events_after(0, 100)]
    assert events
    assert len({(one.originator_id, one.originator_version) for one in events}) == len(events)
