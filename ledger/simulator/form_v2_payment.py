"""Write a payment in the fields of the form format: transaction, means, authorisation, parts.

Source: form-v2 reference, section 4.
"""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from ledger.simulator.payment_lives import CREDIT, DEBIT, Call, Means, Payment

Fields = dict[str, str]

TABLES: Mapping[str, dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("form_v2.toml").read_text(encoding="utf-8")
)
"""What is the same in every call of a kind, and what calls of each source lack."""


def transaction_fields(payment: Payment) -> Fields:
    """Return what identifies a payment, its status and its amounts."""
    carried = {
        "trans_uuid": payment.uuid,
        "trans_id": payment.trans_id,
        "trans_date": time_text(payment.trans_date),
        "trans_status": payment.status,
        "operation_type": payment.operation_type,
        "occurrence_type": payment.occurrence_type,
        "sequence_number": str(payment.sequence_number),
        "amount": str(payment.requested_amount_minor),
        "currency": currency_number(payment.requested_currency),
        "effective_amount": str(payment.amount_minor),
        "effective_currency": currency_number(payment.currency),
        "effective_creation_date": time_text(payment.created_at),
        "presentation_date": time_text(payment.capture_at),
        "validation_mode": "1" if payment.is_validated_by_hand else "0",
        "payment_src": payment.payment_source,
        "result": payment.refusal.result if payment.refusal else "00",
    }
    optional = {
        "change_rate": payment.change_rate,
        "user_info": payment.user if payment.user != "BATCH" else None,
        "token_id": payment.payment_order_id,
        "order_id": payment.order_id,
    }
    return carried | {name: text for name, text in optional.items() if text is not None}


def means_fields(means: Means) -> Fields:
    """Return what describes a means of payment."""
    carried = {
        "card_brand": means.brand,
        "card_number": means.number,
        "expiry_month": str(means.expiry_month or ""),
        "expiry_year": str(means.expiry_year or ""),
        "contract_used": means.contract,
        "acquirer_network": means.network,
    }
    if means.is_card:
        carried |= TABLES["card"]
    if means.brands:
        choice = {"userChoice": False, "brandList": "|".join(means.brands), "brand": means.brand}
        carried["brand_management"] = _json_text(choice)
    if means.kind == "PAYPAL":
        carried["authent_paypal_protection_eligibility"] = "ELIGIBLE"
    return carried | _wallet(means)


def _wallet(means: Means) -> Fields:
    if means.wallet is None:
        return {}
    return {
        "wallet": means.wallet,
        "cardholder_card_number": means.wallet_card or "",
        "cardholder_expiry_month": str(means.expiry_month or ""),
        "cardholder_expiry_year": str(means.expiry_year or ""),
    }


def authorisation_fields(payment: Payment) -> Fields:
    """Return the answer of the issuer and, for cards, the 3-D Secure authentication."""
    is_card_debit = payment.means.is_card and payment.operation_type == DEBIT
    carried = {
        "auth_mode": payment.authorisation_mode or "",
        "auth_number": payment.authorisation_number or "",
        "auth_result": _authorisation_result(payment),
        "warranty_result": "",
    }
    if is_card_debit or payment.status == "REFUSED":
        carried["payment_certificate"] = _certificate(payment)
    if is_card_debit and payment.authorisation_mode == "FULL":
        is_guaranteed = payment.authentication and payment.refusal is None
        carried["warranty_result"] = "YES" if is_guaranteed else "NO"
    return carried | (_authentication(payment) if payment.means.is_card else {})


def _authorisation_result(payment: Payment) -> str:
    """Return the issuer's answer. Accepted is 00 for card debits, 0 for whatever else."""
    result = payment.authorisation_result or ""
    is_debit = payment.operation_type == DEBIT and payment.means.is_card
    return "00" if result == "0" and is_debit else result


def _certificate(payment: Payment) -> str:
    if payment.status == "REFUSED":
        return ""
    return hashlib.sha1(payment.uuid.encode(), usedforsecurity=False).hexdigest()


def _authentication(payment: Payment) -> Fields:
    carried: Fields = dict(TABLES["not_authenticated"])
    if payment.authentication and payment.operation_type != CREDIT:
        carried |= TABLES["authenticated"]
        carried["threeds_auth_type"] = payment.authentication
    return carried


def risk_fields(payment: Payment) -> Fields:
    """Return why a payment was refused, and what the risk controls answered."""
    refusal = payment.refusal
    if refusal is None:
        return {}
    carried = {"extra_result": refusal.extra_result}
    if refusal.payment_error:
        carried["payment_error"] = refusal.payment_error
    if refusal.risk_control:
        controls = (f"{name}={result}" for name, result in refusal.risk_control.items())
        carried["risk_control"] = ";".join(controls)
        carried["risk_assessment_result"] = ";".join(refusal.risk_actions)
    return carried


def split_fields(call: Call) -> Fields:
    """Return the parent of a split payment: no identity, its parts as JSON text."""
    is_refused = any(payment.refusal for payment in call.payments)
    transactions = [_split_part(payment) for payment in call.payments]
    return {
        "trans_status": "REFUSED" if is_refused else "AUTHORISED",
        "result": "05" if is_refused else "00",
        "card_brand": "MULTI",
        "sequence_number": "0",
        "operation_type": DEBIT,
        "occurrence_type": "UNITAIRE",
        "effective_amount": str(call.request.amount_minor),
        "effective_currency": currency_number(call.request.currency),
        "presentation_date": time_text(call.request.trans_date),
        "payment_seq": _json_text(
            {"trans_id": call.request.trans_id, "transactions": transactions}
        ),
    }


def _split_part(payment: Payment) -> Fields:
    return {
        "amount": str(payment.amount_minor),
        "operation_type": payment.operation_type,
        "auth_number": payment.authorisation_number or "",
        "auth_result": _authorisation_result(payment),
        "capture_delay": "0",
        "card_brand": payment.means.brand,
        "card_number": payment.means.number,
        "expiry_month": str(payment.means.expiry_month or ""),
        "expiry_year": str(payment.means.expiry_year or ""),
        "payment_certificate": _certificate(payment),
        "contract_used": payment.means.contract,
        "presentation_date": f"{payment.capture_at:%Y-%m-%dT%H:%M:%SZ}",
        "trans_id": payment.trans_id,
        "trans_uuid": payment.uuid,
        "sequence_number": str(payment.sequence_number),
        "trans_status": payment.status,
    }


def time_text(at: datetime) -> str:
    """Return a time as the form format writes it."""
    return f"{at:%Y%m%d%H%M%S}"


def currency_number(currency: str) -> str:
    """Return the three digits of a currency."""
    return str(TABLES["currency_numbers"][currency])


def _json_text(node: object) -> str:
    return json.dumps(node, ensure_ascii=False, separators=(",", ":"))
