"""Reports whether the files of archived bodies are where they were put."""

from collections.abc import Iterator

from ledger.cli.output import counted
from ledger.cli.shop_findings import OK, WARNING, Finding
from ledger.errors import LedgerError
from ledger.storage.archive_files import size_of
from ledger.storage.archives import Archive, all_archives
from ledger.storage.database import Database


def archive_findings(database: Database) -> Iterator[Finding]:
    """Ask for the size of each file, without reading any; `ledger verify` reads them whole."""
    with database.connect() as connection:
        archives = all_archives(connection)
    reasons = [reason for archive in archives if (reason := _why_unreadable(archive))]
    for reason in reasons:
        yield Finding(WARNING, "archives", reason)
    if archives and not reasons:
        yield Finding(OK, "archives", f"{counted(len(archives), 'file')} can be reached")


def _why_unreadable(archive: Archive) -> str | None:
    try:
        size = size_of(archive.address)
    except LedgerError as error:
        return str(error)
    if size != archive.file_bytes:
        return f"{archive.address} has {size} bytes, and had {archive.file_bytes}"
    return None
