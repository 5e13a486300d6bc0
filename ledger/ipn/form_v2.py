"""Form API V2 (`vads_*`): prove that a form came from the platform, then read its snapshots.

Source: form-v2 reference, sections 2 to 6.
"""

import re
from collections.abc import Mapping

import orjson

from ledger.errors import MalformedNotificationError, SignatureError
from ledger.ipn.authenticity import check_address, verifying_key
from ledger.ipn.delivery import DecodedBody, Notification, Proof
from ledger.ipn.field_values import Values, odd_names, read_facts
from ledger.ipn.form_v2_fields import (
    ALIAS_FIELDS,
    CARD_FIELDS,
    FACTS_OF_THE_ORDER,
    PART_FIELDS,
    SUBSCRIPTION_FIELDS,
    TRANSACTION_FIELDS,
    UUID,
    reference_of,
    unread_fields,
)
from ledger.ipn.notification_rules import (
    ALIAS,
    CANCELLATION,
    END_OF_PAYMENT,
    INFERRED,
    RULE_BY_SOURCE,
    SUBSCRIPTION,
    TOLD,
)
from ledger.ipn.shops_and_keys import FORM_HMAC, FORM_SHA1, Key, Shops
from ledger.ipn.signature import (
    digest,
    form_text,
    is_same,
    sign_form_hmac,
    sign_form_sha1,
    signed_fields,
)
from ledger.ipn.snapshots import (
    CREATED,
    NOT_CREATED,
    REQUEST_REFUSED,
    AliasSnapshot,
    Fact,
    NotificationContent,
    SubscriptionSnapshot,
    TransactionSnapshot,
)
from ledger.ipn.statuses import REFUSED
from ledger.ipn.storable import storable

NAME = "form-v2"
SOURCE_FIELD = "vads_url_check_src"

_HASH = re.compile(r"[A-Za-z0-9_-]{20,64}")
_STATUS_IN_TEXT = re.compile(r"\+(DEBIT|CREDIT|AUTHORISED|CAPTURED|ACCEPTED)\+")


# -- proof ----------------------------------------------------------------------------------------


def matches(fields: Mapping[str, str]) -> bool:
    """Return True if a body with these fields speaks this format, call or browser return."""
    return "vads_hash" in fields or "signature" in fields or "vads_site_id" in fields


def claim(body: DecodedBody) -> tuple[str, str]:
    """Return the shop and the mode that a form names, unverified."""
    return body.fields.get("vads_site_id", ""), body.fields.get("vads_ctx_mode", "")


def verify(body: DecodedBody, shops: Shops) -> tuple[Notification, Mapping[str, str]]:
    """Prove that the platform sent this form as a call. Errors: NotificationError."""
    shop_id, mode = claim(body)
    check_address(body.delivery, shop_id, mode)
    signature = body.fields.get("signature")
    if not signature:
        raise SignatureError("signature-missing", "there is no signature")
    text = form_text(body.fields)
    key = verifying_key(
        shops,
        body.delivery,
        shop_id,
        mode,
        (FORM_HMAC, FORM_SHA1),
        lambda key: _made(key, text, signature),
    )
    return _notification(body, key.fingerprint), body.fields


def trust(body: DecodedBody, proof: Proof) -> tuple[Notification, Mapping[str, str]]:
    """Read a form that was verified by a key that is gone. Errors: NotificationError."""
    check_address(body.delivery, *claim(body))
    return _notification(body, proof.key_fingerprint), body.fields


def _notification(body: DecodedBody, key_fingerprint: str) -> Notification:
    _check_is_a_call(body.fields)
    shop_id, mode = claim(body)
    return Notification(
        delivery=body.delivery,
        format=NAME,
        shop_id=shop_id,
        mode=mode,
        source=storable(body.fields[SOURCE_FIELD]),
        key_fingerprint=key_fingerprint,
        signed_digest=digest(orjson.dumps(signed_fields(body.fields))),
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
        "vads_trans_uuid": not uuid or UUID.fullmatch(uuid),
        "vads_url_check_src": fields.get("vads_url_check_src"),
    }
    for name, is_strict in strict.items():
        if not is_strict:
            raise SignatureError("relabelled-form", f"{name} is not in its strict format")


# -- content --------------------------------------------------------------------------------------


def translate(notification: Notification, fields: Mapping[str, str]) -> NotificationContent:
    """Read everything a verified form says. Errors: MalformedNotificationError."""
    field_values = Values(fields)
    facts = read_facts(field_values, TRANSACTION_FIELDS)
    rule, certainty = _rule(notification.source, facts, field_values)
    return NotificationContent(
        shop_id=notification.shop_id,
        mode=notification.mode,
        format=NAME,
        source=notification.source,
        rule=rule,
        rule_certainty=certainty,
        told_at=None,  # a form has no time of its own
        transactions=_transactions(field_values, facts, fields),
        aliases=_aliases(field_values, facts, fields),
        subscriptions=_subscriptions(field_values, facts),
    )


