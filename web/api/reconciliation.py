"""Files of the platform over HTTP: put them here, compare, and see which days are proven."""

import io
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import IO, Any

from flask import Response, request
from marshmallow import RAISE

from ledger.errors import NotFoundError
from ledger.instants import write_public_instant
from ledger.ipn.modes import Mode
from ledger.reconciliation.completeness import Completeness, DayState, completeness, missing_files
from ledger.reconciliation.files import KeptFile, import_file, kept_files, listed_files
from ledger.reconciliation.report import make_report
from ledger.reconciliation.report_store import Scope, StoredReport, listed_reports, report_of
from web.api.log import BYTES
from web.api.query_schemas import CompletenessQuery, FilesQuery, ImportQuery, ReconcileBody
from web.api.reconciliation_answers import (
    CompletenessAnswer,
    FilePage,
    ImportAnswer,
    ReportAnswer,
    ReportPage,
)
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
_CHUNK_BYTES = 1 << 20


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
    limit = parameters["limit"]
    with ledger().database.connect() as connection:
        reports = listed_reports(
            connection, limit=limit + 1, before_id=parameters["cursor"], shops=_shops(parameters)
        )
    cursor = reports[limit - 1].id if len(reports) > limit else None
    return answer_page([_summary(report) for report in reports[:limit]], cursor)


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
    limit = parameters["limit"]
    with ledger().database.connect() as connection:
        files = listed_files(
            connection, limit=limit + 1, before_id=parameters["cursor"], shops=_shops(parameters)
        )
    cursor = files[limit - 1].id if len(files) > limit else None
    return answer_page([file_data(each) for each in files[:limit]], cursor)


@bp.route("/shops/<shop_id>/<mode>/files", methods=["POST"])
@bp.arguments(ImportQuery, location="query", unknown=RAISE)
@bp.doc(requestBody={"required": True, "content": {"application/octet-stream": {"schema": BYTES}}})
@bp.response(200, ImportAnswer)
@only_for_operators
def post_file(parameters: dict[str, Any], shop_id: str, mode: str) -> Response:
    """Put a file of the platform here: its bytes are the body, as they came."""
    request.max_content_length = FILE_BYTES_MAX
    days = parameters["first_day"], parameters["last_day"]
    with tempfile.SpooledTemporaryFile(max_size=_CHUNK_BYTES) as spooled:
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


def chunks_of(stream: IO[bytes]) -> Callable[[], Iterator[bytes]]:
    """Return what yields the bytes of a stream from its beginning, whenever it is called."""

    def chunks() -> Iterator[bytes]:
        stream.seek(0, io.SEEK_SET)
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk

    return chunks


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
        "first_day": _text(kept_file.first_day),
        "last_day": _text(kept_file.last_day),
        "rows": kept_file.heading.row_count,
        "bytes": kept_file.byte_count,
    }


def day_data(known_day: Completeness) -> dict[str, Any]:
    """Return what is known of a day under its public names."""
    return {
        "day": known_day.day.isoformat(),
        "state": known_day.day_state,
        "listed": known_day.listed_count,
        "confirmed": known_day.confirmed_count,
        "gaps": known_day.gap_count,
        "score": known_day.score,
        "report_id": known_day.report_id,
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


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
