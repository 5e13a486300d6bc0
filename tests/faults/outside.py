"""Verifies a whole ledger from outside, after whatever was done to it.

It holds the ledger against what its senders were answered, against itself (`ledger verify`), and
against another ledger that is told the same in peace.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import func, insert, select

from ledger.application import Ledger
from ledger.audit.fault import NOT_LOGGED, NOT_SIGNED
from ledger.audit.run_checks import Audit
from ledger.ipn.delivery import Delivery
from ledger.projections.engine import generations as g
from ledger.projections.engine.registry import PROJECTIONS
from ledger.queries.filter_declarations import NotificationFilter
from ledger.queries.notifications import all_notifications
from ledger.recording.inbox_rows import delivery_of
from ledger.storage.database import Database
from ledger.storage.migrations import migrate
from ledger.storage.tables import decisions, notifications, wrapped_keys
from tests.states import state, streams

PAGE = 500
ID_LENGTH = 26


@dataclass(frozen=True, slots=True)
class Answered:
    """One call and the last line that its sender was told."""

    digest: str
    status: int
    line: str

    @property
    def id(self) -> str | None:
        """Under which it was kept. Shape: `OK recorded <id>`; None for an answer that was cut off
        after its status, which is all that the platform reads."""
        words = self.line.split(" ")
        return words[2] if len(words) == 3 and len(words[2]) == ID_LENGTH else None


@dataclass
class Verdict:
    """What was found. Shape: everything empty when the ledger kept its promises."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.faults or self.differing or self.behind)


def verdict(
    ledger: Ledger,
    answered: Iterable[Answered],
    deliveries: Sequence[Delivery] | None = None,
    *,
    workers: int = 1,
) -> Verdict:
    """Hold a ledger against the record of answers.

    Shape: `told` is everything that it can have heard, in an order that changes nothing; by
    default what its journal holds, in the order in which it was recorded.
    """
    result = Verdict()
    _find_lost(ledger, answered, result)
    _find_doubled(ledger, result)
    _find_faults(ledger, result, workers)
    _find_behind(ledger, result)
    _compare(ledger, journal(ledger) if deliveries is None else deliveries, result)
    return result


def assert_whole(
    ledger: Ledger, answered: Iterable[Answered], deliveries: Sequence[Delivery] | None = None
) -> None:
    """Fail unless everything answered 200 is there, once, and all else follows from it."""
    whole = verdict(ledger, answered, deliveries)
    assert whole == Verdict(), whole


def _find_lost(ledger: Ledger, answered: Iterable[Answered], result: Verdict) -> None:
    """What was acknowledged and is not there as it was told, or was refused and is not kept."""
    every = list(all_notifications(ledger, NotificationFilter()))
    record_by_id = {record.id: record for record in every}
    verified = {record.digest for record in every if record.outcome != "quarantined"}
    refused = {record.digest for record in every if record.outcome == "quarantined"}
    for answer in answered:
        if answer.status == 200 and answer.id is not None:
            row = record_by_id.get(answer.id)
            is_as_told = row is not None and (
                row.outcome in answer.line or (row.decided_at and "undecided" in answer.line)
            )
            is_kept = row is not None and row.digest == answer.digest and is_as_told
        elif answer.status == 200:
            is_kept = answer.digest in verified
        else:
            is_kept = answer.status in (400, 415) and answer.digest in refused
        if not is_kept:
            never = answer.status not in (200, 400, 415)
            result.lost.append(f"never answered: {answer.line}" if never else answer.line)


def _find_doubled(ledger: Ledger, result: Verdict) -> None:
    """One fact, one recorded delivery; one event, one delivery that brought it."""
    c = notifications.c
    recorded = c.outcome == "recorded"
    twice = select(c.signed_tag).where(recorded).group_by(c.signed_tag)
    with ledger.database.connect() as connection:
        result.doubled += connection.scalars(twice.having(func.count() > 1))
        later = select(decisions.c.positions).where(decisions.c.outcome == "recorded")
        deliveries_by_position = Counter(
            position
            for query in (select(c.positions).where(recorded), later)
            for positions in connection.scalars(query)
            for position in positions
        )
    result.doubled += [
        f"event {position}" for position, count in deliveries_by_position.items() if count > 1
    ]
    stored = {recorded.position for events in streams(ledger).values() for recorded in events}
    result.doubled += [
        f"event {position} of nobody" for position in stored - deliveries_by_position.keys()
    ]


def _find_faults(ledger: Ledger, result: Verdict, workers: int) -> None:
    audit = Audit(ledger, workers=workers)
    result.faults += [f"{fault.subject}: {fault.reason} {fault.detail}" for fault in audit.faults()]
    without_key = {NOT_LOGGED, NOT_SIGNED}  # nobody signs here, and what is new waits
    result.faults += [f"not checked: {fault}" for fault in audit.remarks.keys() - without_key]


def _find_behind(ledger: Ledger, result: Verdict) -> None:
    """The audit holds each view against the events up to where it stands: it must be the end."""
    end = ledger.events.newest_position() or 0
    with ledger.database.connect() as connection:
        for view in PROJECTIONS.values():
            live = g.live_generation(connection, view)
            if live is None or g.position_of(connection, live) < end:
                result.behind.append(view.name)


def _compare(ledger: Ledger, deliveries: Sequence[Delivery], result: Verdict) -> None:
    """The same objects, each in the same state after as many events, as when told in peace."""
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'in-peace.sqlite'}")
        try:
            migrate(database)
            _share_keys(ledger.database, database)
            calm = Ledger(ledger.settings, ledger.shops, database)
            for start in range(0, len(deliveries), PAGE):
                calm.receive_many(deliveries[start : start + PAGE])
            here, there = streams(ledger), streams(calm)
        finally:
            database.dispose()
    for id_ in here.keys() | there.keys():
        if id_ not in here or id_ not in there:
            result.differing.append(f"{id_}: {'missing' if id_ in there else 'of nobody'}")
        elif len(here[id_]) != len(there[id_]):
            result.differing.append(f"{id_}: {len(here[id_])} events, {len(there[id_])} in peace")
        elif state(here[id_]) != state(there[id_]):
            result.differing.append(f"{id_}: another state")


def _share_keys(ours: Database, other: Database) -> None:
    """Let another ledger name contents as ours does."""
    with ours.connect() as connection:
        rows = [{**row} for row in connection.execute(select(wrapped_keys)).mappings()]
    with other.begin() as connection:
        connection.execute(insert(wrapped_keys), rows)


def journal(ledger: Ledger) -> list[Delivery]:
    """Every verified delivery, in the order in which it was recorded."""
    every = all_notifications(ledger, NotificationFilter(), has_bodies=True)
    verified = [record for record in every if record.recorded_at is not None]
    verified.sort(key=lambda record: (record.recorded_at, record.id))
    return [
        replace(delivery_of(record), shop_id=None, mode=None, is_imported=False)
        for record in verified
    ]
