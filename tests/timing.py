"""Texts that make careless code slow, and how long one takes."""

import re
import time
from collections.abc import Callable, Iterator
from functools import partial
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
    """Return True if one of several tries takes less processor time than this.

    Units: seconds of a machine that does the known work in its known time; a slower one, or one
    that is busy, gets more, as much as it needs for that work in the same moment.
    """
    return any(_cpu_seconds(work) < seconds * _slowness() for _ in range(tries))


KNOWN_TEXT = "4 " * 32_768
KNOWN_SECONDS = 0.0035


def _slowness() -> float:
    return max(1.0, _cpu_seconds(partial(re.sub, r"\d+", "", KNOWN_TEXT)) / KNOWN_SECONDS)


def _cpu_seconds(work: Callable[[], Any]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began
