"""What is in quarantine or undecided, by reason, and its readmission with a preview."""

from collections.abc import Mapping
from typing import Any

import structlog
from flask import request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, NotFound

from ledger.access.roles import OPERATOR
from ledger.ipn.modes import Mode
from ledger.ipn.refusal_reasons import REASONS, REPAIRABLE
from ledger.queries.keys_held import keys_held
from ledger.queries.quarantine_list import by_reason, dry_run, ids_waiting, listed
from ledger.recording.readmission import WAITING, ReadmissionTally
from web.authentication import caller, only_for_operators, scope_of
from web.context import context, ledger
from web.pages.blueprint import bp
from web.pages.notifications import ArrivalForm, arrival_filter, visible_delivery
from web.pages.periods import period_links
from web.pages.rendering import render
from web.pages.request_parameters import choice, read_question, zone_of_days
from web.paths import own_path

LIMIT = 50
READMIT_MAX = 500
"""Deliveries that are verified again at a time; the page then offers the next ones."""

log = structlog.get_logger("pages")


class QuarantineForm(ArrivalForm):
    """The filters of the list."""

    reason = choice(*REASONS)


@bp.get("/<mode:mode>/quarantine")
def quarantine(mode: str) -> ResponseReturnValue:
    """List how many wait for which reason, and the deliveries of one reason."""
    question = read_question(QuarantineForm())
    scope, reason = scope_of(Mode(mode)), question.parameters.get("reason")
    may_readmit = caller().role == OPERATOR
    rows, keys = [], []
    with ledger().database.connect() as connection:
        groups = by_reason(connection, scope)
        if may_readmit:
            keys = keys_held(connection, ledger().shops, scope, now=context().clock())
        if reason and not question.wrong:
            cursor = question.parameters.get("cursor")
            filter_ = arrival_filter(question)
            rows = listed(connection, scope, reason, filter_, limit=LIMIT + 1, before_id=cursor)
    page = render(
        "quarantine.html",
        question=question,
        groups=groups,
        repairable=REPAIRABLE,
        reason=reason,
        may_readmit=may_readmit,
        key_cards=keys,
        periods=period_links(question, own_path(), "received"),
        zone_of_days=zone_of_days(),
        **question.paging(rows, LIMIT),
    )
    return page, question.status


@bp.get("/<mode:mode>/quarantine/readmit")
@only_for_operators
def preview_readmission(mode: str) -> ResponseReturnValue:
    """Show what a readmission would do now; change nothing."""
    ids, chosen = _chosen(mode, request.args)
    return render("readmission.html", **chosen, dry_run=dry_run(ledger(), ids))


@bp.post("/<mode:mode>/quarantine/readmit")
@only_for_operators
def readmit(mode: str) -> ResponseReturnValue:
    """Try one, or all of one reason, again; what passes is recorded."""
    ids, chosen = _chosen(mode, request.form)
    tally = ReadmissionTally()
    for _, receipt in ledger().readmit_all(ids):
        tally.add(receipt)
    log.info("quarantine.readmitted", user=caller().id, asked=len(ids), **tally.outcomes)
    return render(
        "readmission.html", **chosen, outcomes=tally.outcomes, refused=tally.refused, dry_run=None
    )


def _chosen(mode: str, form: Mapping[str, str]) -> tuple[list[str], dict[str, Any]]:
    """Return the ids of the chosen deliveries, at most READMIT_MAX, and what says which they are.

    Errors: BadRequest, NotFound.
    """
    reason, name = form.get("reason"), form.get("id")
    if name:
        row = visible_delivery(mode, name)
        if row.outcome not in WAITING:
            raise NotFound
        ids, count = [row.id], 1
    elif reason not in REASONS:
        raise BadRequest
    else:
        scope = scope_of(Mode(mode))
        with ledger().database.connect() as connection:
            waiting = by_reason(connection, scope)
            ids = ids_waiting(connection, scope, reason, limit=READMIT_MAX)
        count = sum(group.count for group in waiting if group.reason == reason)
    return ids, {"reason": reason, "name": name, "count": count, "limit": READMIT_MAX}
