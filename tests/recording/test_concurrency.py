"""Two processes with eight threads each tell of the same things at once: nothing is lost."""

import multiprocessing
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from psycopg.errors import DeadlockDetected
from sqlalchemy.exc import OperationalError

from ledger.application import Ledger
from ledger.queries.filter_declarations import NotificationFilter
from ledger.queries.notifications import list_notifications
from ledger.simulator.signed_calls import synthetic_platform
from ledger.simulator.stories import STORIES
from ledger.storage.database import Database
from ledger.storage.outcomes import Outcome
from ledger.storage.plain_writer import PlainWriter
from ledger.storage.postgresql_writer import PostgresqlWriter
from ledger.storage.sqlite_writer import SqliteWriter
from ledger.storage.write_set import WriteStrategy
from tests.builders import (
    NOON,
    PLAIN_SETTINGS,
    SHOP_ID,
    a_delivery,
    an_answer,
    minutes,
    rest_body,
    shops,
)
from tests.builders import UUID as UUID_TEXT
from tests.states import states, versions

PROCESSES = 2
THREADS = 8
TRIES_MAX = 50  # a sender comes back; a platform does so for hours
SECONDS_MAX = 180  # a bound on a fault, not a measure
CONFLICTS_MAX = 40  # answers of 503 to 80 calls about one thing; 7 were usual

Answer = tuple[str, int]
"""Outcome of a call, and how often its sender was told to come back."""

Order = tuple[str, str]
"""Id of a delivery, and its body as hex: cheap to hand to another process."""


def a_real_ledger(url: str) -> Ledger:
    return Ledger(
        PLAIN_SETTINGS,
        shops(),
        Database(url, pool_size=THREADS),
    )


def send(ledger: Ledger, id_: str, body: bytes) -> Answer:
    """As a sender and an operator would: what others were always before is tried again."""
    receipt = ledger.receive(a_delivery(body, id=id_))
    for tries in range(TRIES_MAX):
        if receipt.outcome != Outcome.UNDECIDED:
            return receipt.outcome, tries
        time.sleep(0.005 * (tries + 1))
        receipt = ledger.readmit(receipt.id)
    return "lost", TRIES_MAX


def process(url: str, barrier: Barrier, orders: Sequence[Order], answer_queue: Any) -> None:
    """One receiver: all threads take from one list, so that near neighbours are told at once."""
    ledger = a_real_ledger(url)
    waiting = iter(orders)
    lock = threading.Lock()

    def work() -> list[Answer]:
        answered = []
        while True:
            with lock:
                order = next(waiting, None)
            if order is None:
                return answered
            answered.append(send(ledger, order[0], bytes.fromhex(order[1])))

    barrier.wait(SECONDS_MAX)
    with ThreadPoolExecutor(THREADS) as threads:
        jobs = [threads.submit(work) for _ in range(THREADS)]
        answer_queue.put([answer for job in jobs for answer in job.result()])
    ledger.close()


def follow(url: str, barrier: Barrier, stop: Any, seen: Any) -> None:
    """A reader that never looks back."""
    ledger = a_real_ledger(url)
    positions: list[int] = []
    barrier.wait(SECONDS_MAX)
    while True:
        is_last = stop.is_set()
        page = ledger.events.events_after(positions[-1] if positions else 0, 50)
        positions += [recorded.position for recorded in page]
        if is_last and not page:
            break
    ledger.close()
    seen.put(positions)


def calls_of(stories: Sequence[str], lives: int) -> list[bytes]:
    """Calls of several lives, so that neighbours in the list tell of the same transaction; lives
    in turn in one format and in the other, for a form and an answer about one status have no order.
    """
    told_by = synthetic_platform(shops(), SHOP_ID, "TEST", at=NOON)
    return [
        telling.body
        for number in range(lives)
        for name in stories
        for telling in told_by.signed_calls(STORIES[name], 11, number, ("rest", "form")[number % 2])
    ]


def deal(bodies: Sequence[bytes], copies: int) -> list[list[Order]]:
    """Every body goes to every process so many times, each with an id of its own."""
    return [
        [
            (f"{process_:02d}{copy:02d}{index:022d}", body.hex())
            for index, body in enumerate(bodies)
            for copy in range(copies)
        ]
        for process_ in range(PROCESSES)
    ]


@contextmanager
def started(jobs: Sequence[Any]) -> Iterator[None]:
    for job in jobs:
        job.start()
    try:
        yield
    finally:
        for job in jobs:
            job.join(SECONDS_MAX)
            if job.is_alive():
                job.kill()
                job.join()


