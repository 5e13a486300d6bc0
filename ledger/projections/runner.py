"""Keeps the live generations at the live edge: who follows which, when, and when not."""

import os
import secrets
import socket
import threading
from contextlib import suppress
from time import monotonic

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from ledger.application import Ledger
from ledger.projections import generations as g
from ledger.projections.follower import BATCH, Follower
from ledger.projections.reading import Source
from ledger.projections.registry import PROJECTIONS
from ledger.projections.view import Projection
from ledger.storage.database import Database

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


class Followers:
    """Keeps the live generations of this code at the live edge, from a thread of the service.

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
        self._ledger = ledger
        self._lease_seconds = lease_seconds
        self._pause_seconds = pause_seconds
        self._batch = BATCH_BESIDE_CALLS if ledger.database.is_sqlite else BATCH
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._live: list[g.Generation] = []
        self._led: list[g.Generation] = []
        self._renew_at = 0.0
        self._paused_until: dict[str, float] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="followers", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish the batch at hand and let others take over."""
        self._stopped.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        began = monotonic()
        while not self._stopped.is_set():
            try:
                is_behind = self.follow_once()
            except Exception as error:  # noqa: BLE001  nobody else in this process would follow
                _log.warning("followers.interrupted", error=type(error).__name__)
                self._stopped.wait(self._pause_seconds)
                continue
            if not is_behind:
                rest = min(REST * (monotonic() - began), REST_SECONDS_MAX)
                self._stopped.wait(max(POLL_SECONDS, rest))
                began = monotonic()
        with suppress(SQLAlchemyError), self._ledger.database.begin() as connection:
            g.give_leases_back(connection, self._holder)

    def follow_once(self) -> bool:
        """Bring every view of ours one batch forward; say whether one is still behind.

        What arrives meanwhile waits for the next turn: under load, many small batches would cost
        more than everything else that a call costs.
        """
        self._lead()
        if not self._led:
            return False  # another server follows
        with self._ledger.database.connect() as connection:
            positions = g.positions_of(connection, self._led)
        until = self._ledger.events.high_water_mark(after=min(positions.values(), default=0)) or 0
        source = Source(positions.values())
        is_behind = False
        for generation, position in positions.items():
            if self._stopped.is_set():
                return False
            is_paused = monotonic() < self._paused_until.get(generation.name, 0)
            if position < until and not is_paused:
                is_behind |= self._follow(generation, until, source)
        return is_behind

    def _follow(self, generation: g.Generation, until: int, source: Source) -> bool:
        """Follow one view; whatever is wrong with it must not stop the others."""
        try:
            view = PROJECTIONS[generation.name]
            follower = Follower(self._ledger.database, generation, view, source=source)
            return follower.step(until, self._batch) < until
        except Exception as error:  # noqa: BLE001  a view's fault is told, and tried again later
            _log.warning("view.not_followed", view=generation.name, error=type(error).__name__)
            self._paused_until[generation.name] = monotonic() + self._pause_seconds
            return False

    def _lead(self) -> None:
        """Take or keep the leases of what is live now, and give back those of what is no more."""
        with self._ledger.database.connect() as connection:
            live = live_generations(connection)
        if live == self._live and monotonic() < self._renew_at:
            return
        names = [g.lease_name(one) for one in live]
        with self._ledger.database.begin() as connection:
            g.give_leases_back(connection, self._holder, besides=names)
            self._led = [one for one in live if self._take(connection, one)]
        self._live = live
        pause = self._lease_seconds / 4 if len(self._led) == len(live) else self._pause_seconds
        self._renew_at = monotonic() + min(pause, self._lease_seconds / 4)

    def _take(self, connection: Connection, generation: g.Generation) -> bool:
        name = g.lease_name(generation)
        return g.take_lease(connection, name, self._holder, seconds=self._lease_seconds)


def live_generations(connection: Connection) -> list[g.Generation]:
    """The generations that this code reads, in the order of the registry."""
    every = g.all_generations(connection)
    found = [g.live_among(every, view) for view in PROJECTIONS.values()]
    return [one for one in found if one is not None]


def prepare_views(database: Database) -> list[str]:
    """Give every view of a ledger that has never had it an empty live generation.

    Shape: the names of views whose code has changed since: they wait for `ledger rebuild`.
    """
    stale = []
    with database.begin() as connection:
        g.decide_alone(connection)
        for view in PROJECTIONS.values():
            if g.live_generation(connection, view) is not None:
                continue
            if any(one.state == g.LIVE for one in g.all_generations(connection, view.name)):
                stale.append(view.name)
            else:
                g.create_generation(connection, view, state=g.LIVE)
    return stale


def catch_up(ledger: Ledger, generation: g.Generation, view: Projection, until: int) -> int:
    """Apply everything up to a position, in this thread; the position reached."""
    follower = Follower(ledger.database, generation, view)
    while (position := follower.step(until)) < until:
        pass
    return position
