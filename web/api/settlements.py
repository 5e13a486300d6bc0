"""Remittances to the bank over HTTP, as files of the platform list them."""

from datetime import timedelta
from typing import Any

from flask import Response
from marshmallow import RAISE

from ledger.ipn.modes import Mode
from ledger.reconciliation.remittances import settled_days
from ledger.reconciliation.report_store import Scope
from web.api.reconciliation_queries import CompletenessQuery
from web.api.responses import a_blueprint, answer
from web.api.settlement_answers import SettlementAnswer
from web.authentication import log_personal_read
from web.context import context, ledger
from web.listed import settlement_of

bp = a_blueprint("settlements", "What the bank was sent, as files of the platform list it.")


@bp.route("/shops/<shop_id>/<mode>/settlements")
@bp.arguments(CompletenessQuery, location="query", unknown=RAISE)
@bp.response(200, SettlementAnswer)
def get_settlement(parameters: dict[str, Any], shop_id: str, mode: str) -> Response:
    """Say which payments are in which remittance, with fees; of the last 30 days by default."""
    last_day = parameters["until"] or context().clock().date() - timedelta(days=1)
    scope = Scope.ending(shop_id, Mode(mode).value, last_day, parameters["days"])
    with ledger().database.connect() as connection:
        settled = settled_days(connection, scope)
    log_personal_read("settlement", shop_id=shop_id, mode=mode, reference=last_day.isoformat())
    return answer(settlement_of(settled))
