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


class _Waiting(Generic[Work, Result]):
    """One thread's work, until somebody has done it."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.outcome: Result | Exception | None = None


class Gathering(Generic[Work, Result]):
    """Runs work in groups of at most `size_max`, one group at a time.

    Shape: `run` gets works and gives one result or error for each, in the same order.
    """

    def __init__(
        self, run: Callable[[list[Work]], Sequence[Result | Exception]], *, size_max: int
    ) -> None:
        self._run = run
        self._size_max = size_max
        self._queue: deque[_Waiting[Work, Result]] = deque()
        self._changed = threading.Condition()
        self._is_running = False

    def submit(self, work: Work) -> Result:
        """Have one work done, and wait for it. Errors: whatever `run` answered for it."""
        mine: _Waiting[Work, Result] = _Waiting(work)
        with self._changed:
            self._queue.append(mine)
        while mine.outcome is None:
            group = self._next_group(mine)
            if group:
                self._lead(group)
        if isinstance(mine.outcome, Exception):
            raise mine.outcome
        return mine.outcome

    def _next_group(self, mine: _Waiting[Work, Result]) -> list[_Waiting[Work, Result]]:
        """Wait for our outcome, or for our turn to lead. Shape: empty when it is done."""
        with self._changed:
            while mine.outcome is None and self._is_running:
                self._changed.wait()
            if mine.outcome is not None:
                return []
            self._is_running = True
            return [self._queue.popleft() for _ in range(min(self._size_max, len(self._queue)))]

    def _lead(self, group: list[_Waiting[Work, Result]]) -> None:
        try:
            outcomes: Sequence[Result | Exception] = self._run([one.work for one in group])
        except Exception as error:  # noqa: BLE001  handed on to each thread that waits for it
            outcomes = [error] * len(group)
        with self._changed:
            for one, outcome in zip(group, outcomes, strict=True):
                one.outcome = outcome
            self._is_running = False
            self._changed.notify_all()
