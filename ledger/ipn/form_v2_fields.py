"""The fields of form V2 (`vads_*`): which are facts, which are about a person, which are neither.

Source: form-v2 reference, sections 2 to 6.
"""

import re
from collections.abc import Mapping

from ledger.ipn.field_values import (
    FactTable,
    Values,
    check_declared,
    names_read,
    split_personal,
)
from ledger.ipn.snapshots import (
    ALIAS_FACTS,
    SUBSCRIPTION_FACTS,
    TRANSACTION_FACTS,
    Fact,
    Pairs,
)

UUID = re.compile(r"[0-9a-f]{32}")

TRANSACTION_FIELDS: FactTable = (
    ("operation_type", "vads_operation_type", Values.operation),
    ("status", "vads_trans_status", Values.status),
    ("amount_minor", "vads_effective_amount", Values.amount),
    ("currency", "vads_effective_currency", Values.currency),
    ("requested_amount_minor", "vads_amount", Values.amount),
    ("requested_currency", "vads_currency", Values.currency),
    ("created_at", "vads_effective_creation_date", Values.instant),
    ("capture_at", "vads_presentation_date", Values.instant),
    ("order_id", "vads_order_id", Values.text),
    ("trans_id", "vads_trans_id", Values.text),
    ("trans_date", "vads_trans_date", Values.instant),
    ("sequence_number", "vads_sequence_number", Values.count),
    ("occurrence_type", "vads_occurrence_type", Values.text),
    ("payment_method", "vads_card_brand", Values.text),
    ("wallet", "vads_wallet", Values.text),
    ("payment_source", "vads_payment_src", Values.text),
    ("contract", "vads_contract_used", Values.text),
    ("network", "vads_acquirer_network", Values.text),
    ("authorisation_number", "vads_auth_number", Values.text),
    ("authorisation_result", "vads_auth_result", Values.answer_code),
    ("liability_shift", "vads_warranty_result", Values.liability_shift),
    ("alias", "vads_identifier", Values.text),
    ("subscription_id", "vads_subscription", Values.text),
    ("instalment_number", "vads_recurrence_number", Values.count),
)
PART_FIELDS: FactTable = (  # an element of vads_payment_seq; what it leaves out is the parent's
    ("operation_type", "operation_type", Values.operation),
    ("status", "trans_status", Values.status),
    ("amount_minor", "amount", Values.amount),
    ("capture_at", "presentation_date", Values.instant),
    ("trans_id", "trans_id", Values.text),
    ("sequence_number", "sequence_number", Values.count),
    ("payment_method", "card_brand", Values.text),
    ("wallet", "wallet", Values.text),
    ("contract", "contract_used", Values.text),
    ("authorisation_number", "auth_number", Values.text),
    ("authorisation_result", "auth_result", Values.answer_code),
    ("alias", "identifier", Values.text),
)
FACTS_OF_THE_ORDER = ("requested_amount_minor", "requested_currency", "trans_date", "order_id")
ALIAS_FIELDS: FactTable = (
    ("request", "vads_identifier_status", Values.request),
    ("payment_method", "vads_card_brand", Values.text),
    ("order_id", "vads_order_id", Values.text),
    ("transaction_uuid", "vads_trans_uuid", Values.text),
    ("made_at", "vads_effective_creation_date", Values.instant),
    ("made_at", "vads_trans_date", Values.instant),
)
SUBSCRIPTION_FIELDS: FactTable = (
    ("request", "vads_recurrence_status", Values.opening),
    ("order_id", "vads_order_id", Values.text),
    ("effect_on", "vads_sub_effect_date", Values.day),
    ("schedule", "vads_sub_desc", Values.text),
    ("amount_minor", "vads_sub_amount", Values.amount),
    ("currency", "vads_sub_currency", Values.currency),
    ("initial_amount_minor", "vads_sub_init_amount", Values.amount),
    ("initial_amount_number", "vads_sub_init_amount_number", Values.count),
    ("transaction_uuid", "vads_trans_uuid", Values.text),
)
check_declared(TRANSACTION_FACTS, TRANSACTION_FIELDS, PART_FIELDS)
check_declared(ALIAS_FACTS, ALIAS_FIELDS)
check_declared(SUBSCRIPTION_FACTS, SUBSCRIPTION_FIELDS)

