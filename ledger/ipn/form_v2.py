"""Form API V2 (`vads_*`): prove that a form came from the platform, then read its snapshots.

Source: form-v2 reference, sections 2 to 6.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from ledger.errors import MalformedNotificationError, SignatureError
from ledger.ipn import form_v2_fields as form_fields
from ledger.ipn import notification_rules as rules
from ledger.ipn import signature as signing
from ledger.ipn.authenticity import check_address, verifying_key
from ledger.ipn.content_tags import content_tag
from ledger.ipn.delivery import DecodedBody, Notification
from ledger.ipn.field_values import Values, read_facts
from ledger.ipn.form_v2_origin import doubts_of, malformed_field, strange_names
from ledger.ipn.form_v2_requests import aliases_of, is_told_an_instalment, subscriptions_of
from ledger.ipn.json_values import parse_json
from ledger.ipn.references import reference_of
from ledger.ipn.shops_and_keys import FORM_HMAC, FORM_SHA1, Key, Shops
from ledger.ipn.snapshots import Fact, NotificationContent, TransactionSnapshot, with_instalment

NAME = "form-v2"
SOURCE_FIELD = "vads_url_check_src"

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
    text = signing.form_text(body.fields)

    def made_signature(key: Key) -> bool:
        sign = signing.sign_form_hmac if key.kind == FORM_HMAC else signing.sign_form_sha1
        return signing.is_same(signature, sign(text, key.secret))

    kinds = (FORM_HMAC, FORM_SHA1)
    key = verifying_key(shops, body.delivery, shop_id, mode, kinds, made_signature)
    return _notification(body, key.fingerprint), body.fields


def trust(
    body: DecodedBody, key_fingerprint: str, signed_tag: str
) -> tuple[Notification, Mapping[str, str]]:
    """Read a form that was verified by a key that is gone. Errors: NotificationError."""
    check_address(body.delivery, *claim(body))
    return _notification(body, key_fingerprint), body.fields


def _notification(body: DecodedBody, key_fingerprint: str) -> Notification:
    """Refuse browser returns and relabelled forms: names are not signed, only values are."""
    fields = body.fields
    if "vads_hash" not in fields:
        raise SignatureError("browser-return", "vads_hash is missing: this is a browser return")
    malformed = malformed_field(fields)
    if malformed is not None:
        raise SignatureError("relabelled-form", f"{malformed} is not in its strict format")
    source = fields[SOURCE_FIELD]
    signed_tag = content_tag(orjson.dumps(signing.signed_fields(fields)))
    return Notification(
        delivery=body.delivery,
        format=NAME,
        shop_id=fields["vads_site_id"],
        mode=fields["vads_ctx_mode"],
        source=source,
        key_fingerprint=key_fingerprint,
        signed_tag=signed_tag,
        signed_text_tag=content_tag(signing.form_text(fields).encode()),
    )


# -- content --------------------------------------------------------------------------------------


def translate(notification: Notification, fields: Mapping[str, str]) -> NotificationContent:
    """Read everything a verified form says. Errors: MalformedNotificationError."""
    field_values = Values(dict(signing.signed_fields(fields)))  # nothing else is proven
    field_values.odd += strange_names(fields)
    facts = with_instalment(
        read_facts(field_values, form_fields.TRANSACTION_FIELDS),
        is_told_an_instalment(field_values, notification.source),
    )
    rule = _rule(notification.source, facts, field_values)
    is_call = notification.delivery.is_from_named_range
    content = NotificationContent(
        shop_id=notification.shop_id,
        mode=notification.mode,
        source=notification.source,
        rule=rule,
        rule_certainty=rules.TOLD if rule else rules.INFERRED,
        told_at=None,  # a form has no time of its own
        transactions=_transactions(field_values, facts),
        aliases=aliases_of(field_values, facts),
        subscriptions=subscriptions_of(field_values, facts),
        doubts=() if is_call else doubts_of(fields),
    )
    return content if content.transactions else _with_every_field(content, field_values)


def _with_every_field(content: NotificationContent, field_values: Values) -> NotificationContent:
    """Give what a call without a transaction says besides to the plan or alias it is about."""

    def besides(read_names: frozenset[str]) -> dict[str, Any]:
        details, personal = form_fields.unread_fields(field_values, read_names)
        return {"details": details, "personal": personal}

    if content.subscriptions:
        more = besides(form_fields.SUBSCRIPTION_NAMES)
        plans = tuple(replace(plan, **more) for plan in content.subscriptions)
        return replace(content, subscriptions=plans)
    more = besides(form_fields.ALIAS_NAMES)
    return replace(content, aliases=tuple(replace(alias, **more) for alias in content.aliases))


def _rule(source: str | None, facts: Mapping[str, Fact], field_values: Values) -> str | None:
    """Tell payments, abandonments, aliases and subscriptions apart: one rule sends them all."""
    rule = rules.RULE_BY_SOURCE.get(source or "")
    if rule != rules.END_OF_PAYMENT:
        return rule
    if facts.get("status") == "ABANDONED":
        return rules.CANCELLATION
    if facts.get("operation_type") != "VERIFICATION":
        return rule
    return rules.SUBSCRIPTION if field_values.raw("vads_recurrence_status") else rules.ALIAS


def _transactions(field_values: Values, facts: dict[str, Fact]) -> tuple[TransactionSnapshot, ...]:
    sequence = field_values.raw("vads_payment_seq")
    parts = _parts(sequence) if sequence else []
    if parts:
        return tuple(_part(Values(part), facts, field_values) for part in parts)
    if sequence:
        field_values.odd.append("vads_payment_seq")
        facts.pop("amount_minor", None)  # the parent of a split payment is never money
    uuid = field_values.text("vads_trans_uuid")
    if uuid is None and "status" not in facts:
        return ()
    for name, text in field_values.value_by_name.items():
        if "+" in text and _STATUS_IN_TEXT.search(text):  # perhaps other signed fields in disguise
            field_values.odd.append(name)
    details, personal = form_fields.unread_fields(field_values)
    reference = uuid or reference_of(facts, field_values.raw("vads_trans_date"))
    odd = field_values.odd_names()
    derived = {} if sequence else form_fields.derived_facts(facts, field_values)
    return (
        TransactionSnapshot(
            uuid, reference, facts | derived, details, personal, odd, derived=tuple(derived)
        ),
    )


def _parts(text: str) -> list[dict[str, str]]:
    """Return the parts of a split payment; none when they cannot be read."""
    try:
        split = parse_json(text)
    except (ValueError, RecursionError, MalformedNotificationError):
        return []
    parts = split.get("transactions") or split.get("transaction") if isinstance(split, dict) else 0
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        return []
    try:
        return [
            {
                name: node if isinstance(node, str) else orjson.dumps(node).decode()
                for name, node in part.items()
                if node is not None
            }
            for part in parts
        ]
    except orjson.JSONEncodeError:  # nested too deep
        return []


def _part(field_values: Values, parent: Mapping[str, Fact], whole: Values) -> TransactionSnapshot:
    fields = whole.value_by_name
    facts = {name: parent[name] for name in form_fields.FACTS_OF_THE_ORDER if name in parent}
    facts |= read_facts(field_values, form_fields.PART_FIELDS)
    derived = form_fields.derived_facts_of_part(facts, parent, field_values)
    uuid = field_values.raw("trans_uuid") or None
    if uuid is not None and not form_fields.UUID.fullmatch(uuid):
        raise MalformedNotificationError("identity-unreadable", "a part's trans_uuid is malformed")
    details, personal = form_fields.unread_fields(field_values)
    beside_the_card = {name: fields[name] for name in fields if name not in form_fields.CARD_FIELDS}
    personal += form_fields.unread_fields(Values(beside_the_card))[1]
    reference = uuid or reference_of(facts, fields.get("vads_trans_date", ""))
    details += form_fields.unread_fields(Values(beside_the_card), form_fields.ORDER_NAMES)[0]
    _, verbatim = whole.odd_fields(form_fields.ORDER_NAMES)
    odd = tuple(dict.fromkeys((*whole.odd_names(), *field_values.odd_names())))
    return TransactionSnapshot(
        uuid,
        reference,
        facts | derived,
        details + verbatim,
        personal,
        odd,
        derived=tuple(derived),
    )
