"""Commits what several threads want to write in one database transaction, without waiting.

A thread that finds nobody writing becomes the leader and writes for all that wait by then. There
is no timer: a call that is alone is written alone, at once; under load every commit carries many.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

import structlog

from ledger.recording.attempts import outcome_of
from ledger.recording.retries import LostRaceError

GROUP_MAX = 16
"""Works in one commit, when so many are waiting; more gain nothing."""

Work = TypeVar("Work")
Result = TypeVar("Result")

_log = structlog.get_logger(__name__)


class AbandonedError(Exception):
    """The leader was ended, and nobody knows how far it came."""


class _Waiting(Generic[Work, Result]):
    """One thread's work, until a leader has done it or its turn to lead has come."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.outcome: Result | Exception | None = None
        self.turn = threading.Lock()  # nothing else wakes one thread and no other as cheaply
        self.turn.acquire()


class GroupCommit(Generic[Work, Result]):
    """Runs works in groups of at most `size_max`, one group at a time, in the order of arrival.

    Shape: `run_all` takes a group and returns a result for each, in the same order, all or none.
    When it fails for more than one, `run_one` is called for each, so that an error reaches only
    the thread that it belongs to.
    """

    def __init__(
        self,
        run_all: Callable[[Sequence[Work]], Sequence[Result]],
        run_one: Callable[[Work], Result],
        *,
        size_max: int = GROUP_MAX,
    ) -> None:
        self._run_all = run_all
        self._run_one = run_one
        self._size_max = size_max
        self._queue: deque[_Waiting[Work, Result]] = deque()
        self._lock = threading.Lock()
        self._has_leader = False

    def submit(self, work: Work) -> Result:
        """Have one work done together with others, and wait for it. Errors: its own.

        A thread that leads does the works that came first, its own among them, and hands over to
        the next leader, whatever happens to it: the others must not wait for ever.
        """
        mine: _Waiting[Work, Result] = _Waiting(work)
        with self._lock:
            self._queue.append(mine)
            must_wait, self._has_leader = self._has_leader, True
        if must_wait:
            mine.turn.acquire()
        if mine.outcome is None:  # nobody leads, or the leader has handed over to us
            with self._lock:
                size = min(self._size_max, len(self._queue))
                group = [self._queue.popleft() for _ in range(size)]
            assert group[0] is mine
            outcomes: Sequence[Result | Exception] = [AbandonedError()] * len(group)
            try:
                outcomes = self.run([waiting.work for waiting in group])
            finally:
                for waiting, outcome in zip(group, outcomes, strict=True):
                    waiting.outcome = outcome
                with self._lock:
                    next_leaders = list(self._queue)[:1]
                    self._has_leader = bool(next_leaders)
                for waiting in [*group[1:], *next_leaders]:
                    waiting.turn.release()
        if isinstance(mine.outcome, Exception):
            raise mine.outcome
        assert mine.outcome is not None
        return mine.outcome

    def run(self, works: Sequence[Work]) -> Sequence[Result | Exception]:
        """Do a group of any size now. Shape: a result or an error for each, in the same order."""
        outcome = outcome_of(lambda: self._run_all(works))
        if not isinstance(outcome, Exception):
            return outcome
        if len(works) == 1:
            return [outcome]
        is_expected = isinstance(outcome, LostRaceError)
        log = _log.info if is_expected else _log.warning
        log("group_commit.divided", size=len(works), error=type(outcome).__name__)
        return [outcome_of(partial(self._run_one, work)) for work in works]

    @property
    def waiting(self) -> int:
        """Return how many works wait for a leader to be done with the group before."""
        return len(self._queue)
