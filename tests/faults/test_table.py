"""The table of failures: every step, every fault, before and after it took effect.

Whatever fails, whoever sends or operates tries again, as the platform and operators do; at the end
the whole ledger is verified from outside.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import product
from pathlib import Path

import pytest

from tests.faults.ground import PASSAGES, PASSAGES_AT_ONCE, Ground, Passage
from tests.faults.injecting import AFTER, BEFORE, FAULTS, KILLED, Trap

ROOT = Path(__file__).resolve().parents[2]


class Mortal:
    """Another process, which can be asked to die at a step."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def die(self, url: str, name: str, when: str, number: int) -> int:
        """Shape: the exit code, -9 when it was killed there."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([url, name, when, number]) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@pytest.fixture(scope="session")
def mortal() -> Iterator[Mortal]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.mortal"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Mortal(process)


def _kind(url: str) -> str:
    return "sqlite" if url.startswith("sqlite") else "postgresql"


@pytest.mark.filterwarnings("ignore:.*ServerCursor:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", PASSAGES)
def test_a_fault_at_any_step_loses_and_doubles_nothing(
    database_url: str, mortal: Mortal, name: str
) -> None:
    heard_of = suffer(database_url, mortal, name, PASSAGES[name])

    assert heard_of == [] or name.startswith("receive")  # what is in quarantine is sent again


@pytest.mark.parametrize("name", PASSAGES_AT_ONCE)
def test_a_fault_of_the_short_way_is_not_even_heard_of(
    postgres_url: str, mortal: Mortal, name: str
) -> None:
    """A lost race or connection is tried again by the plain strategy; nobody hears of it."""
    assert suffer(postgres_url, mortal, name, PASSAGES_AT_ONCE[name]) == []


def suffer(database_url: str, mortal: Mortal, name: str, passage: Passage) -> list[tuple[str, str]]:
    """Let every fault happen there. Shape: those that were heard of and should not be."""
    passed_by, heard_of = [], []
    kind = _kind(database_url)
    with closing(Ground(database_url, is_plain=passage.is_plain)) as ground:
        for number, (fault, when) in enumerate(product(passage.faults_on(kind), (BEFORE, AFTER))):
            passage.before(ground, number)
            ground.refusals = 0
            if fault == KILLED:
                is_sprung = mortal.die(database_url, name, when, number) == -9
                passage.work(ground, number)
            else:
                with Trap(passage.step, when, FAULTS[fault], ground.clock) as trap:
                    passage.work(ground, number)
                is_sprung = trap.is_sprung
            if not is_sprung:
                passed_by.append((fault, when))
            if ground.refusals and kind in FAULTS[fault].unheard_on:
                heard_of.append((fault, when))
        ground.assert_whole()

    assert passed_by == []
    return heard_of
