"""Crash runs: signed calls at load, while processes and servers are killed again and again.

`python -m tests.faults.crash_run --database postgresql --minutes 5 --seed 1` kills worker
processes, the leader of the followers, the whole service and, where there is one, PostgreSQL
itself; whoever was not answered 200 sends again, as the platform would. In the end the ledger is
held against the record of answers, and a line of figures is printed. Exits 1 on any fault.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import select

from ledger.application import Ledger
from ledger.storage.tables import leases
from tests.builders import PLAIN_SETTINGS, shops
from tests.conftest import opened
from tests.faults.cluster import Cluster, a_folder, running
from tests.faults.outside import Verdict, verdict
from tests.faults.platform import Platform, Record
from tests.faults.service import Service, serving
from tests.projections.helpers import eventually, positions

PAUSE_SECONDS = 2.0
"""Between two faults: long enough that calls are answered again."""
CATCH_UP_SECONDS = 300

WORKER, LEADER, SERVICE, SERVER = "worker", "leader", "whole service", "PostgreSQL"


class Killer:
    """Kills what a crash run is to survive. Shape: `cluster` is None on SQLite."""

    def __init__(self, service: Service, cluster: Cluster | None, rng: random.Random) -> None:
        self._service = service
        self._cluster = cluster
        self._rng = rng
        self.killed: Counter[str] = Counter()
        self._ways: dict[str, Callable[[], bool]] = {
            LEADER: self._kill_leader,
            WORKER: self._kill_worker,
            SERVICE: self._kill_service,
        }
        if cluster is not None:
            self._ways[SERVER] = self._kill_server

    @property
    def ways(self) -> list[str]:
        return list(self._ways)

    def kill(self, what: str) -> None:
        if self._ways[what]():
            self.killed[what] += 1

    def _kill_worker(self) -> bool:
        workers = self._service.workers()
        return bool(workers) and _kill(self._rng.choice(workers))

    def _kill_leader(self) -> bool:
        """Whoever holds a lease, once the one of a leader killed before has run out."""
        eventually(lambda: bool(self._leaders()), seconds=60)
        return _kill(self._rng.choice(sorted(self._leaders())))

    def _leaders(self) -> set[int]:
        """Shape: a holder is `host:pid:token`."""
        with opened(self._service.database_url) as database, database.connect() as connection:
            holders = list(connection.scalars(select(leases.c.holder)))
        return {int(holder.split(":")[1]) for holder in holders} & set(self._service.workers())

    def _kill_service(self) -> bool:
        self._service.kill()
        self._service.start()
        return True

    def _kill_server(self) -> bool:
        assert self._cluster is not None
        self._cluster.stop("immediate")
        time.sleep(self._rng.random())
        self._cluster.start()
        return True


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def crash_run(
    killer: Killer, platform: Platform, faults: Sequence[str] | Iterator[str], pause: float
) -> Record:
    """Send, kill, and go on sending until everything that was begun is acknowledged."""
    platform.start()
    for what in faults:
        before = platform.acknowledged
        eventually(lambda before=before: platform.acknowledged > before, seconds=60)
        time.sleep(pause)
        killer.kill(what)
    return platform.finish()


def verified(service: Service, record: Record, *, workers: int = 1) -> Verdict:
    """Wait until the followers of the service have come to the end, and look at everything."""
    service.wait_until_ready()
    with opened(service.database_url) as database:
        ledger = Ledger(PLAIN_SETTINGS, shops(), database)
        end = ledger.events.newest_position()
        eventually(lambda: set(positions(ledger).values()) == {end}, seconds=CATCH_UP_SECONDS)
        return verdict(ledger, record.answered, workers=workers)


@contextmanager
def a_database(kind: str, folder: Path, *, is_synced: bool) -> Iterator[tuple[str, Cluster | None]]:
    """A database of its own: an SQLite file, or a server that can be killed."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/ledger.sqlite", None
        return
    with a_folder() as place, running(Cluster(place, "main", is_synced=is_synced)) as cluster:
        yield cluster.url(), cluster


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="postgresql")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--connections", type=int, default=8)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    with (
        tempfile.TemporaryDirectory() as name,
        a_database(arguments.database, Path(name), is_synced=True) as (url, cluster),
        serving(Path(name), url) as service,
    ):
        killer = Killer(service, cluster, rng)
        platform = Platform(service.url, seed=arguments.seed, connections=arguments.connections)
        faults = _until(time.monotonic() + 60 * arguments.minutes, killer.ways, rng)
        record = crash_run(killer, platform, faults, PAUSE_SECONDS)
        verdict_ = verified(service, record, workers=os.cpu_count() or 1)
        checked = service.run("verify")
    _tell(arguments, killer, record, verdict_)
    print(checked.stderr.strip())  # noqa: T201
    return 0 if verdict_.is_clean and checked.returncode == 0 else 1


def _until(deadline: float, ways: Sequence[str], rng: random.Random) -> Iterator[str]:
    while time.monotonic() < deadline:
        yield rng.choice(ways)


def _tell(
    run_options: argparse.Namespace, killer: Killer, record: Record, verdict_: Verdict
) -> None:
    lines = {
        "database": run_options.database,
        "minutes": run_options.minutes,
        "seed": run_options.seed,
        "calls sent": record.sent,
        "answered 200": len(record.answered),
        "answered 503": record.refused,
        "not answered": record.unanswered,
        **{f"killed: {what}": count for what, count in sorted(killer.killed.items())},
        "lost": len(verdict_.lost),
        "doubled": len(verdict_.doubled),
        "faults of the audit": len(verdict_.faults),
        "other than when told in peace": len(verdict_.differing),
        "views behind": len(verdict_.behind),
    }
    for name, value in lines.items():
        print(f"{name:32} {value}")  # noqa: T201
    for fault in (*verdict_.lost, *verdict_.doubled, *verdict_.faults, *verdict_.differing)[:20]:
        print(f"  {fault}")  # noqa: T201


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
