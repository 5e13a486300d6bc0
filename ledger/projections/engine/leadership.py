"""Keep the live generations up to date from a thread of the service: which, when, and when not."""

import threading
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

import structlog
from sqlalchemy.exc import SQLAlchemyError

from ledger.application import Ledger
from ledger.projections.engine.event_reader import EventReader
from ledger.projections.engine.follow import BATCH, Follower
from ledger.projections.engine.generations import (
    LIVE,
    Generation,
    create_generation,
    decide_alone,
    live_generations,
    outdated_views,
    reached_positions,
)
from ledger.projections.engine.leases import new_holder, release_leases, take_lease
from ledger.projections.engine.lone_failures import LoneFailures
from ledger.projections.engine.registry import PROJECTIONS
from ledger.storage.database import Database
from ledger.storage.read_only import Patience

BATCH_BESIDE_CALLS = 250
"""On SQLite, where calls wait while a batch is written."""
POLL_SECONDS = 0.2
REST = 5
"""Times as long as it took to catch up: calls come first, and large batches cost less an event."""
REST_SECONDS_MAX = 2.0
LEASE_SECONDS = 10
PAUSE_SECONDS = 1.0
"""After a fault, and while another server follows."""

_log = structlog.get_logger(__name__)


class ProjectionRunner:
    """Follows the log with the live generations of this code, from a thread of the service.

    Several services may run: whoever holds a generation's lease follows it, and holds it also
    while nothing happens, so that nobody takes a generation that is read for forgotten.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        lease_seconds: float = LEASE_SECONDS,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self.held: list[Generation] = []
        """The generations whose leases this runner holds."""
        self._ledger = ledger
        self._lease_seconds = lease_seconds
        self._pause_seconds = pause_seconds
        self._batch = BATCH_BESIDE_CALLS if ledger.database.is_sqlite else BATCH
        self._holder = new_holder()
        self._live: list[Generation] = []
        self._renew_at = 0.0
        self._paused_until: dict[str, float] = {}
        self._lone_failures: defaultdict[int, LoneFailures] = defaultdict(LoneFailures)
        self._patience = Patience(_log)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="followers", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch at hand and release the leases."""
        self._stopped.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        began = monotonic()
        while not self._stopped.is_set():
            try:
                is_behind = self.follow_once()
            except Exception as error:  # noqa: BLE001  nobody else in this process would follow
                self._patience.note(error, "followers")
                self._stopped.wait(self._pause_seconds)
                continue
            self._patience.end()
            if not is_behind:
                rest = min(REST * (monotonic() - began), REST_SECONDS_MAX)
                self._stopped.wait(max(POLL_SECONDS, rest))
                began = monotonic()
        with suppress(SQLAlchemyError), self._ledger.database.begin() as connection:
            release_leases(connection, self._holder)

    def follow_once(self) -> bool:
        """Apply one batch to every generation held; return True if one is still behind.

        What arrives meanwhile waits for the next call: under load, many small batches would cost
        more than everything else that a notification costs.
        """
        self._acquire_leases()
        if not self.held:
            return False  # another server follows
        with self._ledger.database.connect() as connection:
            reached = reached_positions(connection)
        positions = {held: reached[held.id] for held in self.held if held.id in reached}
        until = self._ledger.events.high_water_mark(after=min(positions.values(), default=0)) or 0
        self._ledger.events.store_proven(until)  # first, so that no list on a standby is ahead
        with_details = any(generation.model.harmless_details for generation in positions)
        reader = EventReader(positions.values(), with_details=with_details)
        is_behind = False
        for generation, position in positions.items():
            if self._stopped.is_set():
                return False
            is_paused = monotonic() < self._paused_until.get(generation.name, 0)
            if position < until and not is_paused:
                is_behind |= self._follow(generation, until, reader)
        return is_behind

    def _follow(self, generation: Generation, until: int, reader: EventReader) -> bool:
        """Follow with one generation; whatever is wrong with it must not stop the rest."""
        try:
            follower = Follower(
                self._ledger.database,
                generation,
                reader=reader,
                lone_failures=self._lone_failures[generation.id],
            )
            return follower.step(until, self._batch) < until
        except Exception as error:  # noqa: BLE001  a model's fault is logged, and tried again later
            _log.warning("view.not_followed", view=generation.name, error=type(error).__name__)
            self._paused_until[generation.name] = monotonic() + self._pause_seconds
            return False

    def _acquire_leases(self) -> None:
        """Take or renew the leases of what is live now, and release those of what is no more."""
        with self._ledger.database.connect() as connection:
            live = list(live_generations(connection).values())
        if live == self._live and monotonic() < self._renew_at:
            return
        lease_names = [generation.lease_name for generation in live]
        with self._ledger.database.begin() as connection:
            release_leases(connection, self._holder, besides=lease_names)
            self.held = [
                generation
                for generation in live
                if take_lease(
                    connection, generation.lease_name, self._holder, seconds=self._lease_seconds
                )
            ]
        self._live = live
        pause = self._lease_seconds / 4 if len(self.held) == len(live) else self._pause_seconds
        self._renew_at = monotonic() + min(pause, self._lease_seconds / 4)


@dataclass(frozen=True, slots=True)
class PreparedViews:
    """Which read models got their first generation, and which ones wait for `ledger rebuild`."""

    new: list[str]
    stale: list[str]


def prepare_views(database: Database) -> PreparedViews:
    """Create an empty live generation of every read model that a ledger has never had.

    Shape: stale are those whose code has changed since they were built.
    """
    with database.begin() as connection:
        decide_alone(connection)
        stale = outdated_views(connection)
        live = live_generations(connection)
        new = [name for name in PROJECTIONS if name not in live and name not in stale]
        for name in new:
            create_generation(connection, PROJECTIONS[name], state=LIVE)
    return PreparedViews(new, stale)
