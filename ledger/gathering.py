"""Gathers what several threads want to append into one database transaction, without waiting.

Whoever finds nobody writing writes for all who are waiting by then. There is no timer: a call that
is alone is written alone, at once; under load every commit carries many.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Work = TypeVar("Work")
Result = TypeVar("Result")


class AbandonedError(Exception):
    """Whoever did the work was ended, and nobody knows how far it came."""


class _Waiting(Generic[Work, Result]):
    """One thread's work, until somebody has done it or its turn to lead has come."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.outcome: Result | Exception | None = None
        self._asleep = threading.Lock()  # nothing else wakes one thread and no other as cheaply
        self._asleep.acquire()

    def sleep(self) -> None:
        self._asleep.acquire()

    def wake(self) -> None:
        self._asleep.release()


class Gathering(Generic[Work, Result]):
    """Runs work in groups of at most `size_max`, one group at a time, in the order of arrival.

    Shape: `run` gets works and gives one result or error for each, in the same order.
    """

    def __init__(
        self, run: Callable[[list[Work]], Sequence[Result | Exception]], *, size_max: int
    ) -> None:
        self._run = run
        self._size_max = size_max
        self._queue: deque[_Waiting[Work, Result]] = deque()
        self._lock = threading.Lock()
        self._is_led = False

    def submit(self, work: Work) -> Result:
        """Have one work done, and wait for it. Errors: whatever `run` answered for it."""
        mine: _Waiting[Work, Result] = _Waiting(work)
        with self._lock:
            self._queue.append(mine)
            must_wait, self._is_led = self._is_led, True
        if must_wait:
            mine.sleep()
        if mine.outcome is None:  # nobody leads, or whoever did has handed over to us
            self._lead(mine)
        if isinstance(mine.outcome, Exception):
            raise mine.outcome
        assert mine.outcome is not None
        return mine.outcome

    def _lead(self, mine: _Waiting[Work, Result]) -> None:
        """Do the work of the first in line, ourselves among them, and hand over to the next."""
        with self._lock:
            group = [self._queue.popleft() for _ in range(min(self._size_max, len(self._queue)))]
        assert group[0] is mine
        outcomes: Sequence[Result | Exception] = [AbandonedError()] * len(group)
        try:
            outcomes = self._run([one.work for one in group])
        except Exception as error:  # noqa: BLE001  handed on to each thread that waits for it
            outcomes = [error] * len(group)
        finally:  # also when this thread is being ended: the others must not wait for ever
            self._hand_over(group, outcomes)

    def _hand_over(
        self,
        group: Sequence[_Waiting[Work, Result]],
        outcomes: Sequence[Result | Exception],
    ) -> None:
        for one, outcome in zip(group, outcomes, strict=True):
            one.outcome = outcome
        with self._lock:
            heir = self._queue[0] if self._queue else None
            self._is_led = heir is not None
        for other in group[1:]:
            other.wake()
        if heir is not None:
            heir.wake()
