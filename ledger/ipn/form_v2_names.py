"""The names that the fields of a call have in form V2, as the platform documents them.

Source: form-v2 reference, section 4; names of payment forms alone are none of a call.
"""

import re
from string import digits

_WITHOUT_PREFIX = """
    acquirer_network acquirer_payment_reference acquirer_service_supplier_id
    acquirer_transient_data action_mode amount archival_reference_id auth_mode auth_number
    auth_result authent_nsu authent_paypal_protection_eligibility available_languages
    avs_result bank_code bank_label bank_product brand_management capture_delay card_brand
    card_country card_holder_name card_nature card_number card_product_category
    cardholder_card_number cardholder_expiry_month cardholder_expiry_year change_rate
    collection_expiry_date contract_used contracts contrib ctx_mode currency cust_address
    cust_address2 cust_address_number cust_cell_phone cust_city cust_country cust_district
    cust_email cust_first_name cust_id cust_last_name cust_legal_name cust_name
    cust_national_id cust_phone cust_state cust_status cust_title cust_zip dcc_amount
    dcc_currency dcc_markup dcc_rate_date effective_amount effective_creation_date
    effective_currency expiry_month expiry_year ext_trans_id extra_result hash identifier
    identifier_previously_registered identifier_status initial_issuer_transaction_identifier
    language nb_products occurrence_type operation_type order_description order_id order_info
    order_info2 order_info3 page_action payment_cards payment_certificate payment_config
    payment_error payment_option_code payment_seq payment_src pays_ip presentation_date
    pretax_amount proof_of_id_number proof_of_id_type recurrence_number recurrence_status
    result risk_analysis_result risk_analyzer_result risk_assessment_result risk_control
    sequence_number ship_to_city ship_to_country ship_to_delay ship_to_delivery_company_name
    ship_to_district ship_to_first_name ship_to_last_name ship_to_legal_name ship_to_name
    ship_to_phone_num ship_to_speed ship_to_state ship_to_status ship_to_street
    ship_to_street2 ship_to_street_number ship_to_type ship_to_user_info ship_to_zip
    shipping_amount shop_name shop_url site_id sub_amount sub_currency sub_desc
    sub_effect_date sub_init_amount sub_init_amount_number subscription tax_amount tax_rate
    tax_refund_amount theme_config threeds_auth_type threeds_cavv threeds_cavvAlgorithm
    threeds_eci threeds_enrolled threeds_error_code threeds_exit_status threeds_mpi
    threeds_sign_valid threeds_status threeds_user_interaction threeds_xid tid token_id
    totalamount_vat trans_date trans_id trans_status trans_uuid url_check_src user_info
    validation_mode version wallet warranty_result
"""
_NAME_MAX = 64
NAMES = frozenset(f"vads_{name}" for name in _WITHOUT_PREFIX.split())
"""The fields that the platform makes, and those of the payment form that it sends back."""

_FAMILIES = re.compile(
    r"vads_(?:ext_info_.+|product_(?:amount|label|qty|ref|type|vat)[0-9]{1,4})", re.DOTALL
)
"""Only what the merchant chooses behind `ext_info_` is free; each line of a cart has its number."""


def is_name_of_a_call(name: str) -> bool:
    """Return True if the platform documents a field of this name in its calls."""
    return name in NAMES or _FAMILIES.fullmatch(name) is not None


def family_of(name: str) -> str:
    """Return the name of a signed field with a star for what is free in it or is a number.

    Shape: `vads_ext_info_*`, `vads_product_label*`; `vads_*` for what is no name at all.
    """
    if name in NAMES:
        return name
    if name.startswith("vads_ext_info_"):
        return "vads_ext_info_*"
    if _FAMILIES.fullmatch(name):
        return f"{name.rstrip(digits)}*"
    is_name = name.isascii() and name.isidentifier() and len(name) <= _NAME_MAX
    return name if is_name else "vads_*"
