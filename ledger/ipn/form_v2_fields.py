"""The fields of form V2 (`vads_*`): which are facts, which are about a person, which are neither.

Source: form-v2 reference, sections 2 to 6.
"""

import re
from collections.abc import Mapping

from ledger.errors import MalformedNotificationError
from ledger.ipn.field_values import FactTable, Values, names_read, split_personal
from ledger.ipn.snapshots import Fact, Pairs
from ledger.ipn.storable import storable_name

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
    ("request", "vads_identifier_status", Values.text),
    ("payment_method", "vads_card_brand", Values.text),
    ("order_id", "vads_order_id", Values.text),
    ("transaction_uuid", "vads_trans_uuid", Values.text),
    ("made_at", "vads_effective_creation_date", Values.instant),
    ("made_at", "vads_trans_date", Values.instant),
)
SUBSCRIPTION_FIELDS: FactTable = (
    ("request", "vads_recurrence_status", Values.text),
    ("order_id", "vads_order_id", Values.text),
    ("effect_on", "vads_sub_effect_date", Values.day),
    ("schedule", "vads_sub_desc", Values.text),
    ("amount_minor", "vads_sub_amount", Values.amount),
    ("currency", "vads_sub_currency", Values.currency),
    ("initial_amount_minor", "vads_sub_init_amount", Values.amount),
    ("initial_amount_number", "vads_sub_init_amount_number", Values.count),
    ("transaction_uuid", "vads_trans_uuid", Values.text),
)

ORDER_NAMES = names_read(tuple(row for row in TRANSACTION_FIELDS if row[0] in FACTS_OF_THE_ORDER))
ALIAS_NAMES = names_read(ALIAS_FIELDS) | {"vads_identifier"}
SUBSCRIPTION_NAMES = names_read(SUBSCRIPTION_FIELDS) | {"vads_subscription", "vads_identifier"}

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


def reference_of(facts: Mapping[str, Fact], form_time: str) -> str:
    """Identify what has no uuid: UTC day, short number, sequence, direction.

    Source: form-v2 reference, section 7.1. Without a short number the whole form time stands in.
    """
    if not form_time:
        raise MalformedNotificationError(
            "identity-unreadable", "neither vads_trans_uuid nor vads_trans_date has a value"
        )
    names = ("trans_id", "sequence_number", "operation_type")
    rest = [str(facts[name]).upper() for name in names if name in facts]
    day = form_time[:8] if "trans_id" in facts else form_time
    return storable_name("-".join([day, *rest]))
