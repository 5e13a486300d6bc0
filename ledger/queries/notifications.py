"""Lists notifications, verified ones and those in quarantine, newest or oldest first."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import product
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, select

from ledger.application import Ledger
from ledger.instants import write_public_instant
from ledger.ipn.modes import Mode
from ledger.queries.filter_conditions import sql_conditions
from ledger.queries.filter_declarations import NotificationFilter
from ledger.queries.keyset import INDEX_SCANS_MAX
from ledger.recording.readmission import WAITING
from ledger.storage.decisions import has_outcome
from ledger.storage.inbox import InboxRecord, as_decided, inbox_record, select_deliveries
from ledger.storage.outcomes import Outcome
from ledger.storage.tables import notifications, quarantine

LIMIT_DEFAULT = 50
PAGE = 1_000

_Opening = Callable[[Connection, list[InboxRecord]], list[InboxRecord]]
"""Opens what a page of deliveries needs of what is sealed."""


def notification_data(row: InboxRecord) -> dict[str, Any]:
    """Describe one delivery for a machine, without its body."""
    return {
        "id": row.id,
        "received_at": write_public_instant(row.received_at),
        "recorded_at": _instant(row.recorded_at),
        "format": row.format,
        "shop_id": row.shop_id,
        "mode": Mode(row.mode).public if row.mode else None,
        "source": row.source,
        "outcome": row.outcome,
        "reason": row.reason,
        "error_class": row.error_class,
        "code_version": row.code_version,
        "decided_at": _instant(row.decided_at),
        "digest": row.digest,
        "positions": list(row.positions),
        "key_fingerprint": row.key_fingerprint,
        "told_at": _instant(row.told_at),
        "peer": row.peer,
        "content_type": row.content_type,
        "is_imported": row.is_imported,
    }


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else write_public_instant(instant)


def list_notifications(
    ledger: Ledger,
    filter_: NotificationFilter,
    *,
    before_id: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> list[InboxRecord]:
    """Return notifications, newest first, without bodies. Shape: `before_id` is the cursor."""
    records: list[InboxRecord] = []
    with ledger.database.connect() as connection:
        for table in _tables(filter_):
            newest = select_deliveries(table).order_by(table.c.id.desc()).limit(limit)
            if before_id is not None:
                newest = newest.where(table.c.id < before_id)
            for conditions in _index_scans(filter_, table):
                rows = connection.execute(newest.where(*conditions))
                records += as_decided(connection, map(inbox_record, rows))
        page = sorted(records, key=lambda record: record.id, reverse=True)[:limit]
        return ledger.sealing.with_digests(connection, page)


def waiting(
    ledger: Ledger, reason: str | None = None, *, shops: Sequence[str] | None = None
) -> list[str]:
    """Return the ids of what is in quarantine or undecided in the order of arrival, so that they
    are recorded in it."""
    filter_ = NotificationFilter(
        outcome=frozenset(WAITING),
        reason=frozenset({reason} if reason else ()),
        shop_id=None if shops is None else frozenset(shops),
    )
    return [record.id for record in _merged(ledger, filter_, lambda _, records: records)]


def all_notifications(
    ledger: Ledger, filter_: NotificationFilter, *, has_bodies: bool = False
) -> Iterator[InboxRecord]:
    """Yield every notification, oldest first, in little memory."""
    sealing = ledger.sealing
    return _merged(ledger, filter_, sealing.with_bodies if has_bodies else sealing.with_digests)


def _merged(
    ledger: Ledger, filter_: NotificationFilter, opening: _Opening
) -> Iterator[InboxRecord]:
    """Merge both tables by their ids, which are in the order of arrival."""
    previous = None
    by_table = [_all_of(ledger, table, filter_, opening) for table in _tables(filter_)]
    for record in heapq.merge(*by_table, key=lambda record: record.id):
        if record.id != previous:  # one that was readmitted between two pages comes twice
            yield record
        previous = record.id


def newest_arrivals(
    connection: Connection, shop_ids: Iterable[str]
) -> dict[tuple[str, str], datetime]:
    """Return when the newest verified notification of each shop and mode arrived.

    Shape: modes in lower case; one that has had none is left out.
    """
    newest: dict[tuple[str, str], datetime] = {}
    columns = notifications.c
    query = select(columns.received_at).order_by(columns.id.desc()).limit(1)
    for shop_id, mode in product(shop_ids, Mode):
        own = query.where(columns.shop_id == shop_id, columns.mode == mode.value)
        arrived_at = connection.scalar(own)
        if arrived_at is not None:
            newest[shop_id, mode.public] = arrived_at
    return newest


def count_notifications(connection: Connection, filter_: NotificationFilter) -> int:
    """Return how many notifications there are now."""
    counts = (
        select(func.count()).select_from(table).where(*_conditions(filter_, table))
        for table in _tables(filter_)
    )
    return sum(connection.scalar(query) or 0 for query in counts)


def _tables(filter_: NotificationFilter) -> list[Table]:
    """Return the tables that have such outcomes."""
    outcomes = filter_.outcome or frozenset(Outcome)
    tables = [notifications] if outcomes - {Outcome.QUARANTINED} else []
    return [*tables, quarantine] if Outcome.QUARANTINED in outcomes else tables


def _conditions(
    filter_: NotificationFilter, table: Table, *without: str
) -> list[ColumnElement[bool]]:
    """Return the conditions; whatever is in quarantine has that outcome, without a column for it,
    and in the inbox a later decision counts."""
    conditions = list(sql_conditions(filter_, table, without=(*without, "outcome")))
    if table is notifications and filter_.outcome:
        conditions.append(has_outcome(filter_.outcome))
    return conditions


def _index_scans(filter_: NotificationFilter, table: Table) -> Iterator[list[ColumnElement[bool]]]:
    """Yield the conditions of each query: verified ones of few shops and one mode are read along
    the index of each shop, unless a reason leaves few rows anyway."""
    shops = filter_.shop_id
    is_indexed = table is notifications and filter_.mode is not None and not filter_.reason
    if shops is None or not is_indexed or len(shops) > INDEX_SCANS_MAX:
        yield _conditions(filter_, table)
        return
    conditions = _conditions(filter_, table, "shop_id")
    for shop_id in sorted(shops):
        yield [table.c.shop_id == shop_id, *conditions]


def _all_of(
    ledger: Ledger, table: Table, filter_: NotificationFilter, opening: _Opening
) -> Iterator[InboxRecord]:
    query = select_deliveries(table).where(*_conditions(filter_, table))
    query = query.order_by(table.c.id).limit(PAGE)
    after = ""
    while True:
        with ledger.database.connect() as connection:
            rows = connection.execute(query.where(table.c.id > after)).all()
            page = opening(connection, as_decided(connection, map(inbox_record, rows)))
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].id
