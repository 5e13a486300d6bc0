"""Load runs: half an hour of a big shop's day in two minutes, begun with the backlog of an outage.

`python -m tests.faults.load_run --database postgresql` sends the calls of thirty minutes at a
steady pace within two and, all at once at the start, what an outage of an hour left behind: four
quarter hours of calls, which the platform sends again on the quarter. Prints how long calls waited
for their answer; exits 1 when one was lost or waited longer than the platform does.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from ledger.ipn.signature import digest
from ledger.simulator.sender import TIMEOUT_SECONDS, NoServiceError, Sender
from ledger.simulator.signed_calls import MIXED, signed_lives
from ledger.simulator.stories import STORIES
from tests.faults.crash_run import a_database, verified
from tests.faults.outside import Answered, Verdict
from tests.faults.platform import Record
from tests.faults.service import serving
from tests.projections.helpers import TOLD_BY

CALLS_PER_HOUR = 20_000
"""Of a shop with 100,000 payments a day, a tenth of them in the busiest hour, two calls each."""
MINUTES = 30
SECONDS = 120
BACKLOG_CONNECTIONS = 32
STEADY_CONNECTIONS = 64  # enough that none of them waits for another
SENDINGS_MAX = 5  # at first, and on four quarter hours

Life = list[bytes]


@dataclass
class Due:
    """Lives to be told. Shape: each with the moment at which its first call is due."""

    lives: list[tuple[float, Life]]
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self) -> tuple[float, Life] | None:
        with self.lock:
            return self.lives.pop() if self.lives else None


def a_day(calls: int, seed: int, *, per_second: float | None) -> Due:
    """So many calls, life by life; all due at once, or at a steady pace."""
    due_lives: list[tuple[float, Life]] = []
    made = 0
    endless_lives = signed_lives(
        TOLD_BY, list(STORIES.values()), seed=seed, count=10**9, format_choice=MIXED
    )
    while made < calls:
        life = [telling.body for telling in next(endless_lives)][: calls - made]
        due_lives.append((0 if per_second is None else made / per_second, life))
        made += len(life)
    return Due(due_lives[::-1])


class Load:
    """Sends two days at once, each over its own connections. Errors: none; all is in `record`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.record = Record()
        self.lost = 0
        self._lock = threading.Lock()

    def send(self, *days: tuple[Due, int]) -> None:
        """Shape: what is due, and over how many connections."""
        begun = time.monotonic()
        with closing(Sender(self._url, "/ipn")) as sender:
            threads = [
                threading.Thread(target=self._work, args=(sender, begun, due))
                for due, connections in days
                for _ in range(connections)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def _work(self, sender: Sender, begun: float, due: Due) -> None:
        while (next_life := due.next()) is not None:
            at, life = next_life
            if at:
                time.sleep(max(0.0, begun + at - time.monotonic()))
            for body in life:
                self._insist(sender, body, since=begun + at if at else time.monotonic())
                at = 0

    def _insist(self, sender: Sender, body: bytes, *, since: float) -> None:
        """Units: what is due waits from then on, also while no connection is free."""
        for _ in range(SENDINGS_MAX):
            try:
                answer = sender.send(body)
            except NoServiceError:
                answer = None
            with self._lock:
                self.record.sent += 1
                if answer is not None and answer.is_acknowledged:
                    self.record.answered.append(Answered(digest(body), 200, answer.line))
                    self.record.seconds.append(time.monotonic() - since)
                    return
                self.record.unanswered += answer is None or answer.status is None
                self.record.refused += answer is not None and answer.status is not None
            since = time.monotonic()
        with self._lock:
            self.lost += 1


def percentile(seconds: Sequence[float], share: float) -> float:
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * share))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="postgresql")
    parser.add_argument("--calls-per-hour", type=int, default=CALLS_PER_HOUR)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        a_database(arguments.database, Path(name), is_synced=True) as (url, _),
        serving(Path(name), url) as service,
    ):
        load = Load(service.url)
        begun = time.monotonic()
        load.send(*two_days(arguments.calls_per_hour, arguments.seed, arguments.seconds))
        seconds = time.monotonic() - begun
        verdict_ = verified(service, load.record, workers=os.cpu_count() or 1)
    figures = {
        "database": arguments.database,
        "calls": len(load.record.seconds) + load.lost,
        "of which due at once": arguments.calls_per_hour,
        "seconds": f"{seconds:.0f}",
    }
    for label, figure in (figures | outcome(load, verdict_)).items():
        print(f"{label:32} {figure}")  # noqa: T201
    is_in_time = percentile(load.record.seconds, 0.99) < TIMEOUT_SECONDS
    return 0 if verdict_.is_clean and not load.lost and is_in_time else 1


def two_days(calls_per_hour: int, seed: int, seconds: float) -> Iterator[tuple[Due, int]]:
    """The backlog, due at once, and the steady calls, each with its connections."""
    steady = calls_per_hour * MINUTES // 60
    yield a_day(calls_per_hour, seed, per_second=None), BACKLOG_CONNECTIONS
    yield a_day(steady, seed + 1, per_second=steady / seconds), STEADY_CONNECTIONS


def outcome(load: Load, verdict_: Verdict) -> dict[str, object]:
    waited = load.record.seconds
    return {
        "sent again": load.record.sent - len(waited),
        "lost": load.lost + len(verdict_.lost),
        "doubled": len(verdict_.doubled),
        "half of them waited": f"{percentile(waited, 0.5):.3f} s",
        "99 of 100 waited": f"{percentile(waited, 0.99):.3f} s",
        "the longest waited": f"{max(waited):.3f} s",
    }


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
