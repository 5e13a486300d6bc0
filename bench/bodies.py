"""Distinct, correctly signed calls in both formats, as a big shop would get them, in a file."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import chain, count, islice
from multiprocessing import get_context
from pathlib import Path

from bench.ground import SHOP_ID, bench_shops
from ledger.simulator.signed_calls import ALTERNATE, synthetic_platform
from ledger.simulator.stories import STORIES

LIVES_BETWEEN = 500
"""So many other lives lie between two calls about one payment."""

PROCESSES = 2


def write_bodies(path: Path, calls: int, seed: str) -> int:
    """Write that many bodies, one a line: a form has no line break in it. The bytes of one."""
    seeds = [f"{seed}-{one}" for one in range(PROCESSES)]
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        told = pool.map(_bodies, [-(-calls // PROCESSES)] * PROCESSES, seeds)
        bodies = list(islice(chain.from_iterable(zip(*told, strict=True)), calls))
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
    return list(islice(_one_by_one(seed), calls))


def _one_by_one(seed: str) -> Iterator[bytes]:
    """Lives begin one after another, and each goes on while others do."""
    told_by = synthetic_platform(bench_shops(), SHOP_ID, "TEST")
    stories = [one for one in STORIES.values() if told_by.can_play(one, ALTERNATE)]
    waiting: dict[int, list[bytes]] = {}
    for number in count():
        story = stories[number % len(stories)]
        told = told_by.signed_calls(
            story, _number(seed), number, ALTERNATE, turn=number // len(stories)
        )
        for index, one in enumerate(told):
            waiting.setdefault(number + index * LIVES_BETWEEN, []).append(one.body)
        yield from waiting.pop(number, ())


def _number(seed: str) -> int:
    return int.from_bytes(seed.encode())
