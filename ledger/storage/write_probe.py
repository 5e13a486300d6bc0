"""Tries a write as a call would write, and leaves nothing: could a call be stored now?"""

import os
import secrets
from datetime import UTC, datetime

from sqlalchemy import delete, insert, text

from ledger.storage.database import Database
from ledger.storage.tables import events, notifications, quarantine, repeats, stream_names

PROBE_BYTES = 16 * 1024
"""More than a call has on average."""
LOCK_SECONDS_MAX = 5

_RECEIVING = ", ".join(
    table.name for table in (events, notifications, repeats, stream_names, quarantine)
)


def try_to_write(database: Database) -> None:
    """Write a row as large as a call, delete it, commit. Errors: those of the database.

    It waits for whoever holds one of the tables that a call writes to, as a call would.
    """
    id_ = f"probe-{secrets.token_hex(8)}"
    row = {
        "id": id_,
        "received_at": datetime.now(UTC),
        "digest": "",
        "content_type": "",
        "peer": "probe",
        "reason": "probe",
        "is_from_named_range": False,
        "body": os.urandom(PROBE_BYTES),
        "body_bytes": PROBE_BYTES,
    }
    with database.begin() as connection:
        if not database.is_sqlite:
            connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS_MAX}s'"))
            connection.execute(text(f"LOCK TABLE {_RECEIVING} IN ROW EXCLUSIVE MODE"))
        connection.execute(insert(quarantine), row)
        connection.execute(delete(quarantine).where(quarantine.c.id == id_))
