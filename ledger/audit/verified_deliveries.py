"""Checks each delivery of the inbox against its own body, and its events against both."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from ledger.audit.fault import BODY_ERASED, KEY_GONE, UNDECIDED, CheckResult
from ledger.audit.opened_evidence import OpenedEvidence
from ledger.audit.rederivation import Rederivation, TransactionStates, instalment_names
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
from ledger.ipn.parse import Proven, trust, understand, verify
from ledger.ipn.shops_and_keys import Key, Shop, Shops
from ledger.ipn.snapshots import NotificationContent
from ledger.sealing.sealing import Sealing
from ledger.storage.database import Database
from ledger.storage.outcomes import Outcome
from ledger.storage.stream_names import streams_by_name

UNLIMITED = Limits(sys.maxsize, sys.maxsize)  # what was accepted once is not refused now
_REFUSALS = (NotificationError, *UNREADABLE)


def check_deliveries(
    database: Database, sealing: Sealing, shops: Shops, after_id: str, until_id: str, first: int
) -> CheckResult:
    """Check the deliveries above `after_id`, up to and with `until_id`, and the events they name.

    Recorded ones whose events all stand before position `first` are left out.
    """
    result = CheckResult()
    with database.connect() as connection, sealing.tagging():
        for raw_rows in delivery_pages(connection, after_id, until_id):
            evidence = OpenedEvidence(sealing, connection, [row.id for row in raw_rows])
            deliveries = [
                stored_delivery
                for raw_row in raw_rows
                if (stored_delivery := _read(raw_row, evidence, result))
                and _is_wanted(stored_delivery, first)
            ]
            _check_page(connection, deliveries, evidence, shops, result)
            result.checked += len(raw_rows)
    return result


def _check_page(
    connection: Connection,
    deliveries: Sequence[StoredDelivery],
    evidence: OpenedEvidence,
    shops: Shops,
    result: CheckResult,
) -> None:
    event_by_position, transactions = read_events(connection, deliveries, evidence)
    for stored_delivery in deliveries:
        _Check(stored_delivery, evidence, event_by_position, transactions, shops, result).run()


def read_events(
    connection: Connection, deliveries: Sequence[StoredDelivery], evidence: OpenedEvidence
) -> tuple[dict[int, StoredEvent], TransactionStates]:
    """Read the events that deliveries name, with the states of the transactions behind them."""
    listed = {position for delivery in deliveries for position in delivery.positions}
    event_by_position = events_at(connection, list(listed))
    evidence.open_parts({event.origin_id for event in event_by_position.values()})
    name_ids = instalment_names(event_by_position.values())
    stream_by_name = streams_by_name(connection, list(name_ids))
    events = events_of(connection, name_ids | set(stream_by_name.values()))
    return event_by_position, TransactionStates(events, stream_by_name)


def _read(raw_row: Any, evidence: OpenedEvidence, result: CheckResult) -> StoredDelivery | None:
    try:
        return read_delivery(raw_row, evidence.body(raw_row.id) or b"")
    except UNREADABLE as error:
        result.add(None, f"notification {raw_row.id}", "row-unreadable", type(error).__name__)
        return None


def _is_wanted(stored_delivery: StoredDelivery, first: int) -> bool:
    is_recorded = stored_delivery.positions and stored_delivery.raw_row.outcome == Outcome.RECORDED
    return not is_recorded or max(stored_delivery.positions) >= first


@dataclass(frozen=True, slots=True)
class _Check:
    """Checks one delivery."""

    stored_delivery: StoredDelivery
    evidence: OpenedEvidence
    event_by_position: dict[int, StoredEvent]
    transactions: TransactionStates
    shops: Shops
    result: CheckResult

    def run(self) -> None:
        rederivation = None
        if self._is_undecided:
            self.result.remarks[UNDECIDED] += 1
        if self._has_body() and (proven := self._verify_again()):
            content = None if self._is_undecided else self._understand(proven)
            self._compare_row(proven.notification, content)
            if content is not None:
                parts = self.evidence.parts
                rederivation = Rederivation(self.stored_delivery, content, self.transactions, parts)
        self._check_outcome()
        for position in self.stored_delivery.positions:
            stored_event = self.event_by_position.get(position)
            check_event(self.stored_delivery, position, stored_event, rederivation, self.result)

    def _has_body(self) -> bool:
        """Return True if there is a body to look at; what keeps it from being read is a fault."""
        id_ = self.stored_delivery.delivery.id
        if self.evidence.is_erased(id_):
            self.result.remarks[BODY_ERASED] += 1
            return False
        reason = self.evidence.why_not(id_)
        if reason is not None:
            self._add(reason, "its body cannot be opened")
            return False
        digest = self.stored_delivery.delivery.digest
        if digest != self.evidence.digest(id_):
            self._add("digest", f"the body's is {digest[:16]}…")
        return True

    def _add(self, reason: str, detail: str) -> None:
        subject = f"notification {self.stored_delivery.delivery.id}"
        self.result.add(None, subject, reason, detail)

    @property
    def _is_undecided(self) -> bool:
        return bool(self.stored_delivery.raw_row.outcome == Outcome.UNDECIDED)

    def _understand(self, proven: Proven) -> NotificationContent | None:
        try:
            return understand(proven)
        except _REFUSALS as error:
            self._add("signature", _words(error))
            return None

    def _verify_again(self) -> Proven | None:
        """Verify with the key that is named; when it is gone, with each other key of the shop: a
        changed fingerprint must not hide a bad signature."""
        row, delivery = self.stored_delivery.raw_row, self.stored_delivery.delivery
        shop = self.shops.shop_by_id.get(row.shop_id)
        keys = [key for key in shop.keys if key.mode == row.mode] if shop else []
        named_key = next((key for key in keys if key.fingerprint == row.key_fingerprint), None)
        try:
            if named_key:
                return verify(delivery, _alone(named_key), UNLIMITED)
            for key in keys:
                with suppress(*_REFUSALS):
                    proven = verify(delivery, _alone(key), UNLIMITED)
                    self._add("fingerprint", f"{key.fingerprint} made the signature")
                    return proven
            self.result.remarks[KEY_GONE] += 1
            return trust(delivery, row.key_fingerprint, self.stored_delivery.signed_tag, UNLIMITED)
        except _REFUSALS as error:
            self._add("signature", _words(error))
            return None

    def _compare_row(self, notification: Notification, content: NotificationContent | None) -> None:
        row = self.stored_delivery.raw_row
        if notification.signed_tag != self.stored_delivery.signed_tag:
            self._add("signed-tag", f"the body's is {notification.signed_tag[:16]}…")
        names = ("shop_id", "mode", "format", "source")
        compared = [(name, getattr(row, name), getattr(notification, name)) for name in names]
        if (
            content is not None and row.first_outcome != Outcome.UNDECIDED
        ):  # else nobody had read it
            compared.append(("told_at", self.stored_delivery.told_at, content.told_at))
        for name, stored, derived in compared:
            if stored != derived:
                self._add("row-differs", f"{name} is {stored}, the body says {derived}")

    def _check_outcome(self) -> None:
        outcome = self.stored_delivery.raw_row.outcome
        if outcome not in (Outcome.RECORDED, Outcome.REPEATED, Outcome.UNDECIDED):
            self._add("outcome", str(outcome))
        elif outcome == Outcome.RECORDED and not self.stored_delivery.positions:
            self._add("no-events", "recorded, but without an event")


def check_event(
    stored_delivery: StoredDelivery,
    position: int,
    stored_event: StoredEvent | None,
    rederivation: Rederivation | None,
    result: CheckResult,
) -> None:
    """Check an event that a delivery, or an answer, names against what that says."""
    row = stored_delivery.raw_row
    subject = f"notification {stored_delivery.delivery.id}"
    if stored_event is None:
        result.add(position, subject, "event-missing", f"it names position {position}")
    elif row.outcome == Outcome.REPEATED:
        return  # the event is another delivery's, and checked with that one
    elif stored_event.origin_id != row.origin_id:
        detail = f"position {position} is of {stored_event.origin_id}"
        result.add(position, subject, "event-of-another", detail)
    elif rederivation is not None:
        for difference in rederivation.differences(stored_event):
            result.add(position, stored_event.topic, "event-differs", difference)


def _alone(key: Key) -> Shops:
    """Return a shops file with this key, at all times: its window is about arrival, not proof."""
    unlimited = replace(key, not_before=None, not_after=None)
    return Shops({key.shop_id: Shop(key.shop_id, "", (unlimited,))})


def _words(error: Exception) -> str:
    """Say why a body was not read again, without anything from it."""
    if isinstance(error, MalformedNotificationError):
        return f"the body cannot be read: {error.reason}"
    return error.reason if isinstance(error, NotificationError) else type(error).__name__
