"""Play stories against a running service, at a steady rate."""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from ledger.errors import SettingsError
from ledger.shops import Shops
from ledger.simulator.chaos import Attempt, Chaos, Fate, Sent, suffer
from ledger.simulator.sender import Answer, Sender
from ledger.simulator.stories import STORIES, Story
from ledger.simulator.telling import ALTERNATE, BEGINS_AT, Teller, Telling, lives, teller

_LIVES_PER_CONNECTION = 64  # told ahead of being sent


@dataclass(frozen=True, slots=True)
class Played:
    """One message and what the service answered."""

    telling: Telling
    answer: Answer


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
    wanted: str = ALTERNATE,
    connections: int = 1,
    begins_at: datetime = BEGINS_AT,
    is_strict: bool = False,
) -> Iterator[Played]:
    """Send so many lives (by default each story once) and yield each answer as it comes.

    Units: `rate` in messages per second, None for as fast as the service answers. Shape: the
    messages of one life keep their order, also on several connections. `is_strict` sends to the
    address of the shop and mode instead of the one for all.
    Errors: SettingsError, NoServiceError.
    """
    told_by = teller(shops, shop_id, mode, begins_at=begins_at)
    chosen = tellable(told_by, wanted) if stories is None else list(stories)
    told = lives(told_by, chosen, seed=seed, count=count or len(chosen), wanted=wanted)
    path = address(shop_id, mode, is_strict=is_strict)
    pace = _Pace(rate)
    with closing(Sender(url, path)) as sender:
        if connections == 1:
            yield from (played for life in told for played in _send(sender, pace, life))
        else:
            yield from _play_together(sender, pace, told, connections)


def endure(
    url: str, path: str, chaos: Chaos, *, rate: float | None = None, connections: int = 1
) -> Iterator[Sent]:
    """Send everything of a bad day and yield each delivery with its answer.

    Errors: SettingsError, NoServiceError.
    """
    pace = _Pace(rate)
    with closing(Sender(url, path)) as sender:

        def send(attempt: Attempt) -> Answer:
            pace.wait()
            return _send_as_fated(sender, attempt)

        yield from suffer(chaos, send, connections=connections)


def _send_as_fated(sender: Sender, attempt: Attempt) -> Answer:
    body = attempt.telling.body
    if attempt.fate is Fate.LOST:
        return Answer(None, "lost on its way", 0.0)
    if attempt.fate is Fate.CUT:
        return sender.send_and_leave(body, sent=len(body) // 2)
    if attempt.fate is Fate.UNANSWERED:
        return sender.send_and_leave(body)
    return sender.send(body)


def address(shop_id: str, mode: str, *, is_strict: bool) -> str:
    """Where calls are sent: the address for all shops, or that of this shop and mode."""
    return f"/ipn/{shop_id}/{mode.lower()}" if is_strict else "/ipn"


def tellable(told_by: Teller, wanted: str) -> list[Story]:
    """Every story that can be told. Errors: SettingsError when there is none."""
    found = [story for story in STORIES.values() if told_by.can_tell(story, wanted)]
    if not found:
        raise SettingsError(f"shop {told_by.shop_id} has no {told_by.mode} key for {wanted}")
    return found


def _play_together(
    sender: Sender, pace: "_Pace", told: Iterator[list[Telling]], connections: int
) -> Iterator[Played]:
    def send(life: list[Telling]) -> list[Played]:
        return list(_send(sender, pace, life))

    with ThreadPoolExecutor(connections) as pool:
        while batch := list(islice(told, connections * _LIVES_PER_CONNECTION)):
            for answered in pool.map(send, batch):
                yield from answered


def _send(sender: Sender, pace: "_Pace", life: Sequence[Telling]) -> Iterator[Played]:
    for telling in life:
        pace.wait()
        yield Played(telling, sender.send(telling.body))


class _Pace:
    """Lets messages through one by one, at most so many per second over all threads."""

    def __init__(self, rate: float | None) -> None:
        self._seconds = 0.0 if rate is None else 1 / rate
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        with self._lock:
            now = time.monotonic()
            mine = max(now, self._next)
            self._next = mine + self._seconds
        if mine > now:
            time.sleep(mine - now)
