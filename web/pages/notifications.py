"""Deliveries: the list of the verified ones, and each with its body and the events it caused."""

from typing import Any

from flask import Response, url_for
from flask.typing import ResponseReturnValue
from marshmallow import Schema
from werkzeug.exceptions import NotFound

from ledger.aggregates.event_catalogue import SENTENCES
from ledger.ipn.modes import Mode
from ledger.ipn.refusal_reasons import REPAIRABLE, TOO_LARGE
from ledger.ipn.storable import is_storable
from ledger.operations.logs import network
from ledger.queries.evidence import caused, readable, subjects, verified_again
from ledger.queries.filter_declarations import NotificationFilter
from ledger.queries.notifications import list_notifications, notification_data
from ledger.storage.inbox import InboxRecord
from ledger.storage.outcomes import Outcome
from web.authentication import caller, log_personal_read, only_with_personal_data, scope_of
from web.context import ledger
from web.pages.blueprint import bp
from web.pages.navigation import link_to
from web.pages.rendering import render
from web.pages.request_parameters import (
    Question,
    choice,
    notification_cursor,
    read_question,
    without_blanks,
)

LIMIT = 50
REPEATS_MAX = 50

_IN_THE_HEAD = ("id", "positions", "mode", "outcome")
"""What the page shows in another place than its list of facts."""


class NotificationsForm(Schema):
    """The filters of the list."""

    outcome = choice(Outcome.RECORDED, Outcome.REPEATED)
    cursor = notification_cursor()


@bp.get("/<mode:mode>/notifications")
def notifications(mode: str) -> ResponseReturnValue:
    """List the verified deliveries, newest first."""
    cleaned = without_blanks()
    if cleaned is not None:
        return cleaned
    question = read_question(NotificationsForm())
    body = render("notifications.html", question=question, **_page(mode, question))
    return body, question.status


def _page(mode: str, question: Question) -> dict[str, Any]:
    rows = []
    if not question.wrong:
        outcome = question.parameters.get("outcome")
        filter_ = NotificationFilter(
            mode=mode,
            shop_id=frozenset(scope_of(Mode(mode)).shops),
            outcome=frozenset({outcome} if outcome else {Outcome.RECORDED, Outcome.REPEATED}),
        )
        cursor = question.parameters.get("cursor")
        with ledger().database.connect() as connection:
            rows = list_notifications(connection, filter_, before_id=cursor, limit=LIMIT + 1)
    here = url_for("pages.notifications", mode=mode)
    return {
        "rows": rows[:LIMIT],
        "next_address": len(rows) > LIMIT and question.address(here, cursor=rows[LIMIT - 1].id),
        "first_address": question.value("cursor") and question.address(here, "cursor"),
    }


@bp.get("/<mode:mode>/notifications/<name>")
def notification(mode: str, name: str) -> ResponseReturnValue:
    """Show one delivery, verified or not: how it came, what it says, and what it caused."""
    row = _row(mode, name)
    facts = notification_data(row)
    if caller().sees_personal:
        log_personal_read("raw", shop_id=row.shop_id, mode=mode, reference=row.id)
    else:
        facts["peer"] = network(row.peer)
    has_body = caller().sees_personal and row.reason != TOO_LARGE
    return render(
        "notification.html",
        row=row,
        facts={name: fact for name, fact in facts.items() if name not in _IN_THE_HEAD},
        notification=facts,
        is_repairable=row.reason in REPAIRABLE,
        body=readable(ledger(), row) if has_body else None,
        signature=None if row.outcome == Outcome.QUARANTINED else verified_again(ledger(), row),
        events=[_event(recorded.position, recorded.event) for recorded in caused(ledger(), row)],
        subjects=_subjects(row),
        same_content=_same_content(row),
    )


@bp.get("/<mode:mode>/notifications/<name>/raw")
@only_with_personal_data
def notification_raw(mode: str, name: str) -> ResponseReturnValue:
    """Download its body, byte for byte."""
    row = _row(mode, name)
    log_personal_read("raw", shop_id=row.shop_id, mode=mode, reference=row.id)
    response = Response(row.body or b"", mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{row.id}.bin"'
    return response


def _row(mode: str, name: str) -> InboxRecord:
    """Return a delivery of this mode, or of none, that the reader may see. Errors: NotFound."""
    row = None
    if is_storable(name):
        with ledger().database.connect() as connection:
            row = ledger().inbox.get(connection, name)
    if row is None or row.mode not in (None, Mode(mode)) or not caller().allows_shop(row.shop_id):
        raise NotFound
    return row


def _event(position: int, event: Any) -> dict[str, Any]:
    kind = event.aggregate_class.KIND
    reference = getattr(event, "subscription_id", "") or event.reference
    return {
        "position": position,
        "sentence": SENTENCES[type(event)],
        "kind": kind,
        "name": reference,
        "href": _link(event.shop_id, event.mode, kind, reference, getattr(event, "alias", None)),
        "event": event,
    }


def _subjects(row: InboxRecord) -> list[tuple[str, str, str]]:
    """Return the objects that a delivery names. Shape: kind, name, address of its page."""
    return [
        (
            subject.kind,
            subject.name,
            _link(row.shop_id, row.mode, subject.kind, subject.name, subject.alias),
        )
        for subject in subjects(ledger(), row)
    ]


def _link(
    shop_id: str | None, mode: str | None, kind: str, name: str, alias: str | None = None
) -> str:
    more = {"alias": alias or None} if kind == "subscription" else {}
    return link_to(kind, name, shop_id=shop_id, mode=(mode or "").lower(), **more)


def _same_content(row: InboxRecord) -> list[InboxRecord]:
    """Return the other deliveries of the same signed content."""
    if row.signed_digest is None:
        return []
    with ledger().database.connect() as connection:
        rows = ledger().inbox.same_signed(connection, row.signed_digest, limit=REPEATS_MAX + 1)
    return [other for other in rows if other.id != row.id]
