"""Deliveries as people and machines ask for them: shown, and found in quarantine."""

from collections.abc import Sequence
from typing import Any

from ledger.application import Ledger
from ledger.instants import write_public_instant
from ledger.ipn.modes import Mode
from ledger.queries.filter_declarations import NotificationFilter
from ledger.queries.notifications import list_notifications
from ledger.storage.inbox import InboxRecord
from ledger.storage.outcomes import Outcome

PAGE = 500


def notification_data(row: InboxRecord) -> dict[str, Any]:
    """Describe one delivery for a machine, without its body."""
    return {
        "id": row.id,
        "received_at": write_public_instant(row.received_at),
        "recorded_at": None if row.recorded_at is None else write_public_instant(row.recorded_at),
        "format": row.format,
        "shop_id": row.shop_id,
        "mode": Mode(row.mode).public if row.mode else None,
        "source": row.source,
        "outcome": row.outcome,
        "reason": row.reason,
        "digest": row.digest,
        "positions": list(row.positions),
        "key_fingerprint": row.key_fingerprint,
        "told_at": None if row.told_at is None else write_public_instant(row.told_at),
        "peer": row.peer,
        "content_type": row.content_type,
    }


def waiting(
    ledger: Ledger, reason: str | None = None, *, shops: Sequence[str] | None = None
) -> list[str]:
    """Return the ids in quarantine in the order of arrival, so that they are recorded in it."""
    filter_ = NotificationFilter(
        outcome=frozenset({Outcome.QUARANTINED}),
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
