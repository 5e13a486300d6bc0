"""Keeps whole what was verified but not decided, whatever was wrong with it or with our code.

It shares no code with the normal way but the database's own: what fails there must not fail here.
"""

import hashlib
import traceback
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import and_, delete, insert, or_, select
from sqlalchemy.exc import DBAPIError

from ledger import __version__
from ledger.errors import ConflictError, NotificationError
from ledger.ipn.apparent_names import apparent_names_in
from ledger.ipn.parse import Proven
from ledger.recording.receipt import Receipt
from ledger.recording.retries import available
from ledger.storage.database import Database
from ledger.storage.outcomes import Outcome
from ledger.storage.tables import apparent_names, notifications, quarantine

_log = structlog.get_logger(__name__)


def keep_undecided(
    database: Database, proven: Proven, failure: Exception, now: datetime
) -> Receipt:
    """Keep a verified notification for a later decision. Errors: UnavailableError.

    Shape: the same body that comes again is kept once, and answered with its first id; so is what
    was stored before anything failed. What waited in quarantine leaves it.
    """
    row, c = _row(proven, failure, now), notifications.c
    is_same_body = and_(
        c.signed_digest == row["signed_digest"],
        c.digest == row["digest"],
        c.outcome == Outcome.UNDECIDED,
    )
    kept = select(c.id, c.outcome, c.reason).where(or_(c.id == row["id"], is_same_body))
    of_shop = {name: row[name] for name in ("shop_id", "mode")}
    named = [
        of_shop | {"name": name, "notification_id": row["id"]} for name in apparent_names_in(proven)
    ]
    with available(), database.begin() as connection:
        first = connection.execute(kept.order_by(c.id).limit(1)).one_or_none()
        connection.execute(delete(quarantine).where(quarantine.c.id == row["id"]))
        if first is None:
            connection.execute(insert(notifications), row)
            if named:
                connection.execute(insert(apparent_names), named)
    id_, outcome, reason = first or (row["id"], row["outcome"], row["reason"])
    place = _place_of(failure)
    _log.error("stumbled", id=id_, outcome=outcome, error=row["error_class"], at=place)
    return Receipt(id_, Outcome(outcome), reason, row["format"], row["shop_id"], row["mode"])


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
        "digest": hashlib.sha256(delivery.body).hexdigest(),
        "signed_digest": notification.signed_digest,
        "signed_text_tag": notification.signed_text_tag,
        "key_fingerprint": notification.key_fingerprint,
        "positions": [],
        "content_type": delivery.content_type,
        "peer": delivery.peer,
        "endpoint_shop_id": delivery.shop_id,
        "endpoint_mode": delivery.mode,
        "is_from_named_range": delivery.is_from_named_range,
        "is_imported": delivery.is_imported,
        "body": delivery.body,
    }


def reason_of(failure: Exception) -> str:
    """Return the word for why a notification could not be decided."""
    if isinstance(failure, NotificationError):
        return failure.reason
    if isinstance(failure, DBAPIError):
        return "not-storable"
    return ConflictError.code if isinstance(failure, ConflictError) else "internal-error"


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
