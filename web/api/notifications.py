"""Notifications over HTTP: listed, shown, their raw bodies, evidence, and readmission."""

import base64
from typing import Any

from flask import Response
from marshmallow import RAISE

from ledger.errors import NotFoundError
from ledger.ipn.modes import Mode
from ledger.ipn.signature import digest
from ledger.operations.logs import network
from ledger.queries import notifications
from ledger.queries.evidence import body_text, evidence, may_read
from ledger.queries.filter_declarations import NotificationFilter
from ledger.queries.notifications import notification_data, waiting
from ledger.queries.readable import find_delivery, find_delivery_facts, refuse_erased
from ledger.recording.readmission import GONE, ReadmissionTally
from ledger.recording.receipt import Receipt
from ledger.storage.inbox import InboxRecord
from ledger.storage.outcomes import Outcome
from web.api import answers
from web.api.query_schemas import NotificationsQuery, ReadmitBody
from web.api.responses import a_blueprint, answer, answer_page, link
from web.authentication import (
    caller,
    filter_of_caller,
    log_personal_read,
    only_for_operators,
    only_with_personal_data,
    require_body,
)
from web.context import ledger

bp = a_blueprint("notifications", "What arrived, byte for byte, and what became of it.")

READMIT_MAX = 500
"""Deliveries that one call verifies again; `remaining` says whether to call once more."""


@bp.route("/notifications")
@bp.arguments(NotificationsQuery, location="query", unknown=RAISE)
@bp.response(200, answers.NotificationPage)
def list_notifications(parameters: dict[str, Any]) -> Response:
    """List notifications, verified and in quarantine, newest first."""
    limit, before_id = parameters["limit"], parameters["cursor"]
    filter_ = filter_of_caller(NotificationFilter, parameters)
    rows = notifications.list_notifications(ledger(), filter_, before_id=before_id, limit=limit + 1)
    cursor = rows[limit - 1].id if len(rows) > limit else None
    return answer_page([_shown(row) for row in rows[:limit]], cursor)


@bp.route("/notifications/<notification_id>")
@bp.response(200, answers.Notification)
def get_notification(notification_id: str) -> Response:
    """Show one notification; its body is below `/raw`."""
    return answer(_shown(_facts(notification_id)))


@bp.route("/notifications/<notification_id>/raw")
@bp.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
@only_with_personal_data
def get_notification_body(notification_id: str) -> Response:
    """Send the raw body, byte for byte as it arrived."""
    row = _of_caller(find_delivery(ledger(), notification_id))
    mode = Mode(row.mode).public if row.mode else None
    log_personal_read("raw", shop_id=row.shop_id, mode=mode, reference=row.id)
    headers = {"Content-Disposition": f'attachment; filename="{row.id}.bin"'}
    return Response(require_body(row), mimetype="application/octet-stream", headers=headers)


@bp.route("/notifications/<notification_id>/readmit", methods=["POST"])
@bp.response(200, answers.ReadmittedAnswer)
@only_for_operators
def readmit_notification(notification_id: str) -> Response:
    """Try a quarantined or undecided delivery again; it may fail again, with a reason."""
    id_ = _facts(notification_id).id
    return answer(_readmitted(id_, ledger().readmit(id_)))


@bp.route("/notifications/readmit", methods=["POST"])
@bp.arguments(ReadmitBody, location="json", unknown=RAISE)
@bp.response(200, answers.ReadmittedManyAnswer)
@only_for_operators
def readmit_notifications(request_body: dict[str, Any]) -> Response:
    """Try all again that wait for a reason; a dry run, which is the default, counts them."""
    ids = waiting(ledger(), request_body["reason"], shops=caller().shops)
    tally, items = ReadmissionTally(), []
    for id_, receipt in ledger().readmit_all([] if request_body["dry_run"] else ids[:READMIT_MAX]):
        tally.add(receipt)
        items.append(_readmitted(id_, receipt))
    return answer(
        {
            "dry_run": request_body["dry_run"],
            "matching": len(ids),
            "readmitted": tally.readmitted,
            "refused": tally.outcomes[Outcome.QUARANTINED],
            "undecided": tally.outcomes[Outcome.UNDECIDED],
            "remaining": len(ids) - len(items),
            "items": items,
        }
    )


@bp.route("/shops/<shop_id>/<mode>/events/<int:position>/evidence")
@bp.response(200, answers.EvidenceAnswer)
@only_with_personal_data
def get_evidence(shop_id: str, mode: str, position: int) -> Response:
    """Show what stands behind an event: its raw body, digest, and signature, verified again now."""
    proof = evidence(ledger(), position)
    event, row = proof.recorded.event, proof.row
    if (event.shop_id, Mode(event.mode).public) != (shop_id, mode):
        raise NotFoundError(f"no event at position {position} of this shop and mode")
    refuse_erased(ledger(), row)
    log_personal_read("evidence", shop_id=shop_id, mode=mode, reference=str(position))
    return answer(
        {
            "position": position,
            "type": event.TOPIC,
            "notification": _shown(row),
            "signature": proof.signature,
            "key_fingerprint": row.key_fingerprint,
            "digest": row.digest,
            "digest_now": digest(proof.body),
            "is_digest_same": proof.is_digest_same,
            "is_linked": proof.is_linked,
            "body_base64": _base64(proof.row),
            "body_text": body_text(ledger(), proof.row),
        }
    )


def _facts(notification_id: str) -> InboxRecord:
    """Return a notification of the caller's shops without its body. Errors: NotFoundError."""
    return _of_caller(find_delivery_facts(ledger(), notification_id))


def _of_caller(row: InboxRecord | None) -> InboxRecord:
    """Return what the caller may see. Errors: NotFoundError, also for another's."""
    if row is None or not caller().allows_shop(row.shop_id):
        raise NotFoundError("no such delivery")
    return row


def _base64(row: InboxRecord) -> str | None:
    """Return the body byte for byte; None when it holds card data, but for operators."""
    is_allowed = may_read(ledger(), caller(), row)
    return base64.b64encode(row.body or b"").decode() if is_allowed else None


def _shown(row: InboxRecord) -> dict[str, Any]:
    item, own = notification_data(row), link("notifications", row.id)
    if caller().sees_personal:
        return item | {"links": {"self": own, "raw": f"{own}/raw"}}
    return item | {"peer": network(row.peer), "links": {"self": own}}


def _readmitted(id_: str, receipt: Receipt | None) -> dict[str, Any]:
    if receipt is None:
        return {"id": id_, "outcome": GONE, "reason": None, "positions": []}
    outcome, reason, positions = receipt.outcome, receipt.reason, receipt.positions
    return {"id": id_, "outcome": outcome, "reason": reason, "positions": positions}
