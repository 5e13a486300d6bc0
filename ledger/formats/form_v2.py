"""Form API V2 (`vads_*`): proves that a form came from the platform, then reads its facts.

Source: form-v2 reference, sections 2 to 6.
"""

import re
from collections.abc import Collection, Mapping

import orjson

from ledger.errors import MalformedNotificationError, SignatureError
from ledger.formats.snapshot import (
    CREATED,
    NOT_CREATED,
    REQUEST_REFUSED,
    AliasSnapshot,
    Fact,
    Pairs,
    SubscriptionSnapshot,
    Told,
    TransactionSnapshot,
    storable,
    storable_pairs,
)
from ledger.formats.values import FactTable, Values, names_read, odd_names, read_facts
from ledger.notification import Delivery, Limits, Notification, Proof
from ledger.rules import (
    ALIAS,
    CANCELLATION,
    END_OF_PAYMENT,
    INFERRED,
    RULE_BY_SOURCE,
    SUBSCRIPTION,
    TOLD,
)
from ledger.shops import FORM_HMAC, FORM_SHA1, Key, Shops
from ledger.signature import (
    digest,
    form_text,
    is_same,
    sign_form_hmac,
    sign_form_sha1,
    signed_fields,
)
from ledger.statuses import REFUSED
from ledger.verification import check_address, verifying_key

NAME = "form-v2"

_HASH = re.compile(r"[A-Za-z0-9_-]{20,64}")
_UUID = re.compile(r"[0-9a-f]{32}")
_STATUS_IN_TEXT = re.compile(r"\+(DEBIT|CREDIT|AUTHORISED|CAPTURED|ACCEPTED)\+")

