"""Checks the files of archived bodies, whole, against what was noted of them."""

from ledger.audit.fault import CheckResult
from ledger.storage.archive_files import summed
from ledger.storage.archives import Archive


def check_archive(archive: Archive) -> CheckResult:
    """Read a file, and compare its digest and its rows. Errors: ArchiveError; MissingExtraError."""
    result = CheckResult(checked=archive.row_count)
    read = summed(archive.address)
    if read != (archive.digest, archive.row_count, archive.file_bytes):
        detail = f"its SHA-256 is {read.digest[:16]}…, it was {archive.digest[:16]}…"
        result.add(None, f"archive {archive.address}", "archive-differs", detail)
    return result
