"""Several notifications in one transaction leave exactly what one by one would leave."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from ledger.application import Ledger
from ledger.errors import LedgerError
from ledger.ipn.delivery import Limits
from ledger.recording.quarantining import Quarantining
from ledger.settings import Settings
from ledger.simulator.signed_calls import synthetic_platform
from ledger.simulator.stories import STORIES
from ledger.storage.database import Database
from ledger.storage.inbox import InboxRecord
from ledger.storage.outcomes import Outcome
from ledger.storage.quarantine import Quarantine, Refused, quarantine_size
from tests.builders import NOON, SHOP_ID, a_delivery, a_ledger, receive, shops
from tests.properties.test_laws import ledgers

TOLD_BY = synthetic_platform(shops(), SHOP_ID, "TEST", at=NOON)


def stored(ledger: Ledger) -> list[tuple[object, ...]]:
    """Every event as it is stored, but for the ids and times that differ between deliveries."""
    events = [recorded.event for recorded in ledger.events.events_after(0, 10_000)]
    return [
        (event.TOPIC, event.originator_id, event.originator_version, event.facts,
         event.moved, event.late, event.contradiction, event.rule)
        for event in events
    ]  # fmt: skip


def bodies(seed: int = 3) -> list[bytes]:
    lives = [TOLD_BY.signed_calls(story, seed, 0, "mixed") for story in STORIES.values()]
    return [telling.body for life in lives for telling in life]


@pytest.mark.parametrize("size", [2, 16])
def test_batches_of_every_story_leave_what_one_by_one_leaves(
    database: Database,
    sqlite_template,
    size: int,  # type: ignore[no-untyped-def]
) -> None:
    together = a_ledger(database)
    calls = bodies()

    receipts = [
        receipt
        for start in range(0, len(calls), size)
        for receipt in together.receive_many(
            [a_delivery(body) for body in calls[start : start + size]]
        )
    ]

    with ledgers(sqlite_template) as make:
        apart = make()
        alone = [receive(apart, body) for body in calls]
        assert stored(together) == stored(apart)
    assert [receipt.outcome for receipt in receipts] == [receipt.outcome for receipt in alone]
    assert [receipt.positions for receipt in receipts] == [receipt.positions for receipt in alone]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_repeats_and_any_order_within_a_batch(sqlite_template, data: st.DataObject) -> None:  # type: ignore[no-untyped-def]
    story = data.draw(st.sampled_from(list(STORIES.values())))
    life = [telling.body for telling in TOLD_BY.signed_calls(story, 1, 0, "mixed")]
    calls = data.draw(st.lists(st.sampled_from(life), min_size=1, max_size=10))
    with ledgers(sqlite_template) as make:
        together, apart = make(), make()

        receipts = together.receive_many([a_delivery(body) for body in calls])
        alone = [receive(apart, body) for body in calls]

        assert [receipt.outcome for receipt in receipts] == [receipt.outcome for receipt in alone]
        assert stored(together) == stored(apart)


def test_one_that_fails_does_not_fail_the_others_of_its_group(database: Database) -> None:
    """A fault of ours in one notification must look like a fault of that one alone."""
    ledger = a_ledger(database)
    deliveries = [a_delivery(body) for body in bodies()[:3]]
    deliveries[1] = replace(deliveries[1], peer=object())  # type: ignore[arg-type]  no database takes it

    with pytest.raises((LedgerError, TypeError)):
        ledger.receive_many(deliveries)

    assert [receive(ledger, delivery.body).outcome for delivery in deliveries] == [
        "repeated",
        "recorded",
        "repeated",
    ]


class SlowQuarantine(Quarantine):
    """Holds the first group until so many more deliveries have taken their room."""

    def __init__(self, refusals: int) -> None:
        super().__init__(Settings())
        self._others = threading.Semaphore(0)
        self._to_wait_for = refusals
        self.is_first_held = threading.Event()

    def take_room(self, record: InboxRecord) -> bool:
        has_room = super().take_room(record)
        self._others.release()
        return has_room

    def add_many(self, connection: Connection, refused: Sequence[Refused]) -> None:
        if threading.current_thread() is not threading.main_thread():
            self.is_first_held.set()
            while self._to_wait_for:
                self._to_wait_for -= 1
                self._others.acquire(timeout=10)
        super().add_many(connection, refused)


def test_calls_refused_at_the_same_moment_lose_nothing_to_one_that_no_database_takes(
    database: Database,
) -> None:
    quarantine = SlowQuarantine(refusals=8)
    quarantining = Quarantining(database, a_ledger(database).sealing, quarantine, Limits())
    quarantining.refuse(a_delivery(b"first=look"), "no-key")  # measures how much room there is
    refused = [a_delivery(b"junk=%d" % number) for number in range(6)]
    refused.append(a_delivery(b"junk=bad", shop_id=object()))

    with ThreadPoolExecutor(len(refused)) as pool:
        first = pool.submit(quarantining.refuse, refused[0], "no-key")
        quarantine.is_first_held.wait(10)
        following = [
            pool.submit(quarantining.refuse, delivery, "no-key") for delivery in refused[1:]
        ]
        outcomes = [future.exception() or future.result().outcome for future in [first, *following]]

    assert outcomes[:-1] == [Outcome.QUARANTINED] * 6
    assert isinstance(outcomes[-1], LedgerError)
    with database.connect() as connection:
        assert quarantine_size(connection)[0] == 7
