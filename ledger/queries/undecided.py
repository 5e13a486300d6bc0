"""What was verified and kept, but is not decided yet: counted, and found by what it names."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from ledger.queries.activity import Scope
from ledger.storage.database import padded
from ledger.storage.decisions import is_undecided
from ledger.storage.inbox import InboxRecord, as_decided, inbox_record, select_deliveries
from ledger.storage.tables import apparent_names, notifications

LIMIT = 50


def undecided_by_reason(
    connection: Connection, *, shops: Sequence[str] | None = None, mode: str | None = None
) -> dict[str, int]:
    """Return how many wait for a decision, by the reason of their arrival."""
    c = notifications.c
    query = select(c.reason, func.count()).where(is_undecided()).group_by(c.reason)
    if shops is not None:
        query = query.where(c.shop_id.in_(shops))
    if mode is not None:
        query = query.where(c.mode == mode)
    return {row[0]: row[1] for row in connection.execute(query)}


def count_undecided(connection: Connection, scope: Scope) -> tuple[int, datetime | None]:
    """Return how many wait for a decision, and since when the oldest does."""
    c = notifications.c
    of_shops = [c.shop_id.in_(scope.shops)] if scope.is_limited else []
    query = select(func.count(), func.min(c.received_at))
    row = connection.execute(query.where(is_undecided(), c.mode == scope.mode, *of_shops)).one()
    return int(row[0]), row[1]


def undecided_about(
    connection: Connection, shop_id: str, mode: str, names: Sequence[str], *, limit: int = LIMIT
) -> list[InboxRecord]:
    """Return undecided notifications that seem to be about one of these names, newest first."""
    c = apparent_names.c
    about = select(c.notification_id).where(
        c.shop_id == shop_id, c.mode == mode, c.name.in_(padded(names))
    )
    query = select_deliveries(notifications).where(notifications.c.id.in_(about), is_undecided())
    rows = connection.execute(query.order_by(notifications.c.id.desc()).limit(limit))
    return as_decided(connection, map(inbox_record, rows))
