"""Files of the platform over HTTP: put them here, compare, and see which days are proven."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any, TypeVar

from flask import Response, request
from marshmallow import RAISE

from ledger.errors import NotFoundError
from ledger.instants import write_day, write_public_instant
from ledger.ipn.modes import Mode
from ledger.reconciliation.completeness import (
    Completeness,
    DayState,
    completeness,
    day_data,
    missing_files,
)
from ledger.reconciliation.files import KeptFile, chunks_of, import_file, kept_files, listed_files
from ledger.reconciliation.report import make_report
from ledger.reconciliation.report_store import Scope, StoredReport, listed_reports, report_of
from web.api.log import BYTES
from web.api.reconciliation_answers import (
    CompletenessAnswer,
    FilePage,
    ImportAnswer,
    ReportAnswer,
    ReportPage,
)
from web.api.reconciliation_queries import CompletenessQuery, FilesQuery, ImportQuery, ReconcileBody
from web.api.responses import a_blueprint, answer, answer_page
from web.authentication import (
    allowed_shops,
    caller,
    log_act,
    only_for_operators,
    permitted_shops,
    redact_for_reader,
)
from web.context import context, ledger

bp = a_blueprint("reconciliation", "The platform's own files, compared with what was told.")

FILE_BYTES_MAX = 64 << 20
_IN_MEMORY_MAX = 1 << 20

_Listed = TypeVar("_Listed", KeptFile, StoredReport)


@bp.route("/shops/<shop_id>/<mode>/completeness")
@bp.arguments(CompletenessQuery, location="query", unknown=RAISE)
@bp.response(200, CompletenessAnswer)
def get_completeness(parameters: dict[str, Any], shop_id: str, mode: str) -> Response:
    """Say for each day whether it is proven that everything was told; the last 30 by default."""
    now = context().clock()
    last_day = parameters["until"] or now.date() - timedelta(days=1)
    upper_mode = Mode(mode).value
    scope = Scope.ending(shop_id, upper_mode, last_day, parameters["days"])
    with ledger().database.connect() as connection:
        days = completeness(connection, scope)
        missing = missing_files(kept_files(connection, shop_id, upper_mode), now)
        missing_data = [
            {
                "kind": each.journal_kind,
                "first_day": each.first_day.isoformat(),
                "last_day": each.last_day.isoformat(),
                "expected_at": write_public_instant(each.expected_at),
            }
            for each in missing
        ]
    of_days = [day_data(each) for each in days]
    return answer({"shop_id": shop_id, "mode": mode, "days": of_days, "missing": missing_data})


@bp.route("/shops/<shop_id>/<mode>/reports", methods=["POST"])
@bp.arguments(ReconcileBody, location="json", unknown=RAISE)
@bp.response(200, ReportAnswer)
@only_for_operators
def make_report_of_days(request_body: dict[str, Any], shop_id: str, mode: str) -> Response:
    """Compare some days with the files, and keep the report; the same again is not kept twice."""
    days = request_body["last_day"], request_body["days"]
    scope = Scope.ending(shop_id, Mode(mode).value, *days)
    report = make_report(ledger(), scope, context().clock())
    log_act("report", reference=report.id)
    return answer(report_data(report))


@bp.route("/reports")
@bp.arguments(FilesQuery, location="query", unknown=RAISE)
@bp.response(200, ReportPage)
def list_reports(parameters: dict[str, Any]) -> Response:
    """List reports, newest first."""
    return _page(listed_reports, _summary, parameters)


@bp.route("/reports/<report_id>")
@bp.response(200, ReportAnswer)
def get_report(report_id: str) -> Response:
    """Send one report, with its findings."""
    with ledger().database.connect() as connection:
        report = report_of(connection, report_id)
    if not caller().allows_shop(report.scope.shop_id):
        raise NotFoundError(f"there is no report {report_id}")
    return answer(report_data(report))


@bp.route("/files")
@bp.arguments(FilesQuery, location="query", unknown=RAISE)
@bp.response(200, FilePage)
def list_files(parameters: dict[str, Any]) -> Response:
    """List the files of the platform that were put here, newest first."""
    return _page(listed_files, file_data, parameters)


@bp.route("/shops/<shop_id>/<mode>/files", methods=["POST"])
@bp.arguments(ImportQuery, location="query", unknown=RAISE)
@bp.doc(requestBody={"required": True, "content": {"application/octet-stream": {"schema": BYTES}}})
@bp.response(200, ImportAnswer)
@only_for_operators
def post_file(parameters: dict[str, Any], shop_id: str, mode: str) -> Response:
    """Put a file of the platform here: its bytes are the body, as they came."""
    request.max_content_length = FILE_BYTES_MAX
    days = parameters["first_day"], parameters["last_day"]
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_MAX) as spooled:
        shutil.copyfileobj(request.stream, spooled)
        imported = import_file(
            ledger(),
            chunks_of(spooled),
            parameters["file_name"],
            by_whom=caller().name,
            now=context().clock(),
            shop_id=shop_id,
            mode=Mode(mode).value,
            days=None if None in days else days,
        )
    log_act("file", reference=imported.file.id)
    return answer({"is_new": imported.is_new, "file": file_data(imported.file)})


def _page(
    read_page: Callable[..., Sequence[_Listed]],
    data_of: Callable[[_Listed], dict[str, Any]],
    parameters: dict[str, Any],
) -> Response:
    """Answer one page of files or reports, of which one more is read."""
    limit, before_id, shops = parameters["limit"], parameters["cursor"], _shops(parameters)
    with ledger().database.connect() as connection:
        rows = read_page(connection, limit=limit + 1, before_id=before_id, shops=shops)
    cursor = rows[limit - 1].id if len(rows) > limit else None
    return answer_page(list(map(data_of, rows[:limit])), cursor)


def _shops(parameters: dict[str, Any]) -> list[str] | None:
    shop_id = parameters["shop_id"]
    shops = permitted_shops(frozenset({shop_id})) if shop_id else allowed_shops()
    return None if shops is None else sorted(shops)


def file_data(kept_file: KeptFile) -> dict[str, Any]:
    """Return a file under its public names."""
    return {
        "id": kept_file.id,
        "recorded_at": write_public_instant(kept_file.recorded_at),
        "by_whom": kept_file.by_whom,
        "file_name": kept_file.file_name,
        "shop_id": kept_file.shop_id,
        "mode": Mode(kept_file.mode).public,
        "kind": kept_file.journal_kind,
        "version": kept_file.heading.version,
        "first_day": write_day(kept_file.first_day),
        "last_day": write_day(kept_file.last_day),
        "rows": kept_file.heading.row_count,
        "bytes": kept_file.byte_count,
    }


def report_data(report: StoredReport) -> dict[str, Any]:
    """Return a whole report under its public names."""
    content = dict(report.content())
    days = content.pop("days")
    return {
        **_summary(report),
        "results": content["results"],
        "findings": list(map(redact_for_reader, content["findings"])),
        "left_out": content["left_out"],
        "days": [_day_data(report.id, day, said) for day, said in sorted(days.items())],
    }


def _day_data(report_id: str, day: str, said: dict[str, Any]) -> dict[str, Any]:
    state, counts = DayState(said["state"]), (said["listed"], said["confirmed"], said["gaps"])
    return day_data(Completeness(date.fromisoformat(day), state, *counts, report_id))


def _summary(report: StoredReport) -> dict[str, Any]:
    return {
        "id": report.id,
        "made_at": write_public_instant(report.recorded_at),
        "digest": report.digest,
        "replaces": report.replaces,
        "shop_id": report.scope.shop_id,
        "mode": Mode(report.scope.mode).public,
        "first_day": report.scope.first_day.isoformat(),
        "last_day": report.scope.last_day.isoformat(),
        "position": report.position,
        "rules": report.rules,
        "files": list(report.file_ids),
    }
