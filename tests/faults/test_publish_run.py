"""A short publishing run into each engine; a long one is `python -m tests.faults.publish_run`."""

from pathlib import Path

import pytest

from tests.faults.publish_run import Difference, filled, publish_run
from tests.publishing.engines import ENGINES

EVENTS, KILLS = 3_000, 3


@pytest.mark.parametrize("kind", ENGINES)
def test_each_event_is_published_once_whatever_is_killed(
    kind: str, sqlite_url: str, tmp_path: Path
) -> None:
    with ENGINES[kind](tmp_path) as engine, filled(sqlite_url, EVENTS, 7) as ledger:
        assert publish_run(ledger, engine, tmp_path, KILLS, 7) == Difference()
        assert engine.length() > EVENTS
