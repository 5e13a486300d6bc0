"""Texts that make careless code slow, and how long one takes."""

import time
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

WHOLE = 256 * 1024  # characters: the largest body that is received by default
CLOSE = "\x01"
"""What ends each text: it fits nothing, so that what has been read must be given up again."""


def repetitions(alphabet: str, length: int, *, units_max: int = 3) -> Iterator[str]:
    """Yield every repetition of one to three letters, of this length."""
    for letters in range(1, units_max + 1):
        for unit in map("".join, product(alphabet, repeat=letters)):
            yield repetition(unit, length)


def repetition(unit: str, length: int) -> str:
    return (unit * (length // len(unit) + 1))[: length - 1] + CLOSE


def takes_less(seconds: float, work: Callable[[], Any], *, tries: int = 20) -> bool:
    """Return True if one of several tries takes less processor time than this."""
    return any(_cpu_seconds(work) < seconds for _ in range(tries))


def _cpu_seconds(work: Callable[[], Any]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began
