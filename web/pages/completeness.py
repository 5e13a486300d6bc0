"""For which days it is proven that everything was told, which files say so, and each report."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from ledger.access.roles import OPERATOR
from ledger.errors import NotFoundError
from ledger.ipn.modes import Mode
from ledger.reconciliation.completeness import completeness, missing_files
from ledger.reconciliation.files import kept_files
from ledger.reconciliation.report import make_report
from ledger.reconciliation.report_store import Scope, report_of
from ledger.reconciliation.standing import DAYS_LOOKED_AT
from web.authentication import (
    caller,
    log_act,
    log_acts,
    only_for_operators,
    redact_for_reader,
    scope_of,
    with_bodies_up_to,
)
from web.context import context, ledger
from web.pages.blueprint import bp
from web.pages.journal_forms import DaysForm, PutFile, days_of, put_files
from web.pages.languages import N_
from web.pages.rendering import render
from web.pages.request_parameters import Question, read_form

FINDINGS_SHOWN = 500
FILES_BYTES_MAX = 65 << 20
"""The files of one form together, and what stands around them."""


@bp.get("/<mode:mode>/completeness", endpoint="completeness")
def days_proven(mode: str) -> ResponseReturnValue:
    """Show the last thirty days of each shop, and the files that were put here."""
    return _page(mode)


@bp.post("/<mode:mode>/shops/<shop_id>/files")
@only_for_operators
@with_bodies_up_to(FILES_BYTES_MAX)
def put_files_here(mode: str, shop_id: str) -> ResponseReturnValue:
    """Keep files of the platform, and say what became of each."""
    question = read_form(DaysForm())
    days = days_of(question)
    uploads = [upload for upload in request.files.getlist("file") if upload.filename]
    if not uploads:
        question.wrong["file"] = [N_("Choose at least one file.")]
    if question.wrong:
        return _page(mode, shop_id, question, form_name="files"), 422
    put = put_files(uploads, shop_id, mode, days)
    log_acts("file", references=[each.file.id for each in put if each.file])
    page = _page(mode, shop_id, question, form_name="files", put=put)
    return page, 422 if any(each.journal_error for each in put) else 200


@bp.post("/<mode:mode>/shops/<shop_id>/reports")
@only_for_operators
def compare_days(mode: str, shop_id: str) -> ResponseReturnValue:
    """Compare some days with the files, and lead to the report."""
    question = read_form(DaysForm())
    days = days_of(question, are_required=True)
    if days is None:
        return _page(mode, shop_id, question, form_name="days"), 422
    report = make_report(ledger(), Scope(shop_id, Mode(mode), *days), context().clock())
    log_act("report", reference=report.id)
    return redirect(url_for("pages.report", mode=mode, report_id=report.id), 303)


@bp.get("/<mode:mode>/reports/<report_id>")
def report(mode: str, report_id: str) -> ResponseReturnValue:
    """Show one report: its totals, and what needs somebody first."""
    with ledger().database.connect() as connection:
        try:
            stored = report_of(connection, report_id)
        except NotFoundError as error:
            raise NotFound from error
    if not caller().allows_shop(stored.scope.shop_id) or stored.scope.mode != Mode(mode):
        raise NotFound
    content = stored.content()
    findings = list(map(redact_for_reader, content["findings"][:FINDINGS_SHOWN]))
    left_out = content["left_out"] + len(content["findings"]) - len(findings)
    return render(
        "report.html", report=stored, content=content, findings=findings, left_out=left_out
    )


def _page(
    mode: str,
    shop_id: str = "",
    question: Question | None = None,
    *,
    form_name: str = "",
    put: Sequence[PutFile] = (),
) -> str:
    """Render the page. Shape: `question` is what the form of this shop said, `put` its files."""
    return render(
        "completeness.html",
        shops=[_shop(id_, mode) for id_ in scope_of(mode).shops],
        may_put=caller().role == OPERATOR,
        question=question,
        sent=(shop_id, form_name),
        put=put,
        yesterday=(context().clock().date() - timedelta(days=1)).isoformat(),
    )


def _shop(shop_id: str, mode: str) -> dict[str, Any]:
    now, upper_mode = context().clock(), Mode(mode).value
    yesterday = now.date() - timedelta(days=1)
    with ledger().database.connect() as connection:
        scope = Scope.ending(shop_id, upper_mode, yesterday, DAYS_LOOKED_AT)
        days = completeness(connection, scope)
        files = kept_files(connection, shop_id, upper_mode)
    known = ledger().shops.shop_by_id.get(shop_id)
    return {
        "id": shop_id,
        "name": known.name if known is not None else "",
        "days": days[::-1],
        "files": files[::-1][:DAYS_LOOKED_AT],
        "missing": list(missing_files(files, now)),
    }
