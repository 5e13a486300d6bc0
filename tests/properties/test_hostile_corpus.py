"""Play hostile bodies that were met before again, and a few new ones of the same making."""

import random
from itertools import islice
from pathlib import Path

import pytest

from ledger.storage.database import Database
from tests.builders import a_ledger
from tests.fuzzing import CORPUS, bodies, receive_and_check

KEPT = sorted(CORPUS.glob("*.body"))
NEW = 100


def test_every_kept_body_is_answered_and_kept(database: Database) -> None:
    """Play the corpus twice: what comes again is recognised."""
    ledger = a_ledger(database)

    first = {path.stem: receive_and_check(ledger, path.read_bytes()) for path in KEPT}
    again = {path.stem: receive_and_check(ledger, path.read_bytes()) for path in KEPT}

    refused = {name: name for name in first if not name.startswith("recorded")}
    assert {name: first[name] for name in refused} == refused
    assert {name: again[name] for name in refused} == refused
    assert {again[name].partition("-")[0] for name in again.keys() - refused} == {"repeated"}
    assert len(refused) > 10
    assert len(KEPT) - len(refused) > 30


@pytest.mark.parametrize("seed", range(2))
def test_bodies_of_the_same_making_are_answered_and_kept(sqlite_url: str, seed: int) -> None:
    database = Database(sqlite_url)
    ledger = a_ledger(database)

    outcomes = [
        receive_and_check(ledger, body) for body in islice(bodies(random.Random(seed)), NEW)
    ]

    database.dispose()
    assert len(set(outcomes)) > 10


def test_the_corpus_is_small(tmp_path: Path) -> None:
    assert sum(path.stat().st_size for path in KEPT) < 1_000_000
