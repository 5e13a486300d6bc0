"""Hashing passwords: dear, alone, and the same for a name that nobody has."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from argon2 import PasswordHasher, extract_parameters

from ledger.access.password_hashes import (
    QUEUE_KNOWN_MAX,
    QUEUE_MAX,
    HashingQueue,
    hash_password,
    is_outdated,
    is_password_of,
    nobodys_hash,
)
from ledger.access.users import add_user, check_password, find_user, renew_hash
from ledger.errors import TooManyAtOnceError
from ledger.storage.database import Database
from tests.builders import NOON

PASSWORD = "correct horse battery"


@contextmanager
def in_line(queue: HashingQueue, *, are_known: list[bool]) -> Iterator[None]:
    """Callers in the queue, of whom the first has its turn for as long as the block lasts."""
    is_over = threading.Event()

    def come(is_known: bool) -> None:
        with queue.place(is_known=is_known):
            is_over.wait(30)

    threads = []
    for number, is_known in enumerate(are_known, start=1):
        threads.append(threading.Thread(target=come, args=(is_known,)))
        threads[-1].start()
        while queue.present < number and threads[-1].is_alive():
            is_over.wait(0.001)
    try:
        yield
    finally:
        is_over.set()
        for thread in threads:
            thread.join(30)


def is_refused(queue: HashingQueue, *, is_known: bool) -> bool:
    try:
        with queue.place(is_known=is_known):
            return False
    except TooManyAtOnceError:
        return True


def test_few_wait_and_the_last_place_is_for_who_is_known() -> None:
    queue = HashingQueue()

    with in_line(queue, are_known=[False] * QUEUE_MAX):
        assert queue.present == QUEUE_MAX
        assert is_refused(queue, is_known=False)
    with in_line(queue, are_known=[False] * QUEUE_MAX + [True]):
        assert queue.present == QUEUE_KNOWN_MAX  # somebody known came in nevertheless
        assert is_refused(queue, is_known=True)
    assert queue.present == 0
    assert not is_refused(queue, is_known=False)


def test_one_hashes_at_a_time() -> None:
    queue, present, highest = HashingQueue(), [], []

    def come() -> None:
        with queue.turn():
            present.append(1)
            highest.append(len(present))
            threading.Event().wait(0.001)  # lets the others run
            present.pop()

    threads = [threading.Thread(target=come) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert highest == [1] * 8


def test_a_fault_while_hashing_frees_the_place() -> None:
    queue = HashingQueue()

    with pytest.raises(ZeroDivisionError), queue.place(is_known=False):
        _ = 1 / 0

    assert queue.present == 0


def test_a_hash_takes_one_core() -> None:
    assert extract_parameters(hash_password(PASSWORD)).parallelism == 1


def test_a_name_that_nobody_has_costs_as_much_as_a_wrong_password() -> None:
    costs = [extract_parameters(hash_) for hash_ in (nobodys_hash(), hash_password(PASSWORD))]

    assert costs[0] == costs[1]
    assert not is_password_of(None, PASSWORD)


def test_a_hash_of_other_days_is_made_anew_when_its_password_was_right(database: Database) -> None:
    older = PasswordHasher(time_cost=2, memory_cost=64, parallelism=4).hash(PASSWORD)
    with database.begin() as connection:
        jo = add_user(connection, name="Jo", password=PASSWORD, role="auditor", now=NOON)
        before = replace(jo, password_hash=older)

        renew_hash(connection, jo, PASSWORD)  # it is of today
        unchanged = find_user(connection, jo.id)
        assert unchanged == jo

        renew_hash(connection, before, PASSWORD)  # somebody has changed it meanwhile
        assert find_user(connection, jo.id) == jo
    assert is_outdated(older)
    assert check_password(before, PASSWORD)
