"""Keeps whole what was verified but not decided, whatever was wrong with it or with our code.

It shares no code with the normal way but the database's own: what fails there must not fail here.
"""

import traceback
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import and_, insert, or_
from sqlalchemy.exc import DBAPIError

from ledger import __version__
from ledger.errors import ArchiveError, ConflictError, NotificationError
from ledger.ipn.apparent_names import apparent_names_in
from ledger.ipn.parse import Proven
from ledger.recording.receipt import Receipt
from ledger.recording.retries import available
from ledger.sealing.sealing import Sealing
from ledger.storage.database import Database
from ledger.storage.inbox import inbox_record, select_deliveries
from ledger.storage.outcomes import Outcome
from ledger.storage.quarantine import release
from ledger.storage.sealed_rows import add_sealed
from ledger.storage.tables import apparent_names, notifications

_log = structlog.get_logger(__name__)
_KEPT = select_deliveries(notifications)


def keep_undecided(
    database: Database, sealing: Sealing, proven: Proven, failure: Exception, now: datetime
) -> Receipt:
    """Keep a verified notification for a later decision. Errors: UnavailableError.

    Shape: the same body that comes again is kept once, and answered with its first id; so is what
    was stored before anything failed. What waited in quarantine leaves it.
    """
    row, c = _row(proven, failure, now), notifications.c
    is_same = and_(c.signed_tag == row["signed_tag"], c.outcome == Outcome.UNDECIDED)
    kept = _KEPT.where(or_(c.id == row["id"], is_same)).order_by(c.id)
    of_shop = {name: row[name] for name in ("shop_id", "mode")}
    named = [
        of_shop | {"name": name, "notification_id": row["id"]} for name in apparent_names_in(proven)
    ]
    with available(), database.begin() as connection:
        known = sealing.with_digests(connection, map(inbox_record, connection.execute(kept)))
        digest = proven.notification.delivery.digest
        same = [record for record in known if row["id"] == record.id or record.digest == digest]
        release(connection, row["id"])
        if not same:
            connection.execute(insert(notifications), row)
            sealed = sealing.seal(row["id"], proven.notification.delivery.body)
            add_sealed(connection, [sealed])
            if named:
                connection.execute(insert(apparent_names), named)
    place = _place_of(failure)
    names = row["format"], row["shop_id"], row["mode"]
    receipt = Receipt(row["id"], row["outcome"], row["reason"], *names)
    if same:
        receipt = Receipt(same[0].id, same[0].outcome, same[0].reason, *names)
    _log.error(
        "stumbled", id=receipt.id, outcome=receipt.outcome, error=row["error_class"], at=place
    )
    return receipt


def _row(proven: Proven, failure: Exception, now: datetime) -> dict[str, Any]:
    notification, delivery = proven.notification, proven.notification.delivery
    return {
        "id": delivery.id,
        "received_at": delivery.received_at,
        "recorded_at": now,
        "outcome": Outcome.UNDECIDED,
        "reason": reason_of(failure),
        "error_class": error_class_of(failure),
        "code_version": __version__,
        "format": notification.format,
        "shop_id": notification.shop_id,
        "mode": notification.mode,
        "source": notification.source,
        "signed_tag": notification.signed_tag,
        "signed_text_tag": notification.signed_text_tag,
        "key_fingerprint": notification.key_fingerprint,
        "positions": [],
        "content_type": delivery.content_type,
        "peer": delivery.peer,
        "endpoint_shop_id": delivery.shop_id,
        "endpoint_mode": delivery.mode,
        "is_from_named_range": delivery.is_from_named_range,
        "is_imported": delivery.is_imported,
    }


def reason_of(failure: Exception) -> str:
    """Return the word for why a notification could not be decided."""
    if isinstance(failure, NotificationError):
        return failure.reason
    if isinstance(failure, DBAPIError):
        return "not-storable"
    if isinstance(failure, ConflictError | ArchiveError):
        return failure.code
    return "internal-error"


def error_class_of(failure: Exception) -> str:
    """Return the class of an error, of a database's one its own; never a message: it may quote."""
    cause = getattr(failure, "orig", None) or failure
    return type(cause).__name__


def _place_of(failure: Exception) -> str:
    """Return where our code stumbled. Shape: file, line and function."""
    frames = traceback.extract_tb(failure.__traceback__)
    if not frames:
        return "unknown"
    last = frames[-1]
    return f"{Path(last.filename).name}:{last.lineno} {last.name}"
