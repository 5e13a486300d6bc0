"""Writes distinct, correctly signed calls in both formats to a file, as a big shop gets them."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import chain, count, islice
from multiprocessing import get_context
from pathlib import Path

from bench.ground import SHOP_ID, bench_shops
from ledger.simulator.signed_calls import ALTERNATE, synthetic_platform
from ledger.simulator.stories import STORIES

LIVES_BETWEEN = 500
"""How many other payments begin between two calls about the same payment."""

PROCESSES = 2


def write_bodies(path: Path, calls: int, seed: str) -> int:
    """Write bodies, one a line (a form has no line break), and return their average size."""
    seeds = [f"{seed}-{number}" for number in range(PROCESSES)]
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        by_process = pool.map(_bodies, [-(-calls // PROCESSES)] * PROCESSES, seeds)
        bodies = list(islice(chain.from_iterable(zip(*by_process, strict=True)), calls))
    path.write_bytes(b"\n".join(bodies) + b"\n")
    return sum(map(len, bodies)) // len(bodies)


def write_junk(path: Path, calls: int, size: int) -> None:
    """Write forms that no key signed, each different."""
    lines = (_junk(number, size) for number in range(calls))
    path.write_bytes(b"\n".join(lines) + b"\n")


def _junk(number: int, size: int) -> bytes:
    names = f"vads_site_id={SHOP_ID}&vads_ctx_mode=TEST&vads_trans_id={number:06}"
    head = f"{names}&signature=AAAA&vads_x="
    return (head + "x" * (size - len(head))).encode()


def _bodies(calls: int, seed: str) -> list[bytes]:
    return list(islice(_endless_bodies(seed), calls))


def _endless_bodies(seed: str) -> Iterator[bytes]:
    """Yield the calls of lives that begin one after another and go on side by side."""
    simulator = synthetic_platform(bench_shops(), SHOP_ID, "TEST")
    stories = [story for story in STORIES.values() if simulator.can_play(story, ALTERNATE)]
    waiting: dict[int, list[bytes]] = {}
    for number in count():
        story = stories[number % len(stories)]
        calls = simulator.signed_calls(
            story, _number(seed), number, ALTERNATE, turn=number // len(stories)
        )
        for index, call in enumerate(calls):
            waiting.setdefault(number + index * LIVES_BETWEEN, []).append(call.body)
        yield from waiting.pop(number, ())


def _number(seed: str) -> int:
    return int.from_bytes(seed.encode())
