"""A disk that is full: what cannot be stored is refused, and the next call after it is taken.

The operating system itself refuses the writes of a running service here: none of its files may
grow beyond a size. PostgreSQL's own error at every step is in the table of failures.
"""

import resource
from pathlib import Path

from tests.faults.crash_run import verified
from tests.faults.outside import Verdict
from tests.faults.platform import Platform
from tests.faults.service import Service, serving
from tests.projections.helpers import eventually

CALLS = 40


def allow(service: Service, size: int | None) -> None:
    """Let no process of the service make a file bigger than this, or as big as ever."""
    for pid in service.workers():
        _, ever = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (ever if size is None else size, ever))


def test_a_full_disk_refuses_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with serving(tmp_path, f"sqlite:///{path}") as service:
        platform = Platform(service.url, seed=7, connections=4)
        platform.start()
        eventually(lambda: platform.acknowledged > CALLS)

        allow(service, max(file.stat().st_size for file in tmp_path.glob("ledger.sqlite*")))
        eventually(lambda: platform.refusals > CALLS)
        before = platform.acknowledged
        allow(service, None)
        eventually(lambda: platform.acknowledged > before + CALLS)
        record = platform.finish()

        assert record.unanswered == 0
        assert verified(service, record) == Verdict()
