"""Holds a transaction, so that nothing of it is erased or expires, and releases it again."""

from flask.typing import ResponseReturnValue
from marshmallow import Schema

from ledger.errors import NotFoundError
from ledger.privacy.holds import add_hold, release_hold
from ledger.queries.find_by_name import platform_uuid
from web.authentication import caller, log_act, only_for_all_shops, only_for_operators
from web.context import context, ledger
from web.pages.blueprint import bp
from web.pages.languages import N_
from web.pages.privacy import RefusedFormError, privacy_page
from web.pages.request_parameters import day, ends, read_form, text


class HoldForm(Schema):
    """Which transaction is to be held, until the end of which day (UTC), and why."""

    shop_id, transaction, reason = text(limit=100), text(), text()
    until = day()


@bp.post("/<mode:mode>/privacy/holds")
@only_for_operators
@only_for_all_shops
def hold_transaction(mode: str) -> ResponseReturnValue:
    """Hold one transaction."""
    question = read_form(HoldForm())
    parameters, now = question.parameters, context().clock()
    if question.wrong or not {"shop_id", "transaction", "reason"} <= parameters.keys():
        raise RefusedFormError(N_("A hold needs a transaction and a reason."))
    until = ends(parameters.get("until"), "UTC")
    if until is not None and until <= now:
        raise RefusedFormError(N_("Choose a day to come."))
    try:
        hold = add_hold(
            ledger(),
            shop_id=parameters["shop_id"],
            mode=mode,
            reference=platform_uuid(parameters["transaction"].strip()),
            until=until,
            reason=parameters["reason"],
            by_whom=caller().name,
            now=now,
        )
    except NotFoundError as error:
        raise RefusedFormError(N_("No transaction of this shop and mode has this name.")) from error
    log_act("hold", reference=hold.id)
    return privacy_page()


@bp.post("/<mode:mode>/privacy/holds/<hold_id>/release")
@only_for_operators
@only_for_all_shops
def release_transaction(mode: str, hold_id: str) -> ResponseReturnValue:
    """Release what a hold keeps."""
    release_hold(ledger(), hold_id, by_whom=caller().name, now=context().clock())
    log_act("hold-released", reference=hold_id)
    return privacy_page()
