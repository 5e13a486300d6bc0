"""Checks each delivery of the inbox against its own body, and its events against both."""

import sys
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ledger.audit.fault import KEY_GONE, CheckResult
from ledger.audit.keyring import Keyring
from ledger.audit.rederivation import Rederivation, TransactionStates, instalment_streams
from ledger.audit.stored_rows import (
    UNREADABLE,
    StoredDelivery,
    StoredEvent,
    delivery_pages,
    events_at,
    events_of,
    read_delivery,
)
from ledger.errors import MalformedNotificationError, NotificationError
from ledger.ipn.delivery import Limits, Notification
from ledger.ipn.parse import read, read_trusted
from ledger.ipn.snapshots import NotificationContent
from ledger.storage.outcomes import Outcome

PAGE = 250  # bodies in memory at a time
_LIMITS = Limits(sys.maxsize, sys.maxsize)  # what was accepted once is not refused now
_REFUSALS = (NotificationError, *UNREADABLE)


@dataclass(frozen=True, slots=True)
class DeliveryRange:
    """The deliveries above id `after`, up to and with `until`.

    Recorded ones whose events all stand before position `first` are left out.
    """

    after: str
    until: str
    first: int = 1


def check_deliveries(connection: Connection, keyring: Keyring, scope: DeliveryRange) -> CheckResult:
    """Check every delivery of a range and the events that it names."""
    result = CheckResult()
    for rows in delivery_pages(connection, scope.after, scope.until, PAGE):
        deliveries = [
            stored
            for row in rows
            if (stored := _read(row, result)) is not None and _is_wanted(stored, scope.first)
        ]
        listed = {position for stored in deliveries for position in stored.positions}
        events = events_at(connection, list(listed))
        streams = instalment_streams(events.values())
        transactions = TransactionStates(events_of(connection, streams))
        for stored in deliveries:
            _Check(stored, events, transactions, keyring, result).run()
        result.checked += len(rows)
    return result


def _read(row: Any, result: CheckResult) -> StoredDelivery | None:
    try:
        return read_delivery(row)
    except UNREADABLE as error:
        result.add(None, f"notification {row.id}", "row-unreadable", type(error).__name__)
        return None


def _is_wanted(stored: StoredDelivery, first: int) -> bool:
    is_recorded = stored.positions and stored.row.outcome == Outcome.RECORDED
    return not is_recorded or max(stored.positions) >= first


@dataclass(frozen=True, slots=True)
class _Check:
    """Checks one delivery."""

    stored: StoredDelivery
    events: dict[int, StoredEvent]
    transactions: TransactionStates
    keyring: Keyring
    result: CheckResult

    def run(self) -> None:
        digest = self.stored.delivery.digest
        if digest != self.stored.row.digest:
            self._add("digest", f"the body's is {digest[:16]}…")
        reading = self._verify_again()
        if reading is not None:
            self._compare_row(*reading)
        self._check_outcome()
        self._check_events(None if reading is None else reading[1])

    def _add(self, reason: str, detail: str, position: int | None = None) -> None:
        self.result.add(position, f"notification {self.stored.delivery.id}", reason, detail)

    # -- the signature ------------------------------------------------------------------------

    def _verify_again(self) -> tuple[Notification, NotificationContent] | None:
        row = self.stored.row
        shops = self.keyring.with_key(row.shop_id, row.mode, row.key_fingerprint)
        if shops is None:
            return self._verify_with_other_keys()
        try:
            return read(self.stored.delivery, shops, _LIMITS)
        except _REFUSALS as error:
            self._add("signature", _words(error))
            return None

    def _verify_with_other_keys(self) -> tuple[Notification, NotificationContent] | None:
        """Try all other keys: a changed fingerprint must not hide a bad signature."""
        row, delivery = self.stored.row, self.stored.delivery
        for shops in self.keyring.with_each_key(row.shop_id, row.mode):
            try:
                notification, content = read(delivery, shops, _LIMITS)
            except _REFUSALS:
                continue
            self._add("fingerprint", f"{notification.key_fingerprint} made the signature")
            return notification, content
        self.result.remarks[KEY_GONE] += 1
        try:
            return read_trusted(delivery, row.key_fingerprint, row.signed_digest, _LIMITS)
        except _REFUSALS as error:
            self._add("signature", _words(error))
            return None

    def _compare_row(self, notification: Notification, content: NotificationContent) -> None:
        row = self.stored.row
        if notification.signed_digest != row.signed_digest:
            self._add("signed-digest", f"the body's is {notification.signed_digest[:16]}…")
        columns = {
            "shop_id": (row.shop_id, notification.shop_id),
            "mode": (row.mode, notification.mode),
            "format": (row.format, notification.format),
            "source": (row.source, notification.source),
            "told_at": (self.stored.told_at, content.told_at),
        }
        for name, (stored, read_again) in columns.items():
            if stored != read_again:
                self._add("row-differs", f"{name} is {stored}, the body says {read_again}")

    # -- the events ---------------------------------------------------------------------------

    def _check_outcome(self) -> None:
        outcome = self.stored.row.outcome
        if outcome not in (Outcome.RECORDED, Outcome.REPEATED):
            self._add("outcome", str(outcome))
        elif outcome == Outcome.RECORDED and not self.stored.positions:
            self._add("no-events", "recorded, but without an event")

    def _check_events(self, content: NotificationContent | None) -> None:
        stored = self.stored
        rederivation = None if content is None else Rederivation(stored, content, self.transactions)
        for position in stored.positions:
            event = self.events.get(position)
            if event is None:
                self._add("event-missing", f"it names position {position}", position)
            elif stored.row.outcome == Outcome.REPEATED:
                continue  # the event is another delivery's, and checked with that one
            elif event.notification_id != stored.delivery.id:
                detail = f"position {position} is of {event.notification_id}"
                self._add("event-of-another", detail, position)
            elif rederivation is not None:
                for detail in rederivation.differences(event):
                    self.result.add(position, event.topic, "event-differs", detail)


def _words(error: Exception) -> str:
    """Say why a body was not read again, without anything from it."""
    if isinstance(error, MalformedNotificationError):
        return f"the body cannot be read: {error.reason}"
    return error.reason if isinstance(error, NotificationError) else type(error).__name__
