"""The quarantine: its deliveries by reason, and their readmission with a preview."""

from typing import Any

import structlog
from flask import request, url_for
from flask.typing import ResponseReturnValue
from marshmallow import Schema
from werkzeug.exceptions import BadRequest, NotFound

from ledger.access.readers import OPERATOR
from ledger.ipn.modes import Mode
from ledger.ipn.refusal_reasons import REASONS, REPAIRABLE
from ledger.ipn.storable import is_storable
from ledger.queries.quarantine_list import by_reason, dry_run, ids_waiting, listed
from ledger.recording.readmission import ReadmissionTally
from ledger.storage.inbox import Inbox
from ledger.storage.outcomes import Outcome
from web.authentication import caller, only_for_operators, scope_of
from web.context import ledger
from web.pages.blueprint import bp
from web.pages.rendering import render
from web.pages.request_parameters import (
    Question,
    choice,
    notification_cursor,
    read_question,
    without_blanks,
)

LIMIT = 50
READMIT_MAX = 500
"""Deliveries that are verified again at a time; the page then offers the next ones."""


log = structlog.get_logger("pages")


class QuarantineForm(Schema):
    """The filters of the list."""

    reason = choice(*REASONS)
    cursor = notification_cursor()


@bp.get("/<mode:mode>/quarantine")
def quarantine(mode: str) -> ResponseReturnValue:
    """List how many wait for which reason, and the deliveries of one reason."""
    cleaned = without_blanks()
    if cleaned is not None:
        return cleaned
    question = read_question(QuarantineForm())
    body = render(
        "quarantine.html",
        question=question,
        meanings=REASONS,
        repairable=REPAIRABLE,
        reason=question.parameters.get("reason"),
        may_readmit=caller().role == OPERATOR,
        **_page(mode, question),
    )
    return body, question.status


def _page(mode: str, question: Question) -> dict[str, Any]:
    scope, reason = scope_of(Mode(mode)), question.parameters.get("reason")
    with ledger().database.connect() as connection:
        groups = by_reason(connection, scope)
        rows = []
        if reason and not question.wrong:
            cursor = question.parameters.get("cursor")
            rows = listed(connection, scope, reason, limit=LIMIT + 1, before_id=cursor)
    here = url_for("pages.quarantine", mode=mode)
    return {
        "groups": groups,
        "rows": rows[:LIMIT],
        "next_address": len(rows) > LIMIT and question.address(here, cursor=rows[LIMIT - 1].id),
        "first_address": question.value("cursor") and question.address(here, "cursor"),
    }


@bp.get("/<mode:mode>/quarantine/readmit")
@only_for_operators
def preview_readmission(mode: str) -> ResponseReturnValue:
    """Show what a readmission would do now; change nothing."""
    reason, name = request.args.get("reason"), request.args.get("id")
    ids, count = _chosen(mode, reason, name)
    return render(
        "readmission.html",
        reason=reason,
        name=name,
        count=count,
        limit=READMIT_MAX,
        dry_run=dry_run(ledger(), ids),
        meanings=REASONS,
        outcomes=None,
    )


@bp.post("/<mode:mode>/quarantine/readmit")
@only_for_operators
def readmit(mode: str) -> ResponseReturnValue:
    """Verify one, or all of one reason, again; what passes is recorded."""
    reason, name = request.form.get("reason"), request.form.get("id")
    ids, _ = _chosen(mode, reason, name)
    tally = ReadmissionTally()
    for _, receipt in ledger().readmit_all(ids):
        tally.add(receipt)
    log.info("readmitted", user=caller().id, asked=len(ids), **tally.outcomes)
    return render(
        "readmission.html",
        reason=reason,
        name=name,
        count=len(ids),
        limit=READMIT_MAX,
        outcomes=tally.outcomes,
        refused=tally.refused,
        meanings=REASONS,
    )


def _chosen(mode: str, reason: str | None, name: str | None) -> tuple[list[str], int]:
    """Return the ids of the chosen deliveries, at most READMIT_MAX, and how many there are."""
    scope = scope_of(Mode(mode))
    with ledger().database.connect() as connection:
        if name:
            row = None if not is_storable(name) else Inbox(connection).get(name)
            if (
                row is None
                or row.outcome != Outcome.QUARANTINED
                or row.mode not in (None, scope.mode)
            ):
                raise NotFound
            if not caller().allows_shop(row.shop_id):
                raise NotFound
            return [row.id], 1
        if reason not in REASONS:
            raise BadRequest
        count = sum(group.count for group in by_reason(connection, scope) if group.reason == reason)
        return ids_waiting(connection, scope, reason, limit=READMIT_MAX), count