_TRANSACTION: FactTable = (
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
    ("alias", "vads_identifier", Values.text),
    ("subscription_id", "vads_subscription", Values.text),
    ("instalment_number", "vads_recurrence_number", Values.count),
)
_PART: FactTable = (  # an element of vads_payment_seq; what it leaves out is the parent's
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
_OF_THE_ORDER = ("requested_amount_minor", "requested_currency", "trans_date", "order_id")
_ALIAS: FactTable = (
    ("request", "vads_identifier_status", Values.text),
    ("payment_method", "vads_card_brand", Values.text),
    ("order_id", "vads_order_id", Values.text),
    ("transaction_uuid", "vads_trans_uuid", Values.text),
    ("made_at", "vads_effective_creation_date", Values.instant),
    ("made_at", "vads_trans_date", Values.instant),
)
_SUBSCRIPTION: FactTable = (
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

_PERSONAL_PREFIXES = ("vads_cust_", "vads_ship_to_", "vads_cardholder_", "vads_proof_of_id_")
_CARD = frozenset(
    {
        "vads_card_number",
        "vads_card_holder_name",
        "vads_expiry_month",
        "vads_expiry_year",
        "card_number",
        "expiry_month",
        "expiry_year",
    }
)
_PERSONAL = _CARD | {"vads_user_info", "vads_acquirer_transient_data"}
_ENVELOPE = frozenset(
    {"signature", "vads_hash", "vads_url_check_src", "vads_ctx_mode", "vads_site_id"}
    | {"vads_version", "vads_trans_uuid", "vads_payment_seq"}
)
_READ = names_read((_TRANSACTION, _PART)) | _ENVELOPE | {"trans_uuid"}


def matches(fields: Mapping[str, str]) -> bool:
    """Whether a body with these fields speaks this format, call or browser return."""
    return "vads_hash" in fields or "signature" in fields or "vads_site_id" in fields


def claim(fields: Mapping[str, str], _: Limits | None = None) -> tuple[str, str]:
    """The shop and the mode that a form names, unverified."""
    return fields.get("vads_site_id", ""), fields.get("vads_ctx_mode", "")


def verify(
    delivery: Delivery, fields: Mapping[str, str], shops: Shops, limits: Limits
) -> tuple[Notification, Mapping[str, str]]:
    """Prove that the platform sent this form as a call. Errors: NotificationError."""
    shop_id, mode = _address(delivery, fields)
    signature = fields.get("signature")
    if not signature:
        raise SignatureError("signature-missing", "there is no signature")
    text = form_text(fields)
    key = verifying_key(
        shops,
        delivery,
        shop_id,
        mode,
        (FORM_HMAC, FORM_SHA1),
        lambda key: _made(key, text, signature),
    )
    return _notification(delivery, fields, key.fingerprint), fields


def trust(
    delivery: Delivery, fields: Mapping[str, str], proof: Proof, _: Limits
) -> tuple[Notification, Mapping[str, str]]:
    """Read a form that was verified by a key that is gone. Errors: NotificationError."""
    _address(delivery, fields)
    return _notification(delivery, fields, proof.key_fingerprint), fields


def _address(delivery: Delivery, fields: Mapping[str, str]) -> tuple[str, str]:
    shop_id, mode = claim(fields)
    check_address(delivery, shop_id, mode)
    return shop_id, mode


def _notification(
    delivery: Delivery, fields: Mapping[str, str], key_fingerprint: str
) -> Notification:
    _check_is_a_call(fields)
    return Notification(
        delivery=delivery,
        format=NAME,
        shop_id=fields["vads_site_id"],
        mode=fields["vads_ctx_mode"],
        source=storable(fields["vads_url_check_src"]),
        key_fingerprint=key_fingerprint,
        signed_digest=digest(orjson.dumps(signed_fields(fields))),
    )


def _made(key: Key, text: str, signature: str) -> bool:
    sign = sign_form_hmac if key.kind == FORM_HMAC else sign_form_sha1
    return is_same(signature, sign(text, key.secret))


def _check_is_a_call(fields: Mapping[str, str]) -> None:
    """Refuse browser returns and relabelled forms: names are not signed, only values are."""
    if "vads_hash" not in fields:
        raise SignatureError("browser-return", "vads_hash is missing: this is a browser return")
    uuid = fields.get("vads_trans_uuid", "")
    strict = {
        "vads_hash": _HASH.fullmatch(fields["vads_hash"]),
        "vads_trans_uuid": not uuid or _UUID.fullmatch(uuid),
        "vads_url_check_src": fields.get("vads_url_check_src"),
    }
    for name, is_strict in strict.items():
        if not is_strict:
            raise SignatureError("relabelled-form", f"{name} is not in its strict format")


def translate(notification: Notification, told: Mapping[str, str]) -> Told:
    """Read everything a verified form says. Errors: MalformedNotificationError."""
    values = Values(told)
    facts = read_facts(values, _TRANSACTION)
    rule, certainty = _rule(notification.source, facts, values)
    return Told(
        shop_id=notification.shop_id,
        mode=notification.mode,
        format=NAME,
        source=notification.source,
        rule=rule,
        rule_certainty=certainty,
        told_at=None,  # a form tells no time of its own
        transactions=_transactions(values, facts, told),
        aliases=_aliases(values, facts, told),
        subscriptions=_subscriptions(values, facts),
    ).about_something()


def _rule(source: str | None, facts: Mapping[str, Fact], values: Values) -> tuple[str | None, str]:
    """One rule of the platform tells of payments, abandonments, aliases and subscriptions alike."""
    rule = RULE_BY_SOURCE.get(source or "")
    if rule == END_OF_PAYMENT:
        if facts.get("status") == "ABANDONED":
            rule = CANCELLATION
        elif facts.get("operation_type") == "VERIFICATION":
            rule = SUBSCRIPTION if values.raw("vads_recurrence_status") else ALIAS
    return rule, TOLD if rule else INFERRED


def _transactions(
    values: Values, facts: dict[str, Fact], told: Mapping[str, str]
) -> tuple[TransactionSnapshot, ...]:
    if values.raw("vads_payment_seq"):
        parts = _parts(values)
        if parts:
            return tuple(_part(one, facts, told) for one in parts)
        values.odd.append("vads_payment_seq")
        facts.pop("amount_minor", None)  # the parent of a split payment is never money
    uuid = values.text("vads_trans_uuid")
    if uuid is None and "status" not in facts:
        return ()
    _note_relabelling(values, told)
    details, personal = _rest_of(told, values.odd)
    reference = uuid or _reference(facts, values.raw("vads_trans_date"))
    odd = odd_names(values, told)
    return (TransactionSnapshot(uuid, reference, facts, details, personal, odd),)


def _parts(values: Values) -> list[dict[str, str]]:
    try:
        told = orjson.loads(values.raw("vads_payment_seq"))
    except orjson.JSONDecodeError:
        return []
    parts = told.get("transactions") or told.get("transaction") if isinstance(told, dict) else None
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        return []
    return [
        {str(name): _scalar(value) for name, value in part.items() if value is not None}
        for part in parts
    ]


def _scalar(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _part(
    part: Mapping[str, str], parent: Mapping[str, Fact], told: Mapping[str, str]
) -> TransactionSnapshot:
    values = Values(part)
    facts = {name: parent[name] for name in _OF_THE_ORDER if name in parent}
    facts |= read_facts(values, _PART)
    if "amount_minor" in facts and "requested_currency" in parent:
        facts["currency"] = parent["requested_currency"]
    uuid = values.raw("trans_uuid") or None
    if uuid is not None and not _UUID.fullmatch(uuid):
        raise MalformedNotificationError("identity-unreadable", "a part's trans_uuid is malformed")
    details, personal = _rest_of(part, values.odd)
    _, of_the_buyer = _rest_of({name: told[name] for name in told if name not in _CARD}, ())
    reference = uuid or _reference(facts, told.get("vads_trans_date", ""))
    personal += of_the_buyer
    odd = odd_names(values, part)
    return TransactionSnapshot(uuid, reference, facts, details, personal, odd)


def _reference(facts: Mapping[str, Fact], form_time: str) -> str:
    """Identify what has no uuid: UTC day, short number, sequence, direction.

    Source: form-v2 reference, section 7.1. Without a short number the whole form time stands in.
    """
    form_time = storable(form_time)
    if not form_time:
        raise MalformedNotificationError(
            "identity-unreadable", "neither vads_trans_uuid nor vads_trans_date is told"
        )
    names = ("trans_id", "sequence_number", "operation_type")
    rest = [str(facts[name]).upper() for name in names if name in facts]
    return "-".join([form_time[:8] if "trans_id" in facts else form_time, *rest])


def _note_relabelling(values: Values, told: Mapping[str, str]) -> None:
    """Show the auditor a text that could be other fields of a signed form in disguise."""
    for name, value in told.items():
        if "+" in value and _STATUS_IN_TEXT.search(value):
            values.odd.append(name)


def _rest_of(told: Mapping[str, str], odd: Collection[str]) -> tuple[Pairs, Pairs]:
    """Everything that did not become a fact. Shape: details, then what is about a person."""
    details: list[tuple[str, str]] = []
    personal: list[tuple[str, str]] = []
    for name, value in told.items():
        if not value or (name in _READ and name not in odd):
            continue
        is_personal = name in _PERSONAL or name.startswith(_PERSONAL_PREFIXES)
        (personal if is_personal else details).append((name, value))
    return storable_pairs(details), storable_pairs(personal)


def _aliases(
    values: Values, facts: Mapping[str, Fact], told: Mapping[str, str]
) -> tuple[AliasSnapshot, ...]:
    alias = facts.get("alias")
    if alias is None:
        return ()
    alias_facts = read_facts(values, _ALIAS)
    request = alias_facts.get("request")
    if request == "ABANDONED":
        alias_facts["request"] = request = NOT_CREATED
    is_refused = request in REQUEST_REFUSED or facts.get("status") in REFUSED
    card = [[name, storable(told[name])] for name in sorted(_CARD) if told.get(name)]
    return (
        AliasSnapshot(
            alias=str(alias),
            facts=alias_facts,
            was_asked=request is not None or facts.get("operation_type") == "VERIFICATION",
            is_accepted=not is_refused,
            is_known_means=values.raw("vads_identifier_previously_registered") == "true",
            personal=card,
        ),
    )


def _subscriptions(values: Values, facts: Mapping[str, Fact]) -> tuple[SubscriptionSnapshot, ...]:
    """Only what opens or refuses a subscription; a replay of it has lost its status.

    On a known alias one is opened without a payment: all that its replay still tells is the plan.
    """
    subscription_id, alias = facts.get("subscription_id"), facts.get("alias", "")
    if subscription_id is None or "instalment_number" in facts:
        return ()
    told = read_facts(values, _SUBSCRIPTION)
    if "request" not in told:
        opens = facts.get("operation_type") == "VERIFICATION"
        opens = opens or facts.get("occurrence_type") == "RECURRENT_INITIAL"
        if opens:
            told["request"] = NOT_CREATED if facts.get("status") in REFUSED else CREATED
        elif not told or "status" in facts:
            return ()
    if told.get("request") == "ABANDONED":
        told["request"] = NOT_CREATED
    return (SubscriptionSnapshot(str(subscription_id), str(alias), told),)
