"""Work of several threads shares a commit, and each thread gets its own result."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger.recording.group_commit import AbandonedError, GroupCommit


class Doubling:
    """Doubles numbers; the first group waits for `go_on`."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.alone: list[int] = []
        self.first, self.go_on = threading.Event(), threading.Event()

    def run_all(self, numbers: Sequence[int]) -> list[int]:
        self.groups.append(list(numbers))
        self.first.set()
        self.go_on.wait(10)
        return [self.double(number) for number in numbers]

    def run_one(self, number: int) -> int:
        self.alone.append(number)
        return self.double(number)

    def double(self, number: int) -> int:
        if number < 0:
            raise ValueError(str(number))
        return number * 2

    def submit_at_once(self, first: int, then: Sequence[int]) -> list[int | BaseException | None]:
        """Submit `first`, and the others while it is being done. Shape: results or errors."""
        commit = GroupCommit(self.run_all, self.run_one, size_max=4)
        with ThreadPoolExecutor(8) as pool:
            futures = [pool.submit(commit.submit, first)]
            self.first.wait(10)
            for index, number in enumerate(then, start=1):
                futures.append(pool.submit(commit.submit, number))
                while commit.waiting < index:
                    pass  # so that they stand in line in this order
            self.go_on.set()
            return [future.exception(10) or future.result(10) for future in futures]


@pytest.fixture
def doubling() -> Doubling:
    return Doubling()


def test_work_that_is_alone_runs_alone(doubling: Doubling) -> None:
    doubling.go_on.set()
    commit = GroupCommit(doubling.run_all, doubling.run_one)

    assert [commit.submit(number) for number in range(3)] == [0, 2, 4]

    assert doubling.groups == [[0], [1], [2]]


def test_those_who_wait_meanwhile_share_the_next_group(doubling: Doubling) -> None:
    assert doubling.submit_at_once(0, range(1, 7)) == [0, 2, 4, 6, 8, 10, 12]

    assert doubling.groups == [[0], [1, 2, 3, 4], [5, 6]]
    assert doubling.alone == []


def test_a_group_that_fails_is_divided_and_each_thread_gets_its_own_error(
    doubling: Doubling,
) -> None:
    first, second, bad, last = doubling.submit_at_once(0, [1, -1, 2])

    assert (first, second, last) == (0, 2, 4)
    assert isinstance(bad, ValueError)
    assert doubling.alone == [1, -1, 2]


def test_one_that_fails_alone_is_not_tried_again_and_the_next_goes_on(doubling: Doubling) -> None:
    doubling.go_on.set()
    commit = GroupCommit(doubling.run_all, doubling.run_one)

    with pytest.raises(ValueError, match="-1"):
        commit.submit(-1)

    assert commit.submit(2) == 4
    assert doubling.alone == []


class Ended(BaseException):
    """As what ends a thread from outside."""


def test_those_who_wait_for_a_leader_that_is_ended_do_not_wait_for_ever() -> None:
    class Mortal(Doubling):
        def run_all(self, numbers: Sequence[int]) -> list[int]:
            if len(numbers) > 1:
                raise Ended
            return super().run_all(numbers)

    first, *together = Mortal().submit_at_once(0, [1, 2])

    assert first == 0
    assert {type(error) for error in together} == {Ended, AbandonedError}