def _rule(
    source: str | None, facts: Mapping[str, Fact], field_values: Values
) -> tuple[str | None, str]:
    """Tell payments, abandonments, aliases and subscriptions apart: one rule sends them all."""
    rule = RULE_BY_SOURCE.get(source or "")
    if rule == END_OF_PAYMENT:
        if facts.get("status") == "ABANDONED":
            rule = CANCELLATION
        elif facts.get("operation_type") == "VERIFICATION":
            is_plan = field_values.raw("vads_recurrence_status")
            rule = SUBSCRIPTION if is_plan else ALIAS
    return rule, TOLD if rule else INFERRED


def _transactions(
    field_values: Values, facts: dict[str, Fact], fields: Mapping[str, str]
) -> tuple[TransactionSnapshot, ...]:
    if field_values.raw("vads_payment_seq"):
        parts = _parts(field_values.raw("vads_payment_seq"))
        if parts:
            return tuple(_part(part, facts, fields) for part in parts)
        field_values.odd.append("vads_payment_seq")
        facts.pop("amount_minor", None)  # the parent of a split payment is never money
    uuid = field_values.text("vads_trans_uuid")
    if uuid is None and "status" not in facts:
        return ()
    _note_relabelling(field_values, fields)
    details, personal = unread_fields(fields, field_values.odd)
    reference = uuid or reference_of(facts, field_values.raw("vads_trans_date"))
    odd = odd_names(field_values, fields)
    return (TransactionSnapshot(uuid, reference, facts, details, personal, odd),)


def _parts(text: str) -> list[dict[str, str]]:
    """Return the parts of a split payment; none when they cannot be read."""
    try:
        split = orjson.loads(text)
    except orjson.JSONDecodeError:
        return []
    parts = split.get("transactions") or split.get("transaction") if isinstance(split, dict) else 0
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        return []
    return [
        {str(name): _scalar(value) for name, value in part.items() if value is not None}
        for part in parts
    ]


def _scalar(node: object) -> str:
    return node if isinstance(node, str) else orjson.dumps(node).decode()


def _part(
    part_fields: Mapping[str, str], parent: Mapping[str, Fact], form: Mapping[str, str]
) -> TransactionSnapshot:
    field_values = Values(part_fields)
    facts = {name: parent[name] for name in FACTS_OF_THE_ORDER if name in parent}
    facts |= read_facts(field_values, PART_FIELDS)
    if "amount_minor" in facts and "requested_currency" in parent:
        facts["currency"] = parent["requested_currency"]
    uuid = field_values.raw("trans_uuid") or None
    if uuid is not None and not UUID.fullmatch(uuid):
        raise MalformedNotificationError("identity-unreadable", "a part's trans_uuid is malformed")
    details, personal = unread_fields(part_fields, field_values.odd)
    beside_the_card = {name: form[name] for name in form if name not in CARD_FIELDS}
    _, of_the_buyer = unread_fields(beside_the_card, ())
    reference = uuid or reference_of(facts, form.get("vads_trans_date", ""))
    odd = odd_names(field_values, part_fields)
    return TransactionSnapshot(uuid, reference, facts, details, personal + of_the_buyer, odd)


def _note_relabelling(field_values: Values, fields: Mapping[str, str]) -> None:
    """Show the auditor a text that could be other fields of a signed form in disguise."""
    for name, value in fields.items():
        if "+" in value and _STATUS_IN_TEXT.search(value):
            field_values.odd.append(name)


def _aliases(
    field_values: Values, facts: Mapping[str, Fact], fields: Mapping[str, str]
) -> tuple[AliasSnapshot, ...]:
    alias = facts.get("alias")
    if alias is None:
        return ()
    alias_facts = read_facts(field_values, ALIAS_FIELDS)
    request = alias_facts.get("request")
    if request == "ABANDONED":
        alias_facts["request"] = request = NOT_CREATED
    is_refused = request in REQUEST_REFUSED or facts.get("status") in REFUSED
    card = [[name, storable(fields[name])] for name in sorted(CARD_FIELDS) if fields.get(name)]
    return (
        AliasSnapshot(
            alias=str(alias),
            facts=alias_facts,
            was_asked=request is not None or facts.get("operation_type") == "VERIFICATION",
            is_accepted=not is_refused,
            is_known_means=field_values.raw("vads_identifier_previously_registered") == "true",
            personal=card,
        ),
    )


def _subscriptions(
    field_values: Values, facts: Mapping[str, Fact]
) -> tuple[SubscriptionSnapshot, ...]:
    """Return what opens or refuses a subscription, if anything; a replay has lost its status.

    On a known alias one is opened without a payment: all that its replay still holds is the plan.
    """
    subscription_id, alias = facts.get("subscription_id"), facts.get("alias", "")
    if subscription_id is None or "instalment_number" in facts:
        return ()
    plan_facts = read_facts(field_values, SUBSCRIPTION_FIELDS)
    if "request" not in plan_facts:
        is_check = facts.get("operation_type") == "VERIFICATION"
        if is_check or facts.get("occurrence_type") == "RECURRENT_INITIAL":
            plan_facts["request"] = NOT_CREATED if facts.get("status") in REFUSED else CREATED
        elif not plan_facts or "status" in facts:
            return ()
    if plan_facts.get("request") == "ABANDONED":
        plan_facts["request"] = NOT_CREATED
    return (SubscriptionSnapshot(str(subscription_id), str(alias), plan_facts),)
