"""Play stories, or a bad day of them, against a running service at a steady rate."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from ledger.errors import SettingsError
from ledger.ipn.shops_and_keys import Shops
from ledger.simulator.chaos import Chaos, send_attempts
from ledger.simulator.chaos_attempts import AnsweredAttempt, Attempt, Fate
from ledger.simulator.sender import Answer, Sender
from ledger.simulator.signed_calls import (
    ALTERNATE,
    BEGINS_AT,
    SignedCall,
    SyntheticPlatform,
    signed_lives,
    synthetic_platform,
)
from ledger.simulator.stories import STORIES, Story
from ledger.simulator.undelivered_calls import NO_LOSSES, Losses

_LIVES_PER_CONNECTION = 64  # made ahead of being sent


@dataclass(frozen=True, slots=True)
class AnsweredCall:
    """One call and what the service answered.

    Shape: `obstacle` says why the call was never sent, None when it was.
    """

    signed_call: SignedCall
    answer: Answer
    obstacle: str | None = None

    @property
    def is_failure(self) -> bool:
        """Return True if the call was sent and not acknowledged."""
        return self.obstacle is None and not self.answer.is_acknowledged


def play(
    url: str,
    shops: Shops,
    shop_id: str,
    mode: str,
    *,
    stories: Sequence[Story] | None = None,
    seed: int = 0,
    count: int | None = None,
    rate: float | None = None,
    format_choice: str = ALTERNATE,
    connections: int = 1,
    begins_at: datetime = BEGINS_AT,
    is_strict: bool = False,
    losses: Losses = NO_LOSSES,
) -> Iterator[AnsweredCall]:
    """Send so many lives (by default each story once) and yield each answer as it comes.

    Units: `rate` in calls per second, None for as fast as the service answers. Shape: the
    calls of one life keep their order, also on several connections. `is_strict` sends to the
    address of the shop and mode instead of the one for all. What `losses` keeps back is yielded
    without being sent.
    Errors: SettingsError, NoServiceError.
    """
    platform = synthetic_platform(shops, shop_id, mode, begins_at=begins_at)
    stories = playable_stories(platform, format_choice) if stories is None else list(stories)
    count = count or len(stories)
    lives = signed_lives(platform, stories, seed=seed, count=count, format_choice=format_choice)
    pace = _Pace(rate)
    with closing(Sender(url, address(shop_id, mode, is_strict=is_strict))) as sender:

        def send_life(signed_calls: Sequence[SignedCall]) -> Iterator[AnsweredCall]:
            return _send_life(sender, pace, losses, signed_calls)

        if connections == 1:
            for life in lives:
                yield from send_life(life)
        else:
            yield from _send_together(send_life, lives, connections)


def play_chaos_attempts(
    url: str, path: str, chaos: Chaos, *, rate: float | None = None, connections: int = 1
) -> Iterator[AnsweredAttempt]:
    """Send everything of a bad day and yield each delivery with its answer.

    Errors: SettingsError, NoServiceError.
    """
    pace = _Pace(rate)
    with closing(Sender(url, path)) as sender:

        def send(attempt: Attempt) -> Answer:
            pace.wait()
            return _send_as_fated(sender, attempt)

        yield from send_attempts(chaos, send, connections=connections)


def _send_as_fated(sender: Sender, attempt: Attempt) -> Answer:
    body = attempt.signed_call.body
    if attempt.fate is Fate.LOST:
        return Answer(None, "lost on its way", 0.0)
    if attempt.fate is Fate.CUT:
        return sender.send_and_leave(body, byte_count=len(body) // 2)
    if attempt.fate is Fate.UNANSWERED:
        return sender.send_and_leave(body)
    return sender.send(body)


def address(shop_id: str, mode: str, *, is_strict: bool) -> str:
    """Return the path that calls are sent to: the one for all, or that of this shop and mode."""
    return f"/ipn/{shop_id}/{mode.lower()}" if is_strict else "/ipn"


def playable_stories(platform: SyntheticPlatform, format_choice: str) -> list[Story]:
    """Return every story that can be played. Errors: SettingsError when there is none."""
    stories = [story for story in STORIES.values() if platform.can_play(story, format_choice)]
    if not stories:
        raise SettingsError(
            f"shop {platform.shop_id} has no {platform.mode} key for {format_choice}"
        )
    return stories


def _send_together(
    send_life: Callable[[Sequence[SignedCall]], Iterator[AnsweredCall]],
    lives: Iterator[list[SignedCall]],
    connections: int,
) -> Iterator[AnsweredCall]:
    def send(life: list[SignedCall]) -> list[AnsweredCall]:
        return list(send_life(life))

    with ThreadPoolExecutor(connections) as pool:
        while batch := list(islice(lives, connections * _LIVES_PER_CONNECTION)):
            for answered in pool.map(send, batch):
                yield from answered


def _send_life(
    sender: Sender, pace: "_Pace", losses: Losses, signed_calls: Sequence[SignedCall]
) -> Iterator[AnsweredCall]:
    for signed_call in signed_calls:
        obstacle = losses.obstacle(signed_call.call)
        if obstacle is not None:
            yield AnsweredCall(signed_call, Answer(None, obstacle, 0.0), obstacle)
            continue
        pace.wait()
        yield AnsweredCall(signed_call, sender.send(signed_call.body))


class _Pace:
    """Let calls through one by one, at most so many per second over all threads."""

    def __init__(self, rate: float | None) -> None:
        self._seconds = 0.0 if rate is None else 1 / rate
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._seconds
        if turn > now:
            time.sleep(turn - now)
