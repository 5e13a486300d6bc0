"""Several notifications in one transaction leave exactly what one by one would leave."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.application import QUARANTINED, Ledger
from ledger.errors import LedgerError
from ledger.simulator.signed_calls import synthetic_platform
from ledger.simulator.stories import STORIES
from ledger.storage.database import Database
from ledger.storage.journal import JournalRow
from tests.builders import NOON, SHOP_ID, a_delivery, a_ledger, receive, shops
from tests.properties.test_laws import ledgers

TOLD_BY = synthetic_platform(shops(), SHOP_ID, "TEST", at=NOON)


def stored(ledger: Ledger) -> list[tuple[object, ...]]:
    """Every event as it is stored, but for the ids and times that differ between deliveries."""
    return [
        (one.event.TOPIC, one.event.originator_id, one.event.originator_version, one.event.facts,
         one.event.moved, one.event.late, one.event.contradiction, one.event.rule)
        for one in ledger.events_after(0, 10_000)
    ]  # fmt: skip


def bodies(seed: int = 3) -> list[bytes]:
    told = [TOLD_BY.signed_calls(story, seed, 0, "mixed") for story in STORIES.values()]
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
    told = [one.body for one in TOLD_BY.signed_calls(story, 1, 0, "mixed")]
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


def test_calls_refused_at_the_same_moment_are_put_aside_together(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that no database takes is the fault of one sender, and none of the others' loss."""
    ledger = a_ledger(database)
    receive(ledger, b"first=look")  # from now on it is known how much room there is
    put_aside = ledger.journal.put_aside
    sizes: list[int] = []
    is_first, all_wait = threading.Event(), threading.Event()

    def slow(connection: object, rows: Sequence[JournalRow]) -> None:
        sizes.append(len(rows))
        is_first.set()
        all_wait.wait(10)
        put_aside(connection, rows)  # type: ignore[arg-type]

    monkeypatch.setattr(ledger.journal, "put_aside", slow)
    some = [a_delivery(b"junk=%d" % number) for number in range(6)]
    some.append(a_delivery(b"junk=bad", peer="192.0.2.7", shop_id=object()))  # type: ignore[arg-type]
    with ThreadPoolExecutor(len(some)) as pool:
        answers = [pool.submit(ledger.receive, some[0])]
        is_first.wait(10)
        answers += [pool.submit(ledger.receive, one) for one in some[1:]]
        while len(ledger._refusals._queue) < len(some) - 1:
            pass
        all_wait.set()
        outcomes = [one.exception() or one.result().outcome for one in answers]

    assert sizes == [1, 6, *[1] * 6]
    assert outcomes[:-1] == [QUARANTINED] * 6
    assert isinstance(outcomes[-1], LedgerError)
    with database.connect() as connection:
        assert {row.id for row in ledger.journal.list(connection)} > {one.id for one in some[:-1]}
