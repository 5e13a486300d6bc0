"""Tell a call in the form format: signed `vads_*` fields.

Source: form-v2 reference, sections 2, 4 and 6.
"""

import hashlib
import json
import random
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

from iso4217 import Currency

from ledger.shops import FORM_SHA1, Key
from ledger.simulator.lives import (
    BATCH,
    BATCH_AUTO,
    BO,
    CREDIT,
    DEBIT,
    MERCH_BO,
    REC,
    RETRY,
    Call,
    Means,
    Payment,
)
from ledger.simulator.signatures import form_signature

Fields = dict[str, str]

_REPLAYED = frozenset(
    ("page_action", "payment_config", "action_mode", "identifier_status", "recurrence_status")
)
_OPERATED = frozenset(
    ("action_mode", "language", "page_action", "payment_config", "pays_ip", "validation_mode")
)
_LOST: Mapping[str, frozenset[str]] = {
    RETRY: _REPLAYED,
    BO: _REPLAYED,
    MERCH_BO: _OPERATED,
    BATCH: _OPERATED,
    BATCH_AUTO: frozenset({"action_mode", "order_info"}),
    REC: frozenset({"action_mode", "order_info", "pays_ip", "validation_mode", "capture_delay"}),
}
"""What calls of each source do not carry of the payment form."""

_AUTHENTICATED = {
    "enrolled": "Y",
    "status": "Y",
    "eci": "05",
    "cavvAlgorithm": "2",
    "cavv": "Q**************************=",
    "sign_valid": "1",
    "exit_status": "10",
}
_3DS = (*_AUTHENTICATED, "xid", "error_code", "auth_type")


def body(call: Call, key: Key) -> bytes:
    """The signed POST body of a call. Shape: fields in no particular order, as on the wire."""
    signed = fields(call)
    signature = form_signature(signed, key.secret, is_sha1=key.kind == FORM_SHA1)
    told = [*signed.items(), ("signature", signature)]
    random.Random(call.nonce).shuffle(told)  # noqa: S311  an order on the wire, no secret
    return urlencode(told).encode()


def fields(call: Call) -> Fields:
    """Every `vads_` field of a call, unsigned. Shape: only the first payment, unless split."""
    told = _envelope(call) | _order(call) | _buyer(call)
    if call.is_abandoned:
        told |= _abandonment(call)
    elif call.is_split:
        told |= _split(call)
    elif call.payment is not None:
        told |= _transaction(call.payment) | _method(call.payment.means)
        told |= _authorisation(call.payment) | _risk(call.payment)
    elif call.means is not None:
        told |= _method(call.means)
    told |= _alias(call) | _subscription(call)
    lost = _LOST.get(call.source, frozenset()) | _LOST.get(call.origin, frozenset()) | call.lost
    kept = {f"vads_{name}": value for name, value in told.items() if name not in lost}
    unheard = {f"vads_{name}": value for name, value in call.unheard.items()}
    return {**kept, **call.added, **unheard}


def _envelope(call: Call) -> Fields:
    return {
        "hash": call.nonce,
        "url_check_src": call.source,
        "ctx_mode": call.order.mode,
        "site_id": call.order.shop_id,
        "version": "V2",
        "result": "00",
        "extra_result": "",
        "action_mode": "INTERACTIVE",
        "page_action": call.order.page_action,
        "language": "fr",
        "trans_date": _time(call.order.trans_date),
    }


def _order(call: Call) -> Fields:
    order = call.order
    told = dict(order.info) | {f"ext_info_{name}": text for name, text in order.metadata.items()}
    if order.order_id is not None:
        told["order_id"] = order.order_id
    if order.trans_id is None:
        return told  # no payment was asked for
    return told | {
        "trans_id": order.trans_id,
        "amount": str(order.amount_minor),
        "currency": _number(order.currency),
        "payment_config": order.payment_config,
        "capture_delay": str(order.capture_days),
        "payment_src": "EC",
        "pays_ip": call.buyer.country,
        "validation_mode": "0",
    }


def _buyer(call: Call) -> Fields:
    buyer = call.buyer
    return {
        "cust_id": buyer.reference,
        "cust_title": buyer.title,
        "cust_first_name": buyer.first_name,
        "cust_last_name": buyer.last_name,
        "cust_email": buyer.email,
        "cust_phone": buyer.phone,
        "cust_address": buyer.street,
        "cust_zip": buyer.zip_code,
        "cust_city": buyer.city,
        "cust_state": "",
        "cust_country": buyer.country,
    }


def _abandonment(call: Call) -> Fields:
    """The buyer left: no transaction, so the fields of one are empty or absent."""
    told = {"result": "17", "trans_status": "ABANDONED"}
    if call.order.trans_id is None:
        return told
    names = "auth_mode auth_number auth_result card_brand card_number warranty_result"
    told |= dict.fromkeys([*names.split(), "payment_certificate"], "")
    return told | {f"threeds_{name}": "" for name in _3DS}


