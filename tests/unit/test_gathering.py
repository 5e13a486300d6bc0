"""Work of several threads is gathered, and each thread gets its own outcome."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger.gathering import AbandonedError, Gathering


def test_work_that_is_alone_runs_alone() -> None:
    groups: list[list[int]] = []
    gathering: Gathering[int, int] = Gathering(lambda some: groups.append(some) or some, size_max=4)

    assert [gathering.submit(one) for one in range(3)] == [0, 1, 2]

    assert groups == [[0], [1], [2]]


def test_those_who_wait_meanwhile_share_the_next_group() -> None:
    groups: list[int] = []
    first, go_on = threading.Event(), threading.Event()

    def run(some: list[int]) -> list[int]:
        groups.append(len(some))
        first.set()
        go_on.wait(10)
        return [one * 2 for one in some]

    gathering: Gathering[int, int] = Gathering(run, size_max=4)
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(gathering.submit, 0)]
        first.wait(10)
        futures += [pool.submit(gathering.submit, one) for one in range(1, 7)]
        while len(gathering._queue) < 6:
            pass
        go_on.set()
        results = [one.result(10) for one in futures]

    assert results == [0, 2, 4, 6, 8, 10, 12]
    assert groups == [1, 4, 2]


def test_each_thread_gets_its_own_error() -> None:
    def run(some: list[int]) -> list[int | Exception]:
        return [ValueError(str(one)) if one % 2 else one for one in some]

    gathering: Gathering[int, int] = Gathering(run, size_max=4)

    assert gathering.submit(2) == 2
    with pytest.raises(ValueError, match="3"):
        gathering.submit(3)


def test_a_run_that_fails_fails_for_all_and_the_next_goes_on() -> None:
    calls = iter([RuntimeError("gone"), None])

    def run(some: list[int]) -> list[int]:
        error = next(calls)
        if error:
            raise error
        return some

    gathering: Gathering[int, int] = Gathering(run, size_max=4)

    with pytest.raises(RuntimeError, match="gone"):
        gathering.submit(1)
    assert gathering.submit(2) == 2


class Ended(BaseException):
    """As what ends a thread from outside."""


def test_those_who_wait_for_a_leader_that_is_ended_do_not_wait_for_ever() -> None:
    first, go_on = threading.Event(), threading.Event()

    def run(some: list[int]) -> list[int]:
        if 1 in some and len(some) > 1:
            raise Ended
        first.set()
        go_on.wait(10)
        return some

    gathering: Gathering[int, int] = Gathering(run, size_max=4)
    with ThreadPoolExecutor(3) as pool:
        alone = pool.submit(gathering.submit, 0)
        first.wait(10)
        together = [pool.submit(gathering.submit, one) for one in (1, 2)]
        while len(gathering._queue) < 2:
            pass
        go_on.set()
        failures = {type(one.exception(10)) for one in together}

    assert alone.result() == 0
    assert failures == {Ended, AbandonedError}
    assert gathering.submit(3) == 3
