"""A short crash run on each database; a long one is `python -m tests.faults.crash_run`."""

import random
from pathlib import Path

import pytest

from tests.faults.crash_run import Killer, a_database, crash_run, verified
from tests.faults.outside import Verdict
from tests.faults.platform import Platform
from tests.faults.service import serving


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_acknowledged_is_lost_whatever_is_killed(kind: str, tmp_path: Path) -> None:
    with (
        a_database(kind, tmp_path, is_synced=False) as (url, cluster),
        serving(tmp_path, url) as service,
    ):
        killer = Killer(service, cluster, random.Random(7))
        platform = Platform(service.url, seed=7, connections=4)

        record = crash_run(killer, platform, killer.ways, 0.3)

        assert dict(killer.killed) == dict.fromkeys(killer.ways, 1)
        assert record.unanswered + record.refused > 0
        assert verified(service, record) == Verdict()
