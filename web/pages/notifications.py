"""Deliveries: those that were verified, and one of either kind with its body and its effects."""

from typing import Any

from flask import Response, url_for
from flask.typing import ResponseReturnValue
from marshmallow import Schema
from werkzeug.exceptions import NotFound

from ledger.delivered import caused, readable, subjects
from ledger.deliveries import notification_data
from ledger.evidence import verified_again
from ledger.logs import network
from ledger.queries.filters import NotificationFilter
from ledger.queries.notifications import list_notifications
from ledger.reasons import REPAIRABLE, TOO_LARGE
from ledger.storage.journal import JournalRow
from ledger.storage.outcomes import Outcome
from ledger.vocabulary import SENTENCES
from web.context import ledger
from web.pages.asking import (
    Question,
    choice,
    notification_cursor,
    read_question,
    without_blanks,
)
from web.pages.blueprint import bp
from web.pages.navigation import link_to
from web.pages.overview import scope_of
from web.pages.rendering import render_in_parts
from web.security import caller, only_with_personal_data, will_tell_personal

LIMIT = 50
REPEATS_MAX = 50


class NotificationsForm(Schema):
    """What the list may be asked."""

    outcome = choice(Outcome.RECORDED, Outcome.REPEATED)
    cursor = notification_cursor()


@bp.get("/<mode:mode>/notifications")
def notifications(mode: str) -> ResponseReturnValue:
    """Verified deliveries, newest first."""
    cleaned = without_blanks()
    if cleaned is not None:
        return cleaned
    question = read_question(NotificationsForm())
    told = render_in_parts(
        "notifications.html", told=lambda: _listed(mode, question), question=question
    )
    return told, question.status


def _listed(mode: str, question: Question) -> dict[str, Any]:
    rows = []
    if not question.wrong:
        outcome = question.asked.get("outcome")
        filter_ = NotificationFilter(
            mode=mode,
            shop_id=frozenset(scope_of(mode.upper()).shops),
            outcome=frozenset({outcome} if outcome else {Outcome.RECORDED, Outcome.REPEATED}),
        )
        cursor = question.asked.get("cursor")
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
    """One delivery, verified or not: how it came, what it says, and what it caused."""
    row = _row(mode, name)
    facts = notification_data(row)
    if caller().sees_personal:
        will_tell_personal("raw", shop_id=row.shop_id, mode=mode, reference=row.id)
    else:
        facts["peer"] = network(row.peer)
    return render_in_parts(
        "notification.html",
        row=row,
        facts={
            key: told
            for key, told in facts.items()
            if key not in ("id", "positions", "mode", "outcome")
        },
        item=facts,
        told=lambda: _dossier(row),
        is_repairable=row.reason in REPAIRABLE,
    )


def _dossier(row: JournalRow) -> dict[str, Any]:
    """What is read, and verified again, while the page's head is on its way."""
    has_body = caller().sees_personal and row.reason != TOO_LARGE
    return {
        "body": readable(ledger(), row) if has_body else None,
        "signature": None if row.outcome == Outcome.QUARANTINED else verified_again(ledger(), row),
        "events": [_event(one.position, one.event) for one in caused(ledger(), row)],
        "about": _about(row),
        "others": _others(row),
    }


@bp.get("/<mode:mode>/notifications/<name>/raw")
@only_with_personal_data
def notification_raw(mode: str, name: str) -> ResponseReturnValue:
    """Its body, byte for byte, as a file."""
    row = _row(mode, name)
    will_tell_personal("raw", shop_id=row.shop_id, mode=mode, reference=row.id)
    response = Response(row.body or b"", mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{row.id}.bin"'
    return response


def _row(mode: str, name: str) -> JournalRow:
    """A delivery of this mode, or of none, that the reader may know of. Errors: NotFound."""
    row = None
    if "\x00" not in name:
        with ledger().database.connect() as connection:
            row = ledger().journal.get(connection, name)
    if row is None or row.mode not in (None, mode.upper()) or not caller().allows_shop(row.shop_id):
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


def _about(row: JournalRow) -> list[tuple[str, str, str]]:
    """Shape: kind, name, address of its page."""
    return [
        (one.kind, one.name, _link(row.shop_id, row.mode, one.kind, one.name, one.alias))
        for one in subjects(ledger(), row)
    ]


def _link(
    shop_id: str | None, mode: str | None, kind: str, name: str, alias: str | None = None
) -> str:
    more = {"alias": alias or None} if kind == "subscription" else {}
    return link_to(kind, name, shop_id=shop_id, mode=(mode or "").lower(), **more)


def _others(row: JournalRow) -> list[JournalRow]:
    """Deliveries of the same signed content."""
    if row.signed_digest is None:
        return []
    with ledger().database.connect() as connection:
        found = ledger().journal.same_signed(connection, row.signed_digest, limit=REPEATS_MAX + 1)
    return [one for one in found if one.id != row.id]
