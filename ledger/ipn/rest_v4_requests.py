"""What a REST answer says of an alias and of a subscription, beside one of its transactions.

Source: rest-v4 reference, sections 6 and 9.
"""

from collections.abc import Mapping

from ledger.ipn.rest_v4_fields import ALIAS_NAMES, CARD, DETAILS, METHOD, ORDER, SUBSCRIPTION_NAMES
from ledger.ipn.snapshots import (
    CREATED,
    NOT_CREATED,
    AliasSnapshot,
    Fact,
    Pairs,
    SubscriptionSnapshot,
    TransactionSnapshot,
    is_instalment,
)
from ledger.ipn.statuses import REFUSED


def alias_of(flat: Mapping[str, str], transaction: TransactionSnapshot) -> AliasSnapshot:
    """Read a request from a check of the means, or from new means: REST never says `created`."""
    facts = transaction.facts
    known = flat.get(DETAILS + "paymentMethodTokenPreviouslyRegistered") == "true"
    is_verification = facts.get("operation_type") == "VERIFICATION"
    alias_facts = {name: facts[name] for name in ("payment_method", "order_id") if name in facts}
    if "created_at" in facts:
        alias_facts["made_at"] = facts["created_at"]
    odd, verbatim = _odd_among(transaction, ALIAS_NAMES)
    return AliasSnapshot(
        alias=str(facts["alias"]),
        facts={"transaction_uuid": flat["uuid"], **alias_facts},
        was_asked=is_verification or _is_means(flat, "NEW"),
        is_accepted=facts.get("status") not in REFUSED,
        is_known_means=known,
        details=verbatim,
        personal=[pair for pair in transaction.personal if pair[0].startswith((CARD, METHOD))],
        odd=odd,
    )


def _is_means(flat: Mapping[str, str], source: str) -> bool:
    """Return True for means that were entered for this payment (NEW) or stored before (TOKEN)."""
    return source in (flat.get(means + "paymentMethodSource") for means in (CARD, METHOD))


def is_told_an_instalment(flat: Mapping[str, str], facts: Mapping[str, Fact]) -> bool | None:
    """Return True for a debit of stored means with a subscription that opens no series.

    The place in the series came in 2021, and may be a word never seen. Source: rest-v4 reference,
    sections 6 and 9.
    """
    is_debit = facts.get("operation_type") not in ("VERIFICATION", "CREDIT")
    is_first = facts.get("occurrence_type") == "RECURRENT_INITIAL"
    is_of_stored_means = _is_means(flat, "TOKEN") and "subscription_id" in facts
    return True if is_of_stored_means and is_debit and not is_first else None


def is_opening(facts: Mapping[str, Fact]) -> bool:
    """Return True if a transaction says that a subscription was opened, or refused."""
    is_refund = facts.get("operation_type") == "CREDIT"
    return "subscription_id" in facts and not is_instalment(facts) and not is_refund


def subscription_of(transaction: TransactionSnapshot) -> SubscriptionSnapshot:
    """Read that a subscription exists: a REST answer never holds its plan."""
    facts = transaction.facts
    is_refused = facts.get("status") in REFUSED
    plan_facts: dict[str, Fact] = {"request": NOT_CREATED if is_refused else CREATED}
    if "order_id" in facts:
        plan_facts["order_id"] = facts["order_id"]
    names = str(facts["subscription_id"]), str(facts.get("alias", ""))
    odd, verbatim = _odd_among(transaction, SUBSCRIPTION_NAMES)
    return SubscriptionSnapshot(*names, plan_facts, verbatim, odd)


def _odd_among(
    transaction: TransactionSnapshot, names: frozenset[str]
) -> tuple[tuple[str, ...], Pairs]:
    """Return what is odd among some fields of a transaction. Shape: names; details, verbatim."""
    odd = tuple(name for name in transaction.odd if name in names)
    details = [pair for pair in transaction.details if pair[0].removeprefix(ORDER) in odd]
    return odd, details
