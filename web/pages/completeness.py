"""For which days it is proven that everything was told, which files say so, and each report."""

from datetime import timedelta
from typing import Any

from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from ledger.errors import NotFoundError
from ledger.ipn.modes import Mode
from ledger.reconciliation.completeness import completeness, missing_files
from ledger.reconciliation.files import kept_files
from ledger.reconciliation.report_store import Scope, report_of
from ledger.reconciliation.standing import DAYS_LOOKED_AT
from web.authentication import caller, redact_for_reader, scope_of
from web.context import context, ledger
from web.pages.blueprint import bp
from web.pages.rendering import render

FINDINGS_SHOWN = 500


@bp.get("/<mode:mode>/completeness", endpoint="completeness")
def days_proven(mode: str) -> ResponseReturnValue:
    """Show the last thirty days of each shop, and the files that were put here."""
    return render("completeness.html", shops=[_shop(id_, mode) for id_ in scope_of(mode).shops])


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
