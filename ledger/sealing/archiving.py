"""Puts what was sealed in old months elsewhere: sealed as it is, and never a secret."""

import base64
from collections.abc import Iterator
from datetime import date, datetime
from tempfile import TemporaryFile
from typing import NamedTuple

from ledger.errors import ArchiveError, SettingsError, UnavailableError
from ledger.sealing.frames import COMPRESSION
from ledger.storage.archive_files import folder_address, summed, write_bodies, write_file
from ledger.storage.archives import (
    Archive,
    bodies_of,
    months_before,
    refuse_other_roles,
    replace_by_archive,
)
from ledger.storage.database import Database

WRITTEN, CHECKED, DONE = "written", "checked", "done"
FORMAT = 1
READINGS_MAX = 3


class Step(NamedTuple):
    """How far a month has come. Shape: only when it is `done` has it left the database."""

    name: str
    archive: Archive


def archive_months(database: Database, first_kept: date, to: str, now: datetime) -> Iterator[Step]:
    """Put each month before this one into a file at an address, and yield each step.

    Killed anywhere and begun again, it goes on: a month leaves the database in the same transaction
    that notes its file. The name of a file holds its digest, so that writing it again is no harm.
    Errors: SettingsError for a month that is not over, an address with a password, or a role that
    does not own the tables; ArchiveError; MissingExtraError; UnavailableError.
    """
    if first_kept > now.date().replace(day=1):
        refusal = "has not begun: only months that are over can leave"
        raise SettingsError(f"{first_kept:%Y-%m} {refusal}")
    folder = folder_address(to)
    refuse_other_roles(database)
    for month in months_before(database, first_kept):
        yield from _steps(database, month, folder, now)


def _steps(database: Database, month: date, folder: str, now: datetime) -> Iterator[Step]:
    for _ in range(READINGS_MAX):
        archive = _written(database, month, folder, now)
        yield Step(WRITTEN, archive)
        if summed(archive.address) != (archive.digest, archive.row_count, archive.file_bytes):
            raise ArchiveError(f"the archive {archive.address} does not hold what was written")
        yield Step(CHECKED, archive)
        if replace_by_archive(database, archive):
            yield Step(DONE, archive)
            return
    raise UnavailableError(f"more keeps coming for {month:%Y-%m}: run this again")


def _written(database: Database, month: date, folder: str, now: datetime) -> Archive:
    """Write what a month holds, by way of a file without a name: only then is its digest known."""
    dictionaries = {
        path.stem: base64.b64encode(path.read_bytes()).decode()
        for path in sorted(COMPRESSION.folder.glob("*.zstd-dictionary"))
    }
    header = {"ipn-ledger-bodies": FORMAT, "month": f"{month:%Y-%m}", "dictionaries": dictionaries}
    with TemporaryFile() as local:
        file_sum = write_bodies(local, header, bodies_of(database, month))
        local.seek(0)
        address = f"{folder}/bodies-{month:%Y-%m}-{file_sum.digest[:16]}.jsonl.zst"
        write_file(address, local)
    return Archive(f"{month:%Y-%m}", address, *file_sum, archived_at=now)
