"""The page of one event's evidence: the delivery behind it, checked again, and its raw body."""

from typing import Any

from flask.typing import ResponseReturnValue

from ledger.deliveries import notification_data
from ledger.errors import NotFoundError
from ledger.evidence import event_at, evidence_of
from ledger.logs import network
from ledger.signature import digest
from ledger.storage.event_store import RecordedEvent
from ledger.storage.journal import JournalRow
from ledger.vocabulary import SENTENCES
from web.context import context, ledger
from web.pages.blueprint import bp
from web.pages.rendering import render_in_parts
from web.security import caller, will_tell_personal


@bp.get("/<mode:mode>/shops/<shop_id>/events/<int:position>/evidence")
def evidence(mode: str, shop_id: str, position: int) -> ResponseReturnValue:
    """What stands behind an event; its body for those who may see personal data, and logged."""
    found = event_at(ledger(), position)
    event = found.event
    if (event.shop_id, event.mode.lower()) != (shop_id, mode):
        raise NotFoundError(f"no event at position {position} of this shop and mode")
    row = _delivery(event.notification_id)
    told = notification_data(row)
    if caller().sees_personal:
        will_tell_personal("evidence", shop_id=shop_id, mode=mode, reference=str(position))
    else:
        told["peer"] = network(row.peer)
    return render_in_parts(
        "evidence.html",
        position=position,
        event=event,
        kind=event.aggregate_class.KIND,
        sentence=SENTENCES[type(event)],
        told=told,
        proof=lambda: _proof(found),
        now=context().clock(),
        newest_position=ledger().events.newest_position,
    )


def _delivery(notification_id: str) -> JournalRow:
    """The delivery behind an event, without its body. Errors: NotFoundError."""
    with ledger().database.connect() as connection:
        row = ledger().journal.find_verified(connection, notification_id)
    if row is None:
        raise NotFoundError("the delivery behind this event is not in the journal")
    return row


def _proof(event: RecordedEvent) -> dict[str, Any]:
    """What is read, and verified again, while the page's head is on its way."""
    (found,) = evidence_of(ledger(), [event]).values()
    return {
        "evidence": found,
        "digest": digest(found.body),
        "body": found.body.decode("utf-8", "replace") if caller().sees_personal else None,
    }
