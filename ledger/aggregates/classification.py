"""What happened to a transaction, in the words of its events, and when that was.

The words are the stored names of the events, without the kind before them.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from ledger.aggregates.precedence import instant_of
from ledger.aggregates.situation import Situation
from ledger.ipn import notification_rules as rules
from ledger.ipn.statuses import RANKS

DETAILS_REPORTED = "details-reported"
CONFIRMED_BY_CALL = "confirmed-by-call"
CAPTURED = "captured"

_BY_STATUS: Mapping[str, str] = {
    "CAPTURED": CAPTURED,
    "CAPTURE_FAILED": "capture-failed",
    "SUSPENDED": "capture-suspended",
    "EXPIRED": "expired",
    "CANCELLED": "cancelled",
    "ABANDONED": "payment-abandoned",
}
_CREATIONS = frozenset(
    {"payment-accepted", "payment-refused", "verification-accepted", "verification-refused"}
    | {"manual-payment-accepted", "manual-payment-refused"}
    | {"refund-issued", "refund-refused", "payment-duplicated"}
)


def classify(situation: Situation, rule: str) -> str:
    """Return the event that says in domain words what happened. Shape: `payment-accepted`."""
    if not situation.status or situation.has_same_status:
        return _with_same_status(situation)
    if situation.status not in RANKS:
        return "status-reported"
    if situation.status_before:
        return _with_changed_status(situation)
    return _with_first_status(situation, rule)


def _with_same_status(situation: Situation) -> str:
    if not situation.is_known:
        return "status-reported"
    if situation.replaces("amount_minor"):
        return "amount-changed"
    if situation.replaces("capture_at"):
        return "capture-rescheduled"
    return DETAILS_REPORTED


def _with_changed_status(situation: Situation) -> str:
    if situation.is_refused:
        if situation.operation == "CREDIT":
            return "refund-refused"
        return "authorisation-refused" if situation.has_waited else "refused-by-acquirer"
    if situation.is_validation:
        return "validated"
    if situation.is_granted:
        return "authorisation-granted" if situation.has_waited else "accepted-by-acquirer"
    return _BY_STATUS.get(situation.status, "status-reported")


def _with_first_status(situation: Situation, rule: str) -> str:
    if situation.status in ("ABANDONED", "CANCELLED"):
        return _BY_STATUS[situation.status]
    if situation.operation == "CREDIT":
        return "refund-refused" if situation.is_refused else "refund-issued"
    if situation.operation == "VERIFICATION":
        return "verification-refused" if situation.is_refused else "verification-accepted"
    if situation.operation not in ("DEBIT", ""):
        return "status-reported"
    if rule == rules.BACK_OFFICE and situation.is_made_by_operator:
        return _made_by_operator(situation)
    if situation.was_made_now:  # so that nothing was done with it yet, whatever a hint says
        return _first_payment(situation, rules.END_OF_PAYMENT)
    if rule == rules.BACK_OFFICE:  # made before we listened
        return _BY_STATUS.get(situation.status, "status-reported")
    if rule == rules.ACQUIRER_STATUS:
        by_status = _BY_STATUS.get(situation.status, "accepted-by-acquirer")
        return "refused-by-acquirer" if situation.is_refused else by_status
    return _first_payment(situation, rule)


def _first_payment(situation: Situation, rule: str) -> str:
    if rule == rules.DEFERRED_AUTHORISATION:
        if situation.is_refused:
            return "authorisation-refused"
        if situation.is_granted:
            return "authorisation-granted"
    if situation.is_refused:
        return "payment-refused"
    if situation.status in ("EXPIRED", "CAPTURE_FAILED", "SUSPENDED"):
        return _BY_STATUS[situation.status]
    return "payment-accepted"


def _made_by_operator(situation: Situation) -> str:
    if not situation.is_by_telephone:
        return "payment-duplicated"
    return "manual-payment-refused" if situation.is_refused else "manual-payment-accepted"


def occurred_at(situation: Situation, happened: str, derived: Collection[str]) -> datetime | None:
    """Return when it happened according to the platform; None when it does not say."""
    dated_by = ""
    if happened == CAPTURED:
        dated_by = "captured_at"
    elif not situation.is_known and happened in _CREATIONS:
        dated_by = "created_at"
    if dated_by in situation.facts and dated_by not in derived:
        return instant_of(situation.facts, dated_by)
    is_redelivery = situation.occasion.source in rules.REDELIVERIES
    return None if is_redelivery else situation.occasion.told_at
