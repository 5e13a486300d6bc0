"""Deliveries: the verified ones, each with its body and its events, and the one behind an event."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import Response
from flask.typing import ResponseReturnValue
from marshmallow import Schema
from werkzeug.exceptions import NotFound

from ledger.access.roles import OPERATOR
from ledger.aggregates.event_catalogue import SENTENCES
from ledger.application import Ledger
from ledger.errors import ArchiveError, NotFoundError
from ledger.ipn.modes import Mode
from ledger.ipn.signature import digest
from ledger.ipn.storable import is_storable
from ledger.operations.logs import network
from ledger.queries.evidence import (
    body_text,
    caused,
    event_at,
    evidence_behind,
    explained,
    readable,
    subjects,
    verified_again,
    what_to_do,
)
from ledger.queries.filter_declarations import NotificationFilter
from ledger.queries.find_by_name import SUBSCRIPTION
from ledger.queries.notifications import list_notifications, notification_data
from ledger.queries.readable import erasure_of_body, find_delivery, find_delivery_facts
from ledger.recording.inbox_rows import missing_body
from ledger.storage.event_store import RecordedEvent
from ledger.storage.inbox import Inbox, InboxRecord
from ledger.storage.outcomes import Outcome
from web.authentication import (
    caller,
    log_personal_read,
    only_with_personal_data,
    redact_for_reader,
    require_body,
    scope_of,
)
from web.context import context, ledger
from web.pages.blueprint import bp
from web.pages.filter_form import filter_parameters
from web.pages.navigation import link_to
from web.pages.periods import period_links
from web.pages.proof import proven_entry
from web.pages.rendering import render
from web.pages.request_parameters import (
    Question,
    choice,
    day,
    days_in,
    notification_cursor,
    read_question,
    zone_of_days,
)
from web.paths import own_path

VERIFIED = (Outcome.RECORDED, Outcome.REPEATED, Outcome.UNDECIDED)
LIMIT = 50
REPEATS_MAX = 50

_IN_THE_HEAD = ("id", "positions", "mode", "outcome")
"""What the page shows in another place than its list of facts."""


class ArrivalForm(Schema):
    """The days of arrival that a list is narrowed to."""

    received_from = day()
    received_until = day()
    days_in = days_in()
    cursor = notification_cursor()


class NotificationsForm(ArrivalForm):
    """The filters of the list."""

    outcome = choice(*VERIFIED)


def arrival_filter(question: Question) -> NotificationFilter:
    """Return the filter of the days of arrival in an address."""
    names = ("received_from", "received_until", "days_in")
    form = {name: question.parameters[name] for name in names if name in question.parameters}
    return NotificationFilter.of(filter_parameters(NotificationFilter, form))


@bp.get("/<mode:mode>/notifications")
def notifications(mode: str) -> ResponseReturnValue:
    """List the verified deliveries, newest first."""
    question = read_question(NotificationsForm())
    rows = []
    if not question.wrong:
        outcome = question.parameters.get("outcome")
        filter_ = replace(
            arrival_filter(question),
            mode=mode,
            shop_id=frozenset(scope_of(Mode(mode)).shops),
            outcome=frozenset({outcome} if outcome else VERIFIED),
        )
        cursor = question.parameters.get("cursor")
        rows = list_notifications(ledger(), filter_, before_id=cursor, limit=LIMIT + 1)
    page = render(
        "notifications.html",
        question=question,
        periods=period_links(question, own_path(), "received"),
        zone_of_days=zone_of_days(),
        **question.paging(rows, LIMIT),
    )
    return page, question.status


@bp.get("/<mode:mode>/notifications/<name>")
def notification(mode: str, name: str) -> ResponseReturnValue:
    """Show one delivery, verified or not: how it came, what it says, and what it caused."""
    row, missing = _with_or_without_body(mode, name)
    facts = _facts(row)
    log_personal_read("raw", shop_id=row.shop_id, mode=mode, reference=row.id)
    has_body = caller().sees_personal and missing is None
    is_verifiable = row.outcome != Outcome.QUARANTINED and missing != ArchiveError.code
    explanation = explained(ledger(), row) if caller().role == OPERATOR else None
    return render(
        "notification.html",
        row=row,
        facts={name: fact for name, fact in facts.items() if name not in _IN_THE_HEAD},
        notification=facts,
        remedy=what_to_do(ledger(), row, explanation or row.reason or ""),
        missing=missing,
        erasure=erasure_of_body(ledger(), row),
        may_download=caller().role == OPERATOR,
        explanation=explanation,
        body=readable(ledger(), row) if has_body else None,
        signature=verified_again(ledger(), row) if is_verifiable else None,
        events=[_event(recorded, mode) for recorded in caused(ledger(), row)],
        subjects=[
            (kind, name, _link(row.shop_id, mode, kind, name, alias))
            for kind, subject, alias in subjects(ledger(), row)
            for name in [_name_for_reader(subject)]
        ],
        same_content=_same_content(row),
    )


@bp.get("/<mode:mode>/notifications/<name>/raw")
@only_with_personal_data
def notification_raw(mode: str, name: str) -> ResponseReturnValue:
    """Download its body, byte for byte."""
    row = visible_delivery(mode, name)
    log_personal_read("raw", shop_id=row.shop_id, mode=mode, reference=row.id)
    response = Response(require_body(row), mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{row.id}.bin"'
    return response


@bp.get("/<mode:mode>/shops/<shop_id>/events/<int:position>/evidence")
def evidence(mode: str, shop_id: str, position: int) -> ResponseReturnValue:
    """Show the delivery behind an event; its body for those who see personal data, and logged."""
    recorded = event_at(ledger(), position)
    event = recorded.event
    if (event.shop_id, Mode(event.mode).public) != (shop_id, mode):
        raise NotFoundError(f"no event at position {position} of this shop and mode")
    proof = evidence_behind(ledger(), recorded)
    log_personal_read("evidence", shop_id=shop_id, mode=mode, reference=str(position))
    return render(
        "evidence.html",
        position=position,
        event=event,
        kind=event.aggregate_class.KIND,
        reference=_name_for_reader(event.reference),
        alias=_name_for_reader(getattr(event, "alias", "") or ""),
        sentence=SENTENCES[type(event)],
        notification=_facts(proof.row),
        evidence=proof,
        erasure=erasure_of_body(ledger(), proof.row),
        digest_now=digest(proof.body),
        proven=proven_entry(recorded.origin_id or event.notification_id),
        body=body_text(ledger(), proof.row) if caller().sees_personal else None,
        now=context().clock(),
        newest_position=ledger().events.newest_position(),
    )


def _with_or_without_body(mode: str, name: str) -> tuple[InboxRecord, str | None]:
    """Return a delivery, and the reason why its body is not shown. Errors: NotFound."""
    try:
        row = visible_delivery(mode, name)
    except ArchiveError as error:
        return visible_delivery(mode, name, find=find_delivery_facts), error.code
    return row, missing_body(row)


def visible_delivery(
    mode: str, name: str, find: Callable[[Ledger, str], InboxRecord | None] = find_delivery
) -> InboxRecord:
    """Return a delivery of this mode, or of none, that the reader may see.

    Errors: NotFound; those of `find`.
    """
    row = find(ledger(), name) if is_storable(name) else None
    if row is None or row.mode not in (None, Mode(mode)) or not caller().allows_shop(row.shop_id):
        raise NotFound
    return row


def _facts(row: InboxRecord) -> dict[str, Any]:
    """Return the facts of a delivery; of its sender's address as much as the reader may see."""
    facts = notification_data(row)
    facts.pop("is_imported")  # a mark of its own
    return facts if caller().sees_personal else facts | {"peer": network(row.peer)}


def _event(recorded: RecordedEvent, mode: str) -> dict[str, Any]:
    event = recorded.event
    kind = event.aggregate_class.KIND
    name = _name_for_reader(getattr(event, "subscription_id", "") or event.reference)
    return {
        "position": recorded.position,
        "sentence": SENTENCES[type(event)],
        "kind": kind,
        "name": name,
        "href": _link(event.shop_id, mode, kind, name, getattr(event, "alias", None)),
        "event": event,
    }


def _link(shop_id: str | None, mode: str, kind: str, name: str, alias: str | None) -> str:
    own_alias = _name_for_reader(alias or "") or None if kind == SUBSCRIPTION else None
    return link_to(kind, name, shop_id=shop_id, mode=mode, alias=own_alias)


def _name_for_reader(name: str) -> str:
    """Return the name of an object; masked when the reader may not see whom it names."""
    return str(redact_for_reader({"name": name})["name"])


def _same_content(row: InboxRecord) -> list[InboxRecord]:
    """Return the other deliveries of the same signed content."""
    if row.signed_tag is None:
        return []
    with ledger().database.connect() as connection:
        rows = Inbox(connection).same_signed(row.signed_tag, limit=REPEATS_MAX + 1)
    return [other for other in rows if other.id != row.id]