def receive_at_once(url: str, bodies: Sequence[bytes], copies: int) -> tuple[list[Answer], Any]:
    """Shape: every answer, and the positions that the follower saw in its order."""
    spawn = multiprocessing.get_context("spawn")
    barrier, stop = spawn.Barrier(PROCESSES + 1), spawn.Event()
    answers, seen = spawn.Queue(), spawn.Queue()
    senders = [
        spawn.Process(target=process, args=(url, barrier, orders, answers))
        for orders in deal(bodies, copies)
    ]
    follower = spawn.Process(target=follow, args=(url, barrier, stop, seen))
    with started([*senders, follower]):
        received = [answer for _ in senders for answer in answers.get(timeout=SECONDS_MAX)]
        stop.set()
        positions = seen.get(timeout=SECONDS_MAX)
    return received, positions


def in_turn(database: Database, bodies: Sequence[bytes]) -> dict[UUID, dict[str, Any]]:
    ledger = Ledger(PLAIN_SETTINGS, shops(), database)
    for body in bodies:
        assert ledger.receive(a_delivery(body)).outcome != "quarantined"
    return states(ledger)


RANKED = ["paid-and-refunded", "deferred-validated", "subscription", "alias-created-and-updated"]


@pytest.fixture
def one_after_the_other(sqlite_url: str, tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "in-turn.sqlite"
    shutil.copyfile(sqlite_url.removeprefix("sqlite:///"), path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.dispose()


def test_what_is_told_at_once_ends_as_if_told_in_turn(
    database_url: str, one_after_the_other: Database
) -> None:
    bodies = calls_of(RANKED, lives=3)

    answers, seen = receive_at_once(database_url, bodies, copies=2)

    assert len(answers) == PROCESSES * 2 * len(bodies)
    assert_nothing_is_lost(database_url, answers, seen, in_turn(one_after_the_other, bodies))


def test_many_who_tell_of_one_thing_at_once_are_all_heard(
    database_url: str, one_after_the_other: Database
) -> None:
    """Every call changes the same three streams: the worst case for writers that do not wait."""
    bodies = [an_instalment(number) for number in range(40)]

    answers, seen = receive_at_once(database_url, bodies, copies=1)

    outcomes = Counter(outcome for outcome, _ in answers)
    assert outcomes == {"recorded": len(bodies), "repeated": len(bodies)}
    assert sum(tries for _, tries in answers) <= CONFLICTS_MAX
    assert_nothing_is_lost(database_url, answers, seen, in_turn(one_after_the_other, bodies))


def an_instalment(number: int) -> bytes:
    """The same instalment of the same plan, with an amount of each minute."""
    answer = an_answer(
        uuid=UUID_TEXT,
        amount=1000 + number,
        paymentMethodToken="a" * 32,
        whole={"serverDate": minutes(number).isoformat()},
    )
    details = answer["transactions"][0]["transactionDetails"]
    details["subscriptionDetails"] = {"subscriptionId": "plan"}
    details["occurrenceType"] = "RECURRENT_INTERMEDIAIRE"
    return rest_body(answer, "REC")


def assert_nothing_is_lost(
    url: str, answers: Sequence[Answer], seen: Sequence[int], expected: dict[UUID, dict[str, Any]]
) -> None:
    outcomes = Counter(outcome for outcome, _ in answers)
    assert set(outcomes) <= {"recorded", "repeated"}
    ledger = a_real_ledger(url)
    assert states(ledger) == expected
    assert_every_version_once(ledger)
    assert_every_delivery_once(ledger, outcomes)
    assert seen == [recorded.position for recorded in ledger.events.events_after(0, 100_000)]
    ledger.close()


def assert_every_version_once(ledger: Ledger) -> None:
    for numbers in versions(ledger).values():
        assert numbers == list(range(1, len(numbers) + 1))


def assert_every_delivery_once(ledger: Ledger, outcomes: Counter[str]) -> None:
    rows = list_notifications(ledger, NotificationFilter(), limit=100_000)
    assert Counter(row.outcome for row in rows) == outcomes
    positions = [
        position for row in rows if row.outcome == "recorded" for position in row.positions
    ]
    assert sorted(positions) == [
        recorded.position for recorded in ledger.events.events_after(0, 100_000)
    ]
    signed = [row.signed_tag for row in rows if row.outcome == "recorded"]
    assert len(set(signed)) == len(signed)


def test_a_writer_undone_by_a_deadlock_tries_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first writer to be chosen loses only time; its sender hears nothing of it."""
    undone = []

    def once_undone(write: Callable[..., list[int]]) -> Callable[..., list[int]]:
        def write_later(strategy: WriteStrategy, *arguments: Any) -> list[int]:
            if type(strategy) not in undone:
                undone.append(type(strategy))
                raise OperationalError("INSERT", {}, DeadlockDetected("deadlock detected"))
            return write(strategy, *arguments)

        return write_later

    for strategy in (PlainWriter, PostgresqlWriter):
        monkeypatch.setattr(strategy, "write", once_undone(strategy.write))
    ledger = Ledger(PLAIN_SETTINGS, shops(), database)

    receipt = ledger.receive(a_delivery(an_instalment(1)))

    first = SqliteWriter if database.is_sqlite else PostgresqlWriter
    assert undone == [first, PlainWriter]
    assert receipt.outcome == "recorded"
    assert_every_version_once(ledger)
