"""What a form says of an alias and of a subscription, beside a payment or without one.

What a call is about is decided by the fields that it has, not by the words in them: a value that
cannot be read is odd, and makes no instalment an opening, or the other way round.

Source: form-v2 reference, sections 3.5, 6.3 to 6.5 and 6.9.
"""

from collections.abc import Mapping

from ledger.ipn import form_v2_fields as form_fields
from ledger.ipn import notification_rules as rules
from ledger.ipn.field_values import Values, read_facts
from ledger.ipn.snapshots import (
    ABANDONED,
    CREATED,
    NOT_CREATED,
    REQUEST_REFUSED,
    AliasSnapshot,
    Fact,
    SubscriptionSnapshot,
    is_instalment,
)
from ledger.ipn.statuses import REFUSED
from ledger.ipn.storable import storable


def is_told_an_instalment(field_values: Values, source: str | None) -> bool | None:
    """Return what a call says of being an instalment by the fields it has, whatever they hold.

    Shape: None when it says nothing of it. A replay keeps the number of an instalment. Source:
    form-v2 reference, sections 3.1 and 3.5.
    """
    raw = field_values.raw
    if raw("vads_recurrence_number"):
        return True
    is_request = raw("vads_recurrence_status") or raw("vads_identifier_status")
    if is_request or any(map(raw, form_fields.PLAN_NAMES)) or source in rules.REDELIVERIES:
        return False
    return None


def aliases_of(field_values: Values, facts: Mapping[str, Fact]) -> tuple[AliasSnapshot, ...]:
    """Return what is said of an alias; its own word counts before what became of the payment."""
    if "alias" not in facts:
        return ()
    alias_facts = read_facts(field_values, form_fields.ALIAS_FIELDS)
    request = alias_facts.get("request")
    if request == ABANDONED:
        alias_facts["request"] = request = NOT_CREATED
    is_requested = bool(field_values.raw("vads_identifier_status"))
    is_refused = request in REQUEST_REFUSED if request else _is_refused(facts)
    card = [[name, storable(field_values.raw(name))] for name in sorted(form_fields.CARD_FIELDS)]
    odd, verbatim = field_values.odd_fields(form_fields.ALIAS_NAMES)
    alias = AliasSnapshot(
        alias=str(facts["alias"]),
        facts=alias_facts,
        was_asked=is_requested or facts.get("operation_type") == "VERIFICATION",
        is_accepted=not is_refused,
        is_known_means=field_values.raw("vads_identifier_previously_registered") == "true",
        details=verbatim,
        personal=[[name, text] for name, text in card if text],
        odd=odd,
    )
    return (alias,)


def subscriptions_of(
    field_values: Values, facts: Mapping[str, Fact]
) -> tuple[SubscriptionSnapshot, ...]:
    """Return what opens or refuses a subscription, if anything; a replay has lost its status."""
    subscription_id, alias = facts.get("subscription_id"), facts.get("alias", "")
    if subscription_id is None or not _is_opening(field_values, facts):
        return ()
    plan_facts = read_facts(field_values, form_fields.SUBSCRIPTION_FIELDS)
    if plan_facts.get("request") == ABANDONED:
        plan_facts["request"] = NOT_CREATED
    if "request" not in plan_facts and "status" in facts:
        plan_facts["request"] = NOT_CREATED if _is_refused(facts) else CREATED
    odd, verbatim = field_values.odd_fields(form_fields.SUBSCRIPTION_NAMES)
    names = str(subscription_id), str(alias)
    return (SubscriptionSnapshot(*names, plan_facts, verbatim, odd),)


def _is_opening(field_values: Values, facts: Mapping[str, Fact]) -> bool:
    """Return True if a call about a subscription is about its opening.

    On a known alias one is opened without a payment: all that its replay still holds is the plan.
    """
    if field_values.raw("vads_recurrence_number") or facts.get("operation_type") == "CREDIT":
        return False
    if field_values.raw("vads_recurrence_status"):
        return True
    if is_instalment(facts):
        return False
    return (
        "status" not in facts
        or facts.get("operation_type") == "VERIFICATION"
        or facts.get("occurrence_type") == "RECURRENT_INITIAL"
        or any(map(field_values.raw, form_fields.PLAN_NAMES))
    )


def _is_refused(facts: Mapping[str, Fact]) -> bool:
    """Return True if what became of a payment says that nothing was made with it."""
    return facts.get("status") in REFUSED or facts.get("status") == ABANDONED