ORDER_NAMES = names_read(tuple(row for row in TRANSACTION_FIELDS if row[0] in FACTS_OF_THE_ORDER))
ALIAS_NAMES = names_read(ALIAS_FIELDS) | {"vads_identifier"}
SUBSCRIPTION_NAMES = names_read(SUBSCRIPTION_FIELDS) | {"vads_subscription", "vads_identifier"}
PLAN_NAMES = frozenset(name for name in SUBSCRIPTION_NAMES if name.startswith("vads_sub_"))
"""What only a call that opens a subscription has."""

_PERSONAL_PREFIXES = ("vads_cust_", "vads_ship_to_", "vads_cardholder_", "vads_proof_of_id_")
CARD_FIELDS = frozenset(
    {"vads_card_number", "vads_card_holder_name", "vads_expiry_month", "vads_expiry_year"}
    | {"card_number", "expiry_month", "expiry_year"}
)
_PERSONAL = CARD_FIELDS | {"vads_user_info", "vads_acquirer_transient_data"}
_ENVELOPE = frozenset(
    {"signature", "vads_hash", "vads_url_check_src", "vads_ctx_mode", "vads_site_id"}
    | {"vads_version", "vads_trans_uuid", "vads_payment_seq", "trans_uuid"}
)
_READ = names_read(TRANSACTION_FIELDS, PART_FIELDS)


def unread_fields(field_values: Values, read_names: frozenset[str] = _READ) -> tuple[Pairs, Pairs]:
    """Return every field that did not become a fact. Shape: details, what is about a person."""
    left_out = (read_names | _ENVELOPE).difference(field_values.odd)
    unread = [
        (name, value)
        for name, value in field_values.value_by_name.items()
        if value and name not in left_out
    ]
    return split_personal(
        unread, lambda name: name in _PERSONAL or name.startswith(_PERSONAL_PREFIXES)
    )


def derived_facts(facts: Mapping[str, Fact], field_values: Values) -> dict[str, Fact]:
    """Return what a payment moves where only what was asked for is said.

    Without a conversion the currencies are one. The amounts are one in a single payment alone: not
    in an instalment, nor in the parent of a split payment, nor where a replay has lost the plan.
    Source: form-v2 reference, sections 4, 4.1 and 6.9.
    """
    moves_nothing = facts.get("operation_type") == "VERIFICATION" or (
        facts.get("status", "ABANDONED") == "ABANDONED"
    )
    currency = facts.get("requested_currency")
    is_converted = facts.get("currency", currency) != currency
    if moves_nothing or currency is None or is_converted or field_values.raw("vads_change_rate"):
        return {}
    derived = {"currency": currency}
    is_parent = facts.get("sequence_number") == 0 or facts.get("payment_method") == "MULTI"
    is_single = field_values.raw("vads_payment_config") == "SINGLE" and not is_parent
    if is_single and "requested_amount_minor" in facts:
        derived["amount_minor"] = facts["requested_amount_minor"]
    return {name: fact for name, fact in derived.items() if name not in facts}


def derived_facts_of_part(
    facts: Mapping[str, Fact], parent: Mapping[str, Fact], part: Values
) -> dict[str, Fact]:
    """Return what only the form around a part says of it; the part's own calls know better.

    Shape: the amount is among them where it will be captured in another currency.
    Source: form-v2 reference, section 6.11.
    """
    currency = parent.get("requested_currency", parent.get("currency"))
    created_at = parent.get("created_at", parent.get("trans_date"))
    derived: dict[str, Fact] = {} if created_at is None else {"created_at": created_at}
    if currency is not None and "amount_minor" in facts:
        derived["currency"] = currency
        if part.raw("change_rate") or parent.get("currency", currency) != currency:
            derived["amount_minor"] = facts["amount_minor"]
    return derived
