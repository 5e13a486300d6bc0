"""Looks from a thread of the service what needs an operator, and tells; one process at a time."""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from ledger.alerting.conditions import Condition, Source
from ledger.alerting.sending import FAILURES, Alert, Channels, alert_id
from ledger.alerting.standing import (
    StandingCondition,
    note_conditions,
    note_failure,
    note_sent,
    standing_conditions,
)
from ledger.instants import utc_now
from ledger.projections.engine.leases import new_holder, release_leases, take_lease
from ledger.storage.database import Database

POLL_SECONDS = 60.0
LEASE, LEASE_SECONDS = "alerts", 100.0

_log = structlog.get_logger(__name__)


class AlertRunner:
    """Tells of what begins, lasts and ends, until it is stopped; a failure stops nothing.

    Shape: `failed` is told the name of each channel that did not take an alert.
    """

    def __init__(
        self,
        database: Database,
        sources: Mapping[str, Source],
        channels: Channels,
        *,
        failed: Callable[[str], None] = lambda _: None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._sources = sources
        self._channels = channels
        self._failed = failed
        self._now = now
        self._holder = new_holder()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)

    def start(self) -> None:
        """Begin, if there is a channel to tell by."""
        if self._channels:
            self._thread.start()

    def stop(self) -> None:
        """Wait for the alert under way, and send no more."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)
            with suppress(SQLAlchemyError), self._database.begin() as connection:
                release_leases(connection, self._holder)

    def _run(self) -> None:
        while not self._stopped.wait(POLL_SECONDS):
            try:
                self.step()
            except Exception as error:  # noqa: BLE001  nobody else in this process would go on
                _log.warning("alerts.interrupted", error=type(error).__name__)

    def step(self) -> None:
        """Look once, and tell what there is to tell; nothing while another process does."""
        with self._database.begin() as connection:
            if not take_lease(connection, LEASE, self._holder, seconds=LEASE_SECONDS):
                return
        current, kinds = self._conditions()
        with self._database.begin() as connection:
            note_conditions(connection, current, kinds, self._now())
            all_remembered = standing_conditions(connection)
        for remembered in all_remembered:
            news = remembered.news_at(self._now())
            if news is not None and not self._stopped.is_set():
                self._tell(remembered, news)

    def _conditions(self) -> tuple[list[Condition], list[str]]:
        """Return what holds, and of which kinds that could be found out."""
        current: list[Condition] = []
        kinds = []
        for kind, source in self._sources.items():
            try:
                current += source(self._now())
            except Exception as error:  # noqa: BLE001  the other kinds are told of all the same
                _log.warning("alerts.unknown", kind=kind, error=type(error).__name__)
            else:
                kinds.append(kind)
        return current, kinds

    def _tell(self, remembered: StandingCondition, news: str) -> None:
        """Tell by every channel: one that takes it is enough, else it is tried again later."""
        now = self._now()
        instants = [each for each in (remembered.began_at, remembered.sent_at) if each is not None]
        alert = Alert(
            id=alert_id(remembered.name, news, *instants),
            kind=remembered.kind,
            name=remembered.name,
            news=news,
            message=remembered.message,
            began_at=remembered.began_at,
            at=now,
        )
        taken = [name for name, error in send(self._channels, alert).items() if error is None]
        for channel in self._channels.keys() - taken:
            self._failed(channel)
        with self._database.begin() as connection:
            (note_sent if taken else note_failure)(connection, remembered, now)
        _log.info("alerts.told", name=remembered.name, news=news, channels=taken)


def send(channels: Channels, alert: Alert) -> dict[str, str | None]:
    """Send an alert by every channel. Shape: by channel why it failed, None when it did not."""
    outcome_by_channel: dict[str, str | None] = {}
    for channel, send_by in channels.items():
        try:
            send_by(alert)
        except FAILURES as error:
            outcome_by_channel[channel] = f"{type(error).__name__}: {error}"
            _log.warning("alerts.failed", channel=channel, error=type(error).__name__)
        else:
            outcome_by_channel[channel] = None
    return outcome_by_channel
