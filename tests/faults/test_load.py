"""A burst after an outage, in short; the long one is `python -m tests.faults.load_run`."""

from pathlib import Path

import pytest

from tests.faults.crash_run import a_database, verified
from tests.faults.load_run import Load, a_day
from tests.faults.outside import Verdict
from tests.faults.service import serving

BACKLOG, STEADY = 800, 200


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_burst_after_an_outage_is_taken_whole(kind: str, tmp_path: Path) -> None:
    with (
        a_database(kind, tmp_path, is_synced=False) as (url, _),
        serving(tmp_path, url) as service,
    ):
        load = Load(service.url)

        load.send((a_day(BACKLOG, 1, per_second=None), 32), (a_day(STEADY, 2, per_second=100), 8))

        assert load.lost == 0
        assert len(load.record.answered) == load.record.sent == BACKLOG + STEADY
        assert verified(service, load.record) == Verdict()
