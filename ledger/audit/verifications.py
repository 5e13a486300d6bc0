"""Remembers how the last audit of each kind ended, so that somebody notices when none runs."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select, tuple_
from sqlalchemy.exc import DBAPIError

from ledger.storage.alert_tables import verifications
from ledger.storage.database import Database
from ledger.storage.database_errors import is_read_only


class Verification(NamedTuple):
    """How one check ended when it was run last."""

    check: str
    ended_at: datetime
    fault_count: int


def note_verification(
    database: Database, fault_count_by_check: Mapping[str, int], ended_at: datetime
) -> bool:
    """Note how checks ended; return False where nothing can be written, as on a standby."""
    rows = [
        {"check_name": check, "ended_at": ended_at, "faults": count}
        for check, count in fault_count_by_check.items()
    ]
    try:
        with database.begin() as connection:
            if rows:
                connection.execute(insert(verifications), rows)
    except DBAPIError as error:
        if not is_read_only(error):
            raise
        return False
    return True


def last_verifications(connection: Connection) -> list[Verification]:
    """Return the last end of each check that has ever ended."""
    c = verifications.c
    newest = select(c.check_name, func.max(c.ended_at)).group_by(c.check_name)
    query = select(c.check_name, c.ended_at, c.faults).order_by(c.check_name)
    rows = connection.execute(query.where(tuple_(c.check_name, c.ended_at).in_(newest)))
    return [Verification(*row) for row in rows]
