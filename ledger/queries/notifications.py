"""Lists notifications, verified ones and those in quarantine, newest or oldest first."""

import heapq
from collections.abc import Iterator

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, Table, func, select

from ledger.queries.filter_conditions import sql_conditions
from ledger.queries.filter_declarations import NotificationFilter
from ledger.queries.keyset import INDEX_SCANS_MAX
from ledger.storage.database import Database
from ledger.storage.inbox import InboxRecord, inbox_record, without_body
from ledger.storage.outcomes import Outcome
from ledger.storage.tables import notifications, quarantine

LIMIT_DEFAULT = 50
PAGE = 1_000


def list_notifications(
    connection: Connection,
    filter_: NotificationFilter,
    *,
    before_id: str | None = None,
    limit: int = LIMIT_DEFAULT,
) -> list[InboxRecord]:
    """Return notifications, newest first, without bodies. Shape: `before_id` is the cursor."""
    rows: list[InboxRecord] = []
    for table in _tables(filter_):
        newest = without_body(table).order_by(table.c.id.desc()).limit(limit)
        if before_id is not None:
            newest = newest.where(table.c.id < before_id)
        for conditions in _index_scans(filter_, table):
            rows += map(inbox_record, connection.execute(newest.where(*conditions)))
    return sorted(rows, key=lambda row: row.id, reverse=True)[:limit]


def all_notifications(
    database: Database, filter_: NotificationFilter, *, has_bodies: bool = False
) -> Iterator[RowMapping]:
    """Yield every notification, oldest first, in little memory.

    Both tables are merged by their ids, which are in the order of arrival.
    """
    previous = None
    by_table = [_all_of(database, table, filter_, has_bodies) for table in _tables(filter_)]
    for row in heapq.merge(*by_table, key=lambda row: str(row["id"])):
        if row["id"] != previous:  # one that was readmitted between two pages comes twice
            yield row
        previous = row["id"]


def count_notifications(connection: Connection, filter_: NotificationFilter) -> int:
    """Return how many notifications there are now."""
    counts = (
        select(func.count()).select_from(table).where(*_conditions(filter_, table))
        for table in _tables(filter_)
    )
    return sum(connection.scalar(query) or 0 for query in counts)


def _tables(filter_: NotificationFilter) -> list[Table]:
    """Return the tables that have such outcomes."""
    tables = []
    if not filter_.outcome or filter_.outcome - {Outcome.QUARANTINED}:
        tables.append(notifications)
    if not filter_.outcome or Outcome.QUARANTINED in filter_.outcome:
        tables.append(quarantine)
    return tables


def _conditions(
    filter_: NotificationFilter, table: Table, *without: str
) -> list[ColumnElement[bool]]:
    # Whatever is in quarantine has that outcome, without a column for it.
    is_quarantine = table is quarantine
    return sql_conditions(
        filter_, table, without={*without, "outcome"} if is_quarantine else without
    )


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
    database: Database, table: Table, filter_: NotificationFilter, has_bodies: bool
) -> Iterator[RowMapping]:
    whole: Select[tuple[object, ...]] = select(table) if has_bodies else without_body(table)
    query = whole.where(*_conditions(filter_, table)).order_by(table.c.id).limit(PAGE)
    after = ""
    while True:
        with database.connect() as connection:
            page = connection.execute(query.where(table.c.id > after)).mappings().all()
        yield from page
        if len(page) < PAGE:
            return
        after = str(page[-1]["id"])
