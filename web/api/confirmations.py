"""Operators vouch over HTTP for doubtful transactions, one at a time."""

from typing import Any

from flask import Response
from marshmallow import RAISE

from ledger.errors import NotFoundError
from ledger.ipn.modes import Mode
from ledger.recording.confirmation import Voucher
from ledger.storage.event_store import fold
from web.api.answers import ConfirmedAnswer
from web.api.query_schemas import ConfirmBody
from web.api.responses import a_blueprint, answer
from web.authentication import caller, log_personal_read, only_for_operators
from web.context import ledger

bp = a_blueprint("confirmations", "Doubtful transactions, confirmed by an operator.")


@bp.route("/shops/<shop_id>/<mode>/transactions/<name:name>/confirm", methods=["POST"])
@bp.arguments(ConfirmBody, location="json", unknown=RAISE)
@bp.response(200, ConfirmedAnswer)
@only_for_operators
def confirm_transaction(
    request_body: dict[str, Any], shop_id: str, mode: str, name: str
) -> Response:
    """Confirm a doubtful transaction; a dry run, which is the default, shows what would count."""
    names, version = (shop_id, Mode(mode), name), request_body["version"]
    confirmation = ledger().confirmation
    events = confirmation.doubtful_events(*names)
    if len(events) != version:
        raise NotFoundError(f"it has changed: it is at version {len(events)} now")
    log_personal_read("confirm", shop_id=shop_id, mode=mode, reference=name)
    positions: tuple[int, ...] = ()
    if not request_body["dry_run"]:
        voucher = Voucher(caller().name, request_body["reason"], version)
        positions = confirmation.confirm(*names, voucher)
    transaction = fold(events)
    return answer(
        {
            "dry_run": request_body["dry_run"],
            "version": version,
            "doubtful": events[-1].event.doubtful or [],
            "facts": transaction.facts if transaction else {},
            "positions": list(positions),
        }
    )
