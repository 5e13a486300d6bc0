"""Rows for the storage tests: valid by default, one difference per call."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from eventsourcing.persistence import StoredEvent
from sqlalchemy import event

from ledger.settings import Settings
from ledger.storage.database import Database
from ledger.storage.inbox import Inbox, InboxRecord
from ledger.storage.outcomes import Outcome
from ledger.storage.quarantine import Evicted, Quarantine, Refused
from ledger.storage.sealed_rows import SealedOrigin

START = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)
STREAM = UUID(int=7)
AN_EVENT: dict[str, Any] = {
    "originator_id": STREAM,
    "originator_version": 1,
    "topic": "transaction.opened",
    "state": b"{}",
    "origin_id": "n1",
}


def a_row(number: int, **differences: Any) -> InboxRecord:
    """A verified delivery; those with a higher number came later."""
    values: dict[str, Any] = {
        "id": f"{number:026}",
        "received_at": START + timedelta(seconds=number),
        "recorded_at": START + timedelta(seconds=number, microseconds=1),
        "format": "form-v2",
        "shop_id": "12345678",
        "mode": "TEST",
        "source": "PAY",
        "outcome": Outcome.RECORDED,
        "signed_tag": f"{number:064x}",
        "key_fingerprint": "f00d",
        "told_at": START,
        "content_type": "application/x-www-form-urlencoded",
        "peer": "192.0.2.1",
    }
    return InboxRecord(**values | differences)


def a_refusal(number: int, **differences: Any) -> InboxRecord:
    """A delivery that could not be verified."""
    values: dict[str, Any] = {
        "id": f"{number:026}",
        "received_at": START + timedelta(seconds=number),
        "outcome": Outcome.QUARANTINED,
        "reason": "unknown-format",
        "content_type": "text/plain",
        "peer": "192.0.2.1",
    }
    return InboxRecord(**values | differences)


def keep(database: Database, *records: InboxRecord) -> None:
    with database.begin() as connection:
        for record in records:
            Inbox(connection).add_many([record])


def a_quarantine(**bounds: int) -> Quarantine:
    """A quarantine with room for everything, but for these bounds."""
    settings = Settings(quarantine_total_count_max=1_000_000)
    by_setting: dict[str, Any] = {f"quarantine_{name}": bound for name, bound in bounds.items()}
    return Quarantine(replace(settings, **by_setting))


def refused(record: InboxRecord) -> Refused:
    """A refused delivery with something sealed in place of its body, of ten bytes by default."""
    body = b"x" * 10 if record.body is None else record.body
    return Refused(record, SealedOrigin(record.id, "none", b"secret", None, b"sealed"), len(body))


def refuse(database: Database, quarantine: Quarantine, *records: InboxRecord) -> list[Evicted]:
    evicted = []
    for row in records:
        with database.begin() as connection:
            evicted += quarantine.add_and_evict(connection, refused(row))
    return evicted


def an_event(version: int, stream: UUID = STREAM, topic: str = "t") -> StoredEvent:
    return StoredEvent(stream, version, topic, b"{}")


@contextmanager
def statements_of(database: Database) -> Iterator[list[str]]:
    """What the database is asked meanwhile."""
    sql_texts: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sql_texts.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield sql_texts
    event.remove(database.engine, "before_cursor_execute", note)
