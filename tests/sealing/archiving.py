"""Puts what a ledger of the tests has sealed into files below a folder."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import text
from ulid import ULID

from ledger.application import Ledger
from ledger.sealing.archiving import DONE, archive_months
from ledger.storage.archives import Archive
from ledger.storage.database import Database
from ledger.storage.inbox import Inbox
from ledger.storage.sealed_rows import add_months
from tests.builders import NOON, a_delivery, a_form_call, a_ledger

NOVEMBER = date(2026, 11, 1)
JANUARY, FEBRUARY = datetime(2026, 1, 20, 12, tzinfo=UTC), datetime(2026, 2, 20, 12, tzinfo=UTC)


def body_of(number: int) -> bytes:
    return a_form_call(trans_uuid=f"{number:032x}", cust_email=f"jo{number}@example.org")


def receive_at(ledger: Ledger, arrived_at: datetime, number: int, body: bytes) -> str:
    """Receive a call as if it had come then; return its id."""
    id_ = str(ULID.from_timestamp(arrived_at.timestamp() + number))
    return ledger.receive(a_delivery(body, id=id_, received_at=arrived_at)).id


def a_ledger_of_months(
    database: Database, counts: dict[datetime, int], **settings: object
) -> tuple[Ledger, dict[str, bytes]]:
    """A ledger whose calls came in these months. Shape: with their bodies, by id."""
    ledger, bodies = a_ledger(database, **settings), {}
    number = 0
    for month, count in counts.items():
        add_months(database, month)
        deliveries = []
        for _ in range(count):
            number += 1
            id_ = str(ULID.from_timestamp(month.timestamp() + number))
            bodies[id_] = body_of(number)
            deliveries.append(a_delivery(bodies[id_], id=id_, received_at=month))
        ledger.receive_many(deliveries)
    return ledger, bodies


def opened_bodies(ledger: Ledger, ids: Iterable[str]) -> dict[str, bytes | None]:
    with ledger.database.connect() as connection:
        records = Inbox(connection).get_verified(list(ids)).values()
        opened = ledger.sealing.with_bodies(connection, records)
    return {record.id: record.body for record in opened}


def archive_all(database: Database, folder: Path, first_kept: date = NOVEMBER) -> list[Archive]:
    """Put all months before this one elsewhere; return their archives."""
    steps = archive_months(database, first_kept, folder.as_uri(), NOON)
    return [step.archive for step in steps if step.name == DONE]


def file_of(archive: Archive) -> Path:
    return Path(archive.address.removeprefix("file://"))


def flip_byte(path: Path, number: int) -> None:
    """Change one bit of a file behind everybody's back."""
    content = bytearray(path.read_bytes())
    content[number] ^= 1
    path.write_bytes(content)


def stored_bodies(database: Database) -> int:
    with database.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM bodies")) or 0)
