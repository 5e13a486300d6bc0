"""Says why something was not told, where that can be seen: refused, a silence, a rule that is off.

A report notes what it was told of this, since all of it may change without an event.
"""

from bisect import bisect
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from sqlalchemy import Connection, select
from ulid import ULID

from ledger.instants import write_instant
from ledger.ipn.notification_rules import (
    ACQUIRER_STATUS,
    BACK_OFFICE,
    DEFERRED_AUTHORISATION,
    END_OF_PAYMENT,
    INSTALMENT,
)
from ledger.queries.live_tables import live_table
from ledger.reconciliation.findings import Finding, Result
from ledger.reconciliation.journal_rows import JournalRow
from ledger.reconciliation.report_store import Scope
from ledger.storage.tables import notifications

WAITS = "waits"
"""A delivery about it was refused, or is not decided."""
SILENCE_WINDOW = "silence-window"
RULE_NEVER_SEEN = "rule-never-seen"
SILENT_PAYMENTS_MIN = 5
SILENCE_MIN = timedelta(minutes=10)
"""A silence is so long without any verified call, while files list so many payments in it of which
none was told: calls that are lost one by one leave others between them."""


@dataclass(frozen=True, slots=True)
class Silence:
    """The instants of two verified calls of a shop and mode, between which there was none."""

    last_at: datetime
    next_at: datetime

    def __str__(self) -> str:
        return f"{write_instant(self.last_at)}/{write_instant(self.next_at)}"

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `str` has written."""
        return cls(*map(datetime.fromisoformat, text.split("/")))


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known of calls that did not come.

    Shape: `find_delivery` returns the id of a delivery about a listed payment that waits, or None;
    `rules_seen` are the kinds of notification that this shop has ever sent.
    """

    find_delivery: Callable[[JournalRow], str | None]
    silences: Sequence[Silence]
    rules_seen: Collection[str]

    def causes_of(self, finding: Finding) -> dict[str, Any]:
        """Return the cause of a finding, with the delivery or the silence that it names."""
        causes: dict[str, Any] = {"cause": finding.cause, "delivery_id": None, "silence": None}
        claim = finding.claim
        if claim is None or not finding.is_gap:
            return causes
        if finding.word is Result.NEVER_TOLD:
            if (delivery_id := self.find_delivery(claim)) is not None:
                return causes | {"cause": WAITS, "delivery_id": delivery_id}
            if (silence := self._silence_around(claim)) is not None:
                return causes | {"cause": SILENCE_WINDOW, "silence": str(silence)}
        rules = _telling_rules(finding, claim)
        is_never_seen = bool(rules) and rules.isdisjoint(self.rules_seen)
        return causes | ({"cause": RULE_NEVER_SEEN} if is_never_seen else {})

    def _silence_around(self, claim: JournalRow) -> Silence | None:
        paid_at = claim.paid_at
        around = (each for each in self.silences if paid_at and each.last_at < paid_at)
        return next((each for each in around if paid_at and paid_at < each.next_at), None)


def silences_of(connection: Connection, scope: Scope, findings: Sequence[Finding]) -> list[Silence]:
    """Return the silences in which payments were made that were never told."""
    moments = sorted(
        finding.claim.paid_at
        for finding in findings
        if finding.word is Result.NEVER_TOLD and finding.claim and finding.claim.paid_at
    )
    if len(moments) < SILENT_PAYMENTS_MIN:
        return []
    arrivals = sorted(_arrivals(connection, scope, moments[0], moments[-1]))
    counts = Counter(bisect(arrivals, moment) for moment in moments)
    return [
        Silence(arrivals[number - 1], arrivals[number])
        for number, count in sorted(counts.items())
        if count >= SILENT_PAYMENTS_MIN
        and 0 < number < len(arrivals)
        and arrivals[number] - arrivals[number - 1] >= SILENCE_MIN
    ]


def rules_seen(connection: Connection, scope: Scope) -> list[str]:
    """Return the kinds of notification that a shop has ever sent. Errors: ViewNotBuiltError."""
    table, _, _ = live_table(connection, "coverage", "rule_coverage")
    c = table.c
    query = select(c.rule).where(c.shop_id == scope.shop_id, c.mode == scope.mode)
    return sorted(rule for rule in connection.scalars(query) if rule)


def _arrivals(
    connection: Connection, scope: Scope, first_at: datetime, last_at: datetime
) -> Iterator[datetime]:
    """Yield when calls came between two instants, and the nearest before and after them."""
    c = notifications.c
    first, end = (_id_at(each) for each in (first_at, last_at))
    calls = select(c.received_at).where(c.shop_id == scope.shop_id, c.mode == scope.mode)
    yield from connection.scalars(calls.where(c.id < first).order_by(c.id.desc()).limit(1))
    yield from connection.scalars(calls.where(c.id >= first, c.id < end))
    yield from connection.scalars(calls.where(c.id >= end).order_by(c.id).limit(1))


def _id_at(instant: datetime) -> str:
    """Return what the ids of that millisecond begin with."""
    return str(ULID.from_datetime(instant))[:10]


def _telling_rules(finding: Finding, claim: JournalRow) -> frozenset[str]:
    """Return the kinds of notification of which one would have told this; empty if unknown."""
    if finding.word is Result.NEVER_TOLD:
        by_direction = {
            "DEBIT": frozenset({END_OF_PAYMENT, INSTALMENT}),
            "CREDIT": frozenset({BACK_OFFICE}),
        }
        return by_direction.get(claim.direction or "", frozenset())
    if finding.word is not Result.BEHIND or finding.known is None:
        return frozenset()
    if "status" not in finding.differences or claim.status == "CANCELLED":
        return frozenset({BACK_OFFICE})
    was_waiting = (finding.known.status or "").startswith("WAITING_AUTHORISATION")
    return frozenset({DEFERRED_AUTHORISATION if was_waiting else ACQUIRER_STATUS})
