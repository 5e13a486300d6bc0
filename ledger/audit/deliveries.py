"""Checks each delivery of the inbox against its own body, and its events against both."""

import sys
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ledger.application import RECORDED, REPEATED
from ledger.audit.fault import KEY_GONE, CheckResult
from ledger.audit.keyring import Keyring
from ledger.audit.retelling import Rederivation, TransactionStates, instalment_streams
from ledger.audit.stored import (
    UNREADABLE,
    StoredDelivery,
    StoredEvent,
    delivery_pages,
    events_at,
    events_of,
    read_delivery,
)
from ledger.errors import MalformedNotificationError, NotificationError
from ledger.formats import read, read_trusted
from ledger.formats.snapshot import Told
from ledger.notification import Limits, Notification, Proof

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
    return stored.outcome != RECORDED or not stored.positions or max(stored.positions) >= first


class _Check:
    """Checks one delivery."""

    def __init__(
        self,
        stored: StoredDelivery,
        events: dict[int, StoredEvent],
        transactions: TransactionStates,
        keyring: Keyring,
        result: CheckResult,
    ) -> None:
        self._stored = stored
        self._events = events
        self._transactions = transactions
        self._keyring = keyring
        self._result = result

    def run(self) -> None:
        stored = self._stored
        if stored.delivery.digest != stored.digest:
            self._add("digest", f"the body's is {stored.delivery.digest[:16]}…")
        reading = self._verify_again()
        if reading is not None:
            self._compare_row(*reading)
        self._check_outcome()
        self._check_events(None if reading is None else reading[1])

    def _add(self, reason: str, detail: str, position: int | None = None) -> None:
        self._result.add(position, f"notification {self._stored.delivery.id}", reason, detail)

    # -- the signature ------------------------------------------------------------------------

    def _verify_again(self) -> tuple[Notification, Told] | None:
        stored = self._stored
        shops = self._keyring.with_key(stored.shop_id, stored.mode, stored.key_fingerprint)
        if shops is None:
            return self._verify_with_other_keys()
        try:
            return read(stored.delivery, shops, _LIMITS)
        except _REFUSALS as error:
            self._add("signature", _words(error))
            return None

    def _verify_with_other_keys(self) -> tuple[Notification, Told] | None:
        """Try all other keys: a changed fingerprint must not hide a bad signature."""
        stored = self._stored
        for shops in self._keyring.with_each_key(stored.shop_id, stored.mode):
            try:
                notification, content = read(stored.delivery, shops, _LIMITS)
            except _REFUSALS:
                continue
            self._add("fingerprint", f"{notification.key_fingerprint} made the signature")
            return notification, content
        self._result.remarks[KEY_GONE] += 1
        proof = Proof(stored.key_fingerprint, stored.signed_digest)
        try:
            return read_trusted(stored.delivery, proof, _LIMITS)
        except _REFUSALS as error:
            self._add("signature", _words(error))
            return None

    def _compare_row(self, notification: Notification, content: Told) -> None:
        stored = self._stored
        if notification.signed_digest != stored.signed_digest:
            self._add("signed-digest", f"the body's is {notification.signed_digest[:16]}…")
        columns = {
            "shop_id": notification.shop_id,
            "mode": notification.mode,
            "format": notification.format,
            "source": notification.source,
            "told_at": content.told_at,
        }
        for name, read_again in columns.items():
            if getattr(stored, name) != read_again:
                detail = f"{name} is {getattr(stored, name)}, the body says {read_again}"
                self._add("row-differs", detail)

    # -- the events ---------------------------------------------------------------------------

    def _check_outcome(self) -> None:
        stored = self._stored
        if stored.outcome not in (RECORDED, REPEATED):
            self._add("outcome", str(stored.outcome))
        elif stored.outcome == RECORDED and not stored.positions:
            self._add("no-events", "recorded, but without an event")

    def _check_events(self, content: Told | None) -> None:
        stored = self._stored
        rederivation = (
            None if content is None else Rederivation(stored, content, self._transactions)
        )
        for position in stored.positions:
            event = self._events.get(position)
            if event is None:
                self._add("event-missing", f"it names position {position}", position)
            elif stored.outcome == REPEATED:
                continue  # the event is another delivery's, and checked with that one
            elif event.notification_id != stored.delivery.id:
                detail = f"position {position} is of {event.notification_id}"
                self._add("event-of-another", detail, position)
            elif rederivation is not None:
                for detail in rederivation.differences(event):
                    self._result.add(position, event.topic, "event-differs", detail)


def _words(error: Exception) -> str:
    """Say why a body was not read again, without anything from it."""
    if isinstance(error, MalformedNotificationError):
        return f"the body cannot be read: {error.reason}"
    return error.reason if isinstance(error, NotificationError) else type(error).__name__
