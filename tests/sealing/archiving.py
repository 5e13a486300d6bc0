"""Puts what a ledger of the tests has sealed into files below a folder."""

from datetime import date
from pathlib import Path

from sqlalchemy import text

from ledger.sealing.archiving import DONE, archive_months
from ledger.storage.archives import Archive
from ledger.storage.database import Database
from tests.builders import NOON

NOVEMBER = date(2026, 11, 1)


def archive_all(database: Database, folder: Path, before: date = NOVEMBER) -> list[Archive]:
    """Put all months before this one elsewhere; return their archives."""
    steps = archive_months(database, before, folder.as_uri(), NOON)
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
