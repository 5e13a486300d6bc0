"""Checks kept files against what was stored of them, and makes every report once more."""

import hashlib

from ledger.audit.fault import FILE_ERASED, NOT_BUILT, REPORT_OF_OTHER_RULES, CheckResult
from ledger.errors import ConflictError, LedgerError, UnsealableError, ViewNotBuiltError
from ledger.reconciliation.files import KeptFile, content_of, kept_file_rows
from ledger.reconciliation.money_again import are_rows_true, has_rows
from ledger.reconciliation.report import RULES, made_again
from ledger.reconciliation.report_store import StoredReport, canonical, report_ids, report_of
from ledger.sealing.origin_secret import BODY
from ledger.sealing.sealing import Sealing
from ledger.storage.database import Database
from ledger.storage.erased import erasure_marks


def check_reports(database: Database, sealing: Sealing) -> CheckResult:
    """Open every file and compare its digest; compute every report from the files and events."""
    result, erased = CheckResult(), set[str]()
    with database.connect() as connection:
        files, ids = kept_file_rows(connection), report_ids(connection)
    for kept_file in files:
        _check_file(database, sealing, kept_file, erased, result)
    for report_id in ids:
        with database.connect() as connection:
            report = report_of(connection, report_id)
        _check_report(database, sealing, report, erased, result)
    result.checked = len(files) + len(ids)
    return result


def _check_file(
    database: Database,
    sealing: Sealing,
    kept_file: KeptFile,
    erased: set[str],
    result: CheckResult,
) -> None:
    try:
        byte_count = sum(map(len, content_of(database, sealing, kept_file)()))
    except UnsealableError as error:
        with database.connect() as connection:
            if erasure_marks(connection, [kept_file.id], BODY):
                erased.add(kept_file.id)
                result.remarks[FILE_ERASED] += 1
                if has_rows(connection, kept_file):
                    detail = "rows of it are left though it was erased"
                    result.add(None, f"file {kept_file.id}", "listed-differs", detail)
                return
        result.add(None, f"file {kept_file.id}", "file-differs", str(error))
        return
    if byte_count != kept_file.byte_count:
        detail = f"{byte_count} bytes instead of {kept_file.byte_count}"
        result.add(None, f"file {kept_file.id}", "file-differs", detail)
    elif not are_rows_true(database, sealing, kept_file):
        detail = "its rows about money, read again, say something else: `ledger import --again`"
        result.add(None, f"file {kept_file.id}", "listed-differs", detail)


def _check_report(
    database: Database,
    sealing: Sealing,
    report: StoredReport,
    erased: set[str],
    result: CheckResult,
) -> None:
    subject = f"report {report.id}"
    if hashlib.sha256(report.canonical_bytes).hexdigest() != report.digest:
        result.add(None, subject, "report-differs", "it is not what its digest is of")
    elif erased.intersection(report.file_ids):
        result.remarks[FILE_ERASED] += 1
    elif report.rules != RULES:
        result.remarks[REPORT_OF_OTHER_RULES] += 1
    else:
        try:
            again = canonical(made_again(database, sealing, report))
        except (ViewNotBuiltError, ConflictError):
            result.remarks[NOT_BUILT] += 1
            return
        except LedgerError as error:
            result.add(None, subject, "report-differs", f"it cannot be made again: {error}")
            return
        if again != report.canonical_bytes:
            detail = "made again at its position, it says something else"
            result.add(None, subject, "report-differs", detail)
