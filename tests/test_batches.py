"""Several notifications in one transaction leave exactly what one by one would leave."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.simulator.stories import STORIES
from ledger.simulator.telling import teller
from ledger.storage.database import Database
from tests.builders import NOON, SHOP_ID, a_delivery, a_ledger, receive, shops
from tests.properties.test_laws import ledgers

TOLD_BY = teller(shops(), SHOP_ID, "TEST", at=NOON)


def stored(ledger: Ledger) -> list[tuple[object, ...]]:
    """Every event as it is stored, but for the ids and times that differ between deliveries."""
    return [
        (one.event.TOPIC, one.event.originator_id, one.event.originator_version, one.event.facts,
         one.event.moved, one.event.late, one.event.contradiction, one.event.rule)
        for one in ledger.events_after(0, 10_000)
    ]  # fmt: skip


def bodies(seed: int = 3) -> list[bytes]:
    told = [TOLD_BY.tell(story, seed, 0, "mixed") for story in STORIES.values()]
    return [one.body for life in told for one in life]


@pytest.mark.parametrize("size", [2, 16])
def test_batches_of_every_story_leave_what_one_by_one_leaves(
    database: Database,
    sqlite_template,
    size: int,  # type: ignore[no-untyped-def]
) -> None:
    together = a_ledger(database)
    some = bodies()

    receipts = [
        receipt
        for start in range(0, len(some), size)
        for receipt in together.receive_many(
            [a_delivery(one) for one in some[start : start + size]]
        )
    ]

    with ledgers(sqlite_template) as make:
        apart = make()
        alone = [receive(apart, one) for one in some]
        assert stored(together) == stored(apart)
    assert [one.outcome for one in receipts] == [one.outcome for one in alone]
    assert [one.positions for one in receipts] == [one.positions for one in alone]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_repeats_and_any_order_within_a_batch(sqlite_template, data: st.DataObject) -> None:  # type: ignore[no-untyped-def]
    story = data.draw(st.sampled_from(list(STORIES.values())))
    told = [one.body for one in TOLD_BY.tell(story, 1, 0, "mixed")]
    some = data.draw(st.lists(st.sampled_from(told), min_size=1, max_size=10))
    with ledgers(sqlite_template) as make:
        together, apart = make(), make()

        receipts = together.receive_many([a_delivery(one) for one in some])
        alone = [receive(apart, one) for one in some]

        assert [one.outcome for one in receipts] == [one.outcome for one in alone]
        assert stored(together) == stored(apart)


def test_one_that_fails_does_not_fail_the_others_of_its_batch(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours in one notification must look like a fault of that one alone."""
    ledger = a_ledger(database)
    some = [a_delivery(one) for one in bodies()[:3]]
    at_fault = some[1].id
    row_of = ledger.row_of

    def broken(notification, *told):  # type: ignore[no-untyped-def]
        if notification.delivery.id == at_fault:
            raise RuntimeError("our fault")
        return row_of(notification, *told)

    monkeypatch.setattr(ledger, "row_of", broken)

    with pytest.raises(RuntimeError, match="our fault"):
        ledger.receive_many(some)

    monkeypatch.undo()
    assert [receive(ledger, one.body).outcome for one in some] == [
        "repeated",
        "recorded",
        "repeated",
    ]
