"""Holds each delivery of the journal against its own body, and its events against both."""

import sys
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ledger.audit.fault import KEY_GONE, Found
from ledger.audit.keyring import Keyring
from ledger.audit.retelling import Lives, Retelling, transactions_of
from ledger.audit.stored import (
    UNREADABLE,
    Kept,
    StoredEvent,
    deliveries,
    events_at,
    events_of,
    kept,
)
from ledger.errors import MalformedNotificationError, NotificationError
from ledger.formats import read, read_trusted
from ledger.formats.snapshot import Told
from ledger.notification import Limits, Notification, Proof
from ledger.storage.outcomes import Outcome

PAGE = 250  # bodies in memory at a time
_LIMITS = Limits(sys.maxsize, sys.maxsize)  # what was accepted once is not refused now


@dataclass(frozen=True, slots=True)
class Deliveries:
    """A range of the journal's ids, from above `after` to `until`. Recorded ones whose events
    all stand before `first` are left out."""

    after: str
    until: str
    first: int = 1


def check_deliveries(connection: Connection, keyring: Keyring, part: Deliveries) -> Found:
    """Check every delivery of a range and the events that it names."""
    found = Found()
    for rows in deliveries(connection, part.after, part.until, PAGE):
        readable = [one for row in rows if (one := _kept(row, found)) is not None]
        wanted = [one for one in readable if _is_wanted(one, part.first)]
        named = {position for one in wanted for position in one.positions}
        events = events_at(connection, list(named))
        lives = Lives(events_of(connection, transactions_of(events.values())))
        for one in wanted:
            _Check(one, events, lives, keyring, found).run()
        found.checked += len(rows)
    return found


def _kept(row: Any, found: Found) -> Kept | None:
    try:
        return kept(row)
    except UNREADABLE as error:
        found.add(None, f"notification {row.id}", "row-unreadable", type(error).__name__)
        return None


def _is_wanted(one: Kept, first: int) -> bool:
    return one.outcome != Outcome.RECORDED or not one.positions or max(one.positions) >= first


class _Check:
    """Checks one delivery."""

    def __init__(
        self,
        row: Kept,
        events: dict[int, StoredEvent],
        lives: Lives,
        keyring: Keyring,
        found: Found,
    ) -> None:
        self._row = row
        self._events = events
        self._lives = lives
        self._keyring = keyring
        self._found = found

    def run(self) -> None:
        row = self._row
        if row.delivery.digest != row.digest:
            self._add("digest", f"the body's is {row.delivery.digest[:16]}…")
        read_again = self._read()
        told = None
        if read_again is not None:
            told = read_again[1]
            self._compare(*read_again)
        self._check_outcome()
        self._check_events(told)

    def _add(self, reason: str, detail: str, position: int | None = None) -> None:
        self._found.add(position, f"notification {self._row.delivery.id}", reason, detail)

    # -- the signature ------------------------------------------------------------------------

    def _read(self) -> tuple[Notification, Told] | None:
        row = self._row
        shops = self._keyring.alone(row.shop_id, row.mode, row.key_fingerprint)
        if shops is None:
            return self._read_without_key()
        try:
            return read(row.delivery, shops, _LIMITS)
        except (NotificationError, *UNREADABLE) as error:
            self._add("signature", _told(error))
            return None

    def _read_without_key(self) -> tuple[Notification, Told] | None:
        """Another key's fingerprint must not turn a bad signature into one nobody can check."""
        row = self._row
        for shops in self._keyring.others(row.shop_id, row.mode):
            try:
                notification, told = read(row.delivery, shops, _LIMITS)
            except (NotificationError, *UNREADABLE):
                continue
            self._add("fingerprint", f"{notification.key_fingerprint} made the signature")
            return notification, told
        self._found.remarks[KEY_GONE] += 1
        proof = Proof(row.key_fingerprint, row.signed_digest)
        try:
            return read_trusted(row.delivery, proof, _LIMITS)
        except (NotificationError, *UNREADABLE) as error:
            self._add("signature", _told(error))
            return None

    def _compare(self, notification: Notification, told: Told) -> None:
        row = self._row
        if notification.signed_digest != row.signed_digest:
            self._add("signed-digest", f"the body's is {notification.signed_digest[:16]}…")
        pairs = {
            "shop_id": (row.shop_id, notification.shop_id),
            "mode": (row.mode, notification.mode),
            "format": (row.format, notification.format),
            "source": (row.source, notification.source),
            "told_at": (row.told_at, told.told_at),
        }
        for name, (mine, theirs) in pairs.items():
            if mine != theirs:
                self._add("row-differs", f"{name} is {mine}, the body says {theirs}")

    # -- the events ---------------------------------------------------------------------------

    def _check_outcome(self) -> None:
        row = self._row
        if row.outcome not in (Outcome.RECORDED, Outcome.REPEATED):
            self._add("outcome", str(row.outcome))
        elif row.outcome == Outcome.RECORDED and not row.positions:
            self._add("no-events", "recorded, but without an event")

    def _check_events(self, told: Told | None) -> None:
        row = self._row
        retelling = None if told is None else Retelling(row, told, self._lives)
        for position in row.positions:
            event = self._events.get(position)
            if event is None:
                self._add("event-missing", f"it names position {position}", position)
            elif row.outcome == Outcome.REPEATED:
                continue  # the event is another delivery's, and checked with that one
            elif event.notification_id != row.delivery.id:
                told_by = f"position {position} is of {event.notification_id}"
                self._add("event-of-another", told_by, position)
            elif retelling is not None:
                for detail in retelling.differences(event):
                    self._found.add(position, event.topic, "event-differs", detail)


def _told(error: Exception) -> str:
    if isinstance(error, MalformedNotificationError):
        return f"the body cannot be read: {error.reason}"
    return error.reason if isinstance(error, NotificationError) else type(error).__name__
