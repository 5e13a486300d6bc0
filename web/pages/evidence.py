"""The page of one event's evidence: the delivery behind it, checked again, and its raw body."""

from typing import Any

from flask.typing import ResponseReturnValue

from ledger.aggregates.event_catalogue import SENTENCES
from ledger.errors import NotFoundError
from ledger.ipn.modes import Mode
from ledger.ipn.signature import digest
from ledger.operations.logs import network
from ledger.queries.evidence import event_at, evidence_of
from ledger.queries.notifications import notification_data
from ledger.storage.event_store import RecordedEvent
from ledger.storage.inbox import InboxRecord
from web.authentication import caller, log_personal_read
from web.context import context, ledger
from web.pages.blueprint import bp
from web.pages.rendering import render


@bp.get("/<mode:mode>/shops/<shop_id>/events/<int:position>/evidence")
def evidence(mode: str, shop_id: str, position: int) -> ResponseReturnValue:
    """Show the delivery behind an event; its body for those who see personal data, and logged."""
    recorded = event_at(ledger(), position)
    event = recorded.event
    if (event.shop_id, Mode(event.mode).public) != (shop_id, mode):
        raise NotFoundError(f"no event at position {position} of this shop and mode")
    row = _delivery(event.notification_id)
    notification = notification_data(row)
    if caller().sees_personal:
        log_personal_read("evidence", shop_id=shop_id, mode=mode, reference=str(position))
    else:
        notification["peer"] = network(row.peer)
    return render(
        "evidence.html",
        position=position,
        event=event,
        kind=event.aggregate_class.KIND,
        sentence=SENTENCES[type(event)],
        notification=notification,
        now=context().clock(),
        newest_position=ledger().events.newest_position,
        **_proof(recorded),
    )


def _delivery(notification_id: str) -> InboxRecord:
    """Return the delivery behind an event, without its body. Errors: NotFoundError."""
    with ledger().database.connect() as connection:
        row = ledger().inbox.find_verified(connection, notification_id)
    if row is None:
        raise NotFoundError("the delivery behind this event is not in the journal")
    return row


def _proof(recorded: RecordedEvent) -> dict[str, Any]:
    """Verify the delivery again, and return its body as far as the reader may see it."""
    (proof,) = evidence_of(ledger(), [recorded]).values()
    return {
        "evidence": proof,
        "digest_now": digest(proof.body),
        "body": proof.body.decode("utf-8", "replace") if caller().sees_personal else None,
    }
