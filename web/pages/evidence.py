"""The page of one event's evidence: the delivery behind it, checked again, and its raw body."""

from flask.typing import ResponseReturnValue

from ledger.deliveries import notification_data
from ledger.errors import NotFoundError
from ledger.evidence import evidence as evidence_at
from ledger.logs import network
from ledger.signature import digest
from ledger.vocabulary import SENTENCES
from web.context import context, ledger
from web.pages.blueprint import bp
from web.pages.rendering import render
from web.security import caller, will_tell_personal


@bp.get("/<mode:mode>/shops/<shop_id>/events/<int:position>/evidence")
def evidence(mode: str, shop_id: str, position: int) -> ResponseReturnValue:
    """What stands behind an event; its body for those who may see personal data, and logged."""
    found = evidence_at(ledger(), position)
    event, row = found.event.event, found.row
    if (event.shop_id, event.mode.lower()) != (shop_id, mode):
        raise NotFoundError(f"no event at position {position} of this shop and mode")
    told = notification_data(row)
    if caller().sees_personal:
        will_tell_personal("evidence", shop_id=shop_id, mode=mode, reference=str(position))
    else:
        told["peer"] = network(row.peer)
    return render(
        "evidence.html",
        evidence=found,
        event=event,
        kind=event.aggregate_class.KIND,
        sentence=SENTENCES[type(event)],
        told=told,
        digest_now=digest(found.body),
        body=found.body.decode("utf-8", "replace") if caller().sees_personal else None,
        now=context().clock(),
        newest_position=ledger().recorder.max_notification_id,
    )
