"""Deliveries as people and machines ask for them: shown, and readmitted from quarantine."""

from collections.abc import Iterator, Sequence
from typing import Any

from ledger.application import QUARANTINED, Ledger, Receipt
from ledger.errors import NotFoundError
from ledger.items import instant
from ledger.queries.filters import NotificationFilter
from ledger.queries.notifications import list_notifications
from ledger.storage.journal import JournalRow

PAGE = 500


def notification_data(row: JournalRow) -> dict[str, Any]:
    """One delivery for a machine, without its body. Shape: design section 4."""
    return {
        "id": row.id,
        "received_at": instant(row.received_at),
        "recorded_at": None if row.recorded_at is None else instant(row.recorded_at),
        "format": row.format,
        "shop_id": row.shop_id,
        "mode": row.mode.lower() if row.mode else None,
        "source": row.source,
        "outcome": row.outcome,
        "reason": row.reason,
        "digest": row.digest,
        "positions": list(row.positions),
        "key_fingerprint": row.key_fingerprint,
        "told_at": None if row.told_at is None else instant(row.told_at),
        "peer": row.peer,
        "content_type": row.content_type,
    }


def waiting(
    ledger: Ledger, reason: str | None = None, *, shops: Sequence[str] | None = None
) -> list[str]:
    """What waits in quarantine, in the order of arrival, so that it is recorded in it."""
    filter_ = NotificationFilter(
        outcome=frozenset({QUARANTINED}),
        reason=frozenset({reason} if reason else ()),
        shop_id=None if shops is None else frozenset(shops),
    )
    ids: list[str] = []
    with ledger.database.connect() as connection:
        while True:
            last = ids[-1] if ids else None
            page = list_notifications(connection, filter_, before_id=last, limit=PAGE)
            if not page:
                return ids[::-1]
            ids += [row.id for row in page]


def readmit_all(ledger: Ledger, ids: Sequence[str]) -> Iterator[tuple[str, Receipt | None]]:
    """Verify several again. Shape: id, and what became of it; None when it is gone meanwhile."""
    for one in ids:
        try:
            yield one, ledger.readmit(one)
        except NotFoundError:
            yield one, None
