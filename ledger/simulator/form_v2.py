"""Write a call in the form format: signed `vads_*` fields.

Source: form-v2 reference, sections 2, 4 and 6.
"""

import random
from urllib.parse import urlencode

from ledger.ipn.shops_and_keys import FORM_SHA1, Key
from ledger.simulator.form_v2_payment import (
    TABLES,
    Fields,
    authorisation_fields,
    currency_number,
    means_fields,
    risk_fields,
    split_fields,
    time_text,
    transaction_fields,
)
from ledger.simulator.payment_lives import Call
from ledger.simulator.signatures import form_signature


def body(call: Call, key: Key) -> bytes:
    """Return the signed POST body of a call. Shape: fields in no particular order."""
    signed = fields(call)
    signature = form_signature(signed, key.secret, is_sha1=key.kind == FORM_SHA1)
    pairs = [*signed.items(), ("signature", signature)]
    random.Random(call.nonce).shuffle(pairs)  # noqa: S311  an order on the wire, no secret
    return urlencode(pairs).encode()


def fields(call: Call) -> Fields:
    """Return every `vads_` field of a call. Shape: only the first payment, unless split."""
    carried = _envelope(call) | _request(call) | _buyer(call)
    if call.is_abandoned:
        carried |= _abandonment(call)
    elif call.is_split:
        carried |= split_fields(call)
    elif call.payment is not None:
        carried |= transaction_fields(call.payment) | means_fields(call.payment.means)
        carried |= authorisation_fields(call.payment) | risk_fields(call.payment)
    elif call.means is not None:
        carried |= means_fields(call.means)
    carried |= _alias(call) | _subscription(call)
    dropped = call.dropped_fields.union(
        *(TABLES["dropped_fields"].get(source, ()) for source in (call.source, call.origin))
    )
    prefixed = {f"vads_{name}": text for name, text in carried.items() if name not in dropped}
    unknown = {f"vads_{name}": text for name, text in call.unknown_fields.items()}
    return {**prefixed, **call.extra_form_fields, **unknown}


def _envelope(call: Call) -> Fields:
    return TABLES["envelope"] | {
        "hash": call.nonce,
        "url_check_src": call.source,
        "ctx_mode": call.request.mode,
        "site_id": call.request.shop_id,
        "page_action": call.request.page_action,
        "trans_date": time_text(call.request.trans_date),
    }


def _request(call: Call) -> Fields:
    request = call.request
    metadata = {f"ext_info_{name}": text for name, text in request.metadata.items()}
    requested = dict(request.info) | metadata
    if request.order_id is not None:
        requested["order_id"] = request.order_id
    if request.trans_id is None:
        return requested  # no payment was asked for
    return (
        requested
        | TABLES["request"]
        | {
            "trans_id": request.trans_id,
            "amount": str(request.amount_minor),
            "currency": currency_number(request.currency),
            "payment_config": request.payment_config,
            "capture_delay": str(request.capture_days),
            "pays_ip": call.buyer.country,
        }
    )


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
    """Return what is said when the buyer left: the fields of a transaction, empty."""
    status = {"result": "17", "trans_status": "ABANDONED"}
    if call.request.trans_id is None:
        return status
    return status | TABLES["abandonment"] | TABLES["not_authenticated"]


def _alias(call: Call) -> Fields:
    alias = call.alias or (call.payment.alias if call.payment else None)
    carried = {} if alias is None else {"identifier": alias}
    if call.alias_status is not None:
        carried["identifier_status"] = call.alias_status
    if call.is_known_means:
        carried["identifier_previously_registered"] = "true"
    return carried


def _subscription(call: Call) -> Fields:
    payment = call.payment
    carried: Fields = {}
    subscription_id = call.subscription_id or (payment.subscription_id if payment else None)
    if subscription_id is not None:
        carried["subscription"] = subscription_id
    if payment is not None and payment.instalment_number is not None:
        carried["recurrence_number"] = str(payment.instalment_number)
    if call.subscription_status is not None:
        carried["recurrence_status"] = call.subscription_status
    return carried | _plan(call)


def _plan(call: Call) -> Fields:
    plan = call.plan
    if plan is None:
        return {}
    return {
        "sub_effect_date": f"{plan.effect_on:%Y%m%d}",
        "sub_desc": plan.schedule,
        "sub_amount": str(plan.amount_minor),
        "sub_currency": currency_number(plan.currency),
        "sub_init_amount": str(plan.initial_amount_minor),
        "sub_init_amount_number": str(plan.initial_amount_number),
    }
