"""Which payments are in which remittance to the bank, as files of the platform list them."""

from datetime import date, timedelta
from typing import Any

from flask.typing import ResponseReturnValue
from marshmallow import Schema

from ledger.errors import BadFilterError, ViewNotBuiltError
from ledger.ipn.modes import Mode
from ledger.reconciliation.remittances import settled_days
from ledger.reconciliation.report_store import Scope
from ledger.reconciliation.standing import DAYS_LOOKED_AT
from web.authentication import log_personal_read, scope_of
from web.context import context, ledger
from web.listed import settlement_of
from web.pages.blueprint import bp
from web.pages.languages import N_
from web.pages.rendering import render
from web.pages.request_parameters import Question, day, read_question

LINES_SHOWN = 500
"""Of each shop; the API and `ledger settlement` list more."""
_UNREADABLE_DAYS = N_("Ask for at most a year, the earlier day first.")


class SettlementForm(Schema):
    """The parameters of the page: the UTC days on which the money moved."""

    settled_from = day()
    settled_until = day()


@bp.get("/<mode:mode>/settlement", endpoint="settlement")
def settlement(mode: str) -> ResponseReturnValue:
    """Show the remittances of some days of each shop; the last thirty days by default."""
    question = read_question(SettlementForm())
    first, last = _days(question)
    try:
        scopes = [Scope(id_, Mode(mode), first, last) for id_ in scope_of(mode).shops]
    except BadFilterError:
        question.wrong["settled_until"] = [_UNREADABLE_DAYS]
    shops = [] if question.wrong else list(map(_shop, scopes))
    log_personal_read("settlement", mode=mode, reference=last.isoformat())
    status = 422 if question.wrong else 200
    days = {"first_day": first, "last_day": last}
    return render("settlement.html", question=question, shops=shops, **days), status


def _days(question: Question) -> tuple[date, date]:
    yesterday = context().clock().date() - timedelta(days=1)
    last = question.parameters.get("settled_until") or yesterday
    first = question.parameters.get("settled_from")
    return first or Scope.ending("", "", last, DAYS_LOOKED_AT).first_day, last


def _shop(scope: Scope) -> dict[str, Any]:
    known = ledger().shops.shop_by_id.get(scope.shop_id)
    shop = {"id": scope.shop_id, "name": known.name if known is not None else ""}
    with ledger().database.connect() as connection:
        try:
            settled = settled_days(connection, scope)
        except ViewNotBuiltError:
            return shop | {"is_built": False}
    return shop | {"is_built": True, **settlement_of(settled, LINES_SHOWN)}