def _transaction(payment: Payment) -> Fields:
    told = {
        "trans_uuid": payment.uuid,
        "trans_id": payment.trans_id,
        "trans_date": _time(payment.trans_date),
        "trans_status": payment.status,
        "operation_type": payment.operation_type,
        "occurrence_type": payment.occurrence_type,
        "sequence_number": str(payment.sequence_number),
        "amount": str(payment.requested_amount_minor),
        "currency": _number(payment.requested_currency),
        "effective_amount": str(payment.amount_minor),
        "effective_currency": _number(payment.currency),
        "effective_creation_date": _time(payment.created_at),
        "presentation_date": _time(payment.capture_at),
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
    return told | {name: value for name, value in optional.items() if value is not None}


def _method(means: Means) -> Fields:
    told = {
        "card_brand": means.brand,
        "card_number": means.number,
        "expiry_month": str(means.expiry_month or ""),
        "expiry_year": str(means.expiry_year or ""),
        "contract_used": means.contract,
        "acquirer_network": means.network,
    }
    if means.is_card:
        told |= {
            "tid": "001",
            "card_country": "FR",
            "bank_code": "30001",
            "bank_label": "Banque de démonstration",
            "bank_product": "F",
        }
    if means.brands:
        choice = {"userChoice": False, "brandList": "|".join(means.brands), "brand": means.brand}
        told["brand_management"] = _json(choice)
    if means.kind == "PAYPAL":
        told["authent_paypal_protection_eligibility"] = "ELIGIBLE"
    return told | _wallet(means)


def _wallet(means: Means) -> Fields:
    if means.wallet is None:
        return {}
    return {
        "wallet": means.wallet,
        "cardholder_card_number": means.wallet_card or "",
        "cardholder_expiry_month": str(means.expiry_month or ""),
        "cardholder_expiry_year": str(means.expiry_year or ""),
    }


def _authorisation(payment: Payment) -> Fields:
    is_card_debit = payment.means.is_card and payment.operation_type == DEBIT
    told = {
        "auth_mode": payment.authorisation_mode or "",
        "auth_number": payment.authorisation_number or "",
        "auth_result": _auth_result(payment),
        "warranty_result": "",
    }
    if is_card_debit or payment.status == "REFUSED":
        told["payment_certificate"] = _certificate(payment)
    if is_card_debit and payment.authorisation_mode == "FULL":
        told["warranty_result"] = "YES" if payment.authentication else "NO"
    return told | (_authentication(payment) if payment.means.is_card else {})


def _auth_result(payment: Payment) -> str:
    """CB spells an accepted authorisation 00; verifications, credits and wallets 0."""
    told = payment.authorisation_result or ""
    is_debit = payment.operation_type == DEBIT and payment.means.is_card
    return "00" if told == "0" and is_debit else told


def _certificate(payment: Payment) -> str:
    if payment.status == "REFUSED":
        return ""
    return hashlib.sha1(payment.uuid.encode(), usedforsecurity=False).hexdigest()


def _authentication(payment: Payment) -> Fields:
    told = dict.fromkeys(_3DS, "")
    if payment.authentication and payment.operation_type != CREDIT:
        told |= _AUTHENTICATED
        told |= {"xid": "c3ludGhldGljLXhpZC0wMDAwMDE=", "auth_type": payment.authentication}
    return {f"threeds_{name}": value for name, value in told.items()}


def _risk(payment: Payment) -> Fields:
    refusal = payment.refusal
    if refusal is None:
        return {}
    told = {"extra_result": refusal.extra_result}
    if refusal.payment_error:
        told["payment_error"] = refusal.payment_error
    if refusal.risk_control:
        controls = (f"{name}={result}" for name, result in refusal.risk_control.items())
        told["risk_control"] = ";".join(controls)
        told["risk_assessment_result"] = ";".join(refusal.risk_actions)
    return told


def _alias(call: Call) -> Fields:
    known = call.alias or (call.payment.alias if call.payment else None)
    told = {} if known is None else {"identifier": known}
    if call.alias_status is not None:
        told["identifier_status"] = call.alias_status
    if call.is_known_means:
        told["identifier_previously_registered"] = "true"
    return told


def _subscription(call: Call) -> Fields:
    payment = call.payment
    told: Fields = {}
    reference = call.subscription_id or (payment.subscription_id if payment else None)
    if reference is not None:
        told["subscription"] = reference
    if payment is not None and payment.instalment_number is not None:
        told["recurrence_number"] = str(payment.instalment_number)
    if call.subscription_status is not None:
        told["recurrence_status"] = call.subscription_status
    return told | _plan(call)


def _plan(call: Call) -> Fields:
    plan = call.plan
    if plan is None:
        return {}
    return {
        "sub_effect_date": f"{plan.effect_on:%Y%m%d}",
        "sub_desc": plan.schedule,
        "sub_amount": str(plan.amount_minor),
        "sub_currency": _number(plan.currency),
        "sub_init_amount": str(plan.initial_amount_minor),
        "sub_init_amount_number": str(plan.initial_amount_number),
    }


def _split(call: Call) -> Fields:
    """The parent of a payment split over several means: no identity, its parts as JSON text."""
    is_refused = any(part.refusal for part in call.payments)
    parts = [_part(part) for part in call.payments]
    return {
        "trans_status": "REFUSED" if is_refused else "AUTHORISED",
        "result": "05" if is_refused else "00",
        "card_brand": "MULTI",
        "sequence_number": "0",
        "operation_type": DEBIT,
        "occurrence_type": "UNITAIRE",
        "effective_amount": str(call.order.amount_minor),
        "effective_currency": _number(call.order.currency),
        "presentation_date": _time(call.order.trans_date),
        "payment_seq": _json({"trans_id": call.order.trans_id, "transactions": parts}),
    }


def _part(payment: Payment) -> Fields:
    return {
        "amount": str(payment.amount_minor),
        "operation_type": payment.operation_type,
        "auth_number": payment.authorisation_number or "",
        "auth_result": _auth_result(payment),
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


def _time(at: datetime) -> str:
    return f"{at:%Y%m%d%H%M%S}"


def _number(currency: str) -> str:
    return f"{Currency(currency).number:03d}"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
