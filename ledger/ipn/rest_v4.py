"""REST API V4 (`kr-*`): prove that an answer came from the platform, then read its snapshots.

Source: rest-v4 reference, sections 2 to 7.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ledger.errors import MalformedNotificationError, NotificationError, SignatureError
from ledger.instants import read_platform_instant
from ledger.ipn import notification_rules as rules
from ledger.ipn.authenticity import check_address, verifying_key
from ledger.ipn.content_tags import content_tag
from ledger.ipn.delivery import DecodedBody, Delivery, Notification
from ledger.ipn.field_values import Values, read_facts
from ledger.ipn.rest_v4_fields import (
    ORDER_FIELDS,
    REFUND_FIELDS,
    TRANSACTION_FIELDS,
    Order,
    derived_facts,
    odd_of_order,
    order_of,
    terms_of_order,
    unread_fields,
)
from ledger.ipn.rest_v4_json import flatten, parse_answer, transactions_of
from ledger.ipn.rest_v4_requests import (
    alias_of,
    is_opening,
    is_told_an_instalment,
    subscription_of,
)
from ledger.ipn.shops_and_keys import REST_BROWSER, REST_PASSWORD, Key, Shops
from ledger.ipn.signature import is_same, sign_rest
from ledger.ipn.snapshots import NotificationContent, Pairs, TransactionSnapshot, with_instalment
from ledger.ipn.storable import storable, storable_name

NAME = "rest-v4"
SOURCE_FIELD = "kr-src"

Answer = Mapping[str, Any] | MalformedNotificationError
"""A signed answer, or why it cannot be read."""

_SHOP_ID = re.compile(r'"shopId" *: *"?([0-9]{8,9})\b')
_MODE = re.compile(r'"mode" *: *"(TEST|PRODUCTION)"')


# -- proof ----------------------------------------------------------------------------------------


def matches(fields: Mapping[str, str]) -> bool:
    """Return True if a body with these fields speaks this format, call or browser return."""
    return "kr-answer" in fields or "kr-hash" in fields


def claim(body: DecodedBody) -> tuple[str, str]:
    """Return the shop and the mode that an answer names, unverified.

    Errors: MalformedNotificationError.
    """
    return _claim(parse_answer(body.fields.get("kr-answer", ""), body.limits.json_depth_max))


def verify(body: DecodedBody, shops: Shops) -> tuple[Notification, Answer]:
    """Prove that the platform sent this answer as a call. Errors: NotificationError."""
    fields = body.fields
    text, hash_ = fields.get("kr-answer", ""), fields.get("kr-hash", "")
    if not hash_:
        raise SignatureError("signature-missing", "there is no kr-hash")
    if fields.get("kr-hash-algorithm") != "sha256_hmac":
        raise SignatureError("unsupported-algorithm", "kr-hash-algorithm is not sha256_hmac")
    answer, (shop_id, mode) = _read(body, text)
    check_address(body.delivery, shop_id, mode)
    if fields.get("kr-hash-key", "password") != "password":
        raise SignatureError("browser-return", "kr-hash-key is not password: a browser return")
    try:
        signed, key = _signed_text(shops, body.delivery, shop_id, mode, text, hash_)
    except NotificationError:
        if isinstance(answer, MalformedNotificationError):
            raise answer from None  # the first fault, and the one that a sender can see
        raise
    if signed != text:
        answer, claimed = _read(body, signed)
        if claimed != (shop_id, mode):
            raise SignatureError("signature-mismatch", "the signed text names another shop or mode")
    return _notification(body, (shop_id, mode), key.fingerprint, signed), answer


def trust(body: DecodedBody, key_fingerprint: str, signed_tag: str) -> tuple[Notification, Answer]:
    """Read an answer that was verified by a key that is gone. Errors: NotificationError."""
    candidates = _candidates(body.fields.get("kr-answer", ""))
    text_by_tag = {content_tag(text.encode()): text for text in reversed(candidates)}
    signed = text_by_tag.get(signed_tag, candidates[0])
    answer, claimed = _read(body, signed)
    check_address(body.delivery, *claimed)
    return _notification(body, claimed, key_fingerprint, signed), answer


def _notification(
    body: DecodedBody, claimed: tuple[str, str], key_fingerprint: str, signed: str
) -> Notification:
    source = storable_name(body.fields.get(SOURCE_FIELD, "")) or None
    signed_tag = content_tag(signed.encode())
    return Notification(body.delivery, NAME, *claimed, source, key_fingerprint, signed_tag)


def _read(body: DecodedBody, text: str) -> tuple[Answer, tuple[str, str]]:
    """Return an answer, or why it cannot be read, and the shop and mode whose key is to be tried.

    What cannot be read may be signed all the same: then its address says whose key that would be,
    or the first names in it that look like them. Errors: MalformedNotificationError without any.
    """
    try:
        answer = parse_answer(text, body.limits.json_depth_max)
        return answer, _claim(answer)
    except MalformedNotificationError as unreadable:
        shop_id, mode = body.delivery.shop_id, body.delivery.mode
        if shop_id is None or mode is None:
            named = _SHOP_ID.search(text), _MODE.search(text)
            if None in named:
                raise
            shop_id, mode = (match[1] for match in named if match)
        return unreadable, (shop_id, mode)


def _claim(answer: Mapping[str, Any]) -> tuple[str, str]:
    order = answer.get("orderDetails")
    mode = order.get("mode") if isinstance(order, dict) else None
    shop_id = answer.get("shopId")
    if isinstance(shop_id, int):
        shop_id = str(shop_id)
    if not isinstance(shop_id, str):
        raise MalformedNotificationError("identity-unreadable", "shopId is missing")
    return shop_id, mode if isinstance(mode, str) else ""


def _signed_text(
    shops: Shops, delivery: Delivery, shop_id: str, mode: str, text: str, hash_: str
) -> tuple[str, Key]:
    """Return the text that the hash covers, as received or with every `\\/` as `/`, and its key.

    Source: rest-v4 reference, section 2.2. No other repair is tried: it would be malleable.
    """
    candidates = _candidates(text)

    def signed_by(key: Key) -> list[str]:
        return [text for text in candidates if is_same(hash_, sign_rest(text, key.secret))]

    if any(map(signed_by, shops.keys(shop_id, mode, REST_BROWSER, at=delivery.received_at))):
        raise SignatureError("browser-return", "signed with the key of browser returns")
    key = verifying_key(
        shops, delivery, shop_id, mode, (REST_PASSWORD,), lambda key: bool(signed_by(key))
    )
    return signed_by(key)[0], key


def _candidates(text: str) -> list[str]:
    return [text, text.replace("\\/", "/")] if "\\/" in text else [text]


# -- content --------------------------------------------------------------------------------------


def translate(notification: Notification, answer: Answer) -> NotificationContent:
    """Read everything a verified answer says. Errors: MalformedNotificationError."""
    if isinstance(answer, MalformedNotificationError):
        raise answer
    order = order_of(answer)
    flats = [dict(flatten(transaction)) for transaction in transactions_of(answer)]
    snapshots = [_transaction(flat, order, notification.shop_id) for flat in flats]
    is_abandoned = answer.get("orderStatus") == "ABANDONED"
    pairs = zip(flats, snapshots, strict=True)
    aliases = [alias_of(flat, snapshot) for flat, snapshot in pairs if "alias" in snapshot.facts]
    if is_abandoned:
        snapshots.append(_abandonment(answer, order))
    rule = rules.RULE_BY_SOURCE.get(notification.source or "")
    if rule == rules.END_OF_PAYMENT and is_abandoned:
        rule = rules.CANCELLATION
    server_date = answer.get("serverDate")
    told_at = read_platform_instant(server_date) if isinstance(server_date, str) else None
    if told_at is None and server_date is not None:
        verbatim = [[name, storable(text)] for name, text in flatten({"serverDate": server_date})]
        snapshots = [
            replace(each, odd=(*each.odd, "serverDate"), details=[*each.details, *verbatim])
            for each in snapshots
        ]
    return NotificationContent(
        shop_id=notification.shop_id,
        mode=notification.mode,
        source=notification.source,
        rule=rule,
        rule_certainty=rules.HINTED if rule else rules.INFERRED,
        told_at=told_at,
        transactions=tuple(snapshots),
        aliases=tuple(aliases),
        subscriptions=tuple(
            subscription_of(snapshot) for snapshot in snapshots if is_opening(snapshot.facts)
        ),
    )


def _transaction(flat: Mapping[str, str], order: Order, shop_id: str) -> TransactionSnapshot:
    field_values, order_values = Values(flat), Values(order.fields)
    if field_values.raw("shopId") not in ("", shop_id):
        field_values.odd.append("shopId")
    facts = read_facts(field_values, TRANSACTION_FIELDS)
    facts |= read_facts(order_values, ORDER_FIELDS)
    order_terms: Pairs = []
    if facts.get("operation_type") == "CREDIT":
        facts |= read_facts(field_values, REFUND_FIELDS)
        order_terms = terms_of_order(order)
    derived = derived_facts(facts, field_values)
    facts = with_instalment(facts, is_told_an_instalment(flat, facts))
    details, personal = unread_fields(field_values)
    odd_names, verbatim = odd_of_order(order_values)
    return TransactionSnapshot(
        uuid=flat["uuid"],
        reference=flat["uuid"],
        facts=facts | derived,
        details=details + order.details_beside(details) + order_terms + verbatim,
        personal=personal + order.personal,
        odd=(*field_values.odd_names(), *odd_names),
        derived=tuple(derived),
    )


def _abandonment(answer: Mapping[str, Any], order: Order) -> TransactionSnapshot:
    """Return a page session without a transaction, known by what was in it, whenever it ended."""
    field_values = Values(order.fields)
    facts = read_facts(field_values, ORDER_FIELDS)
    facts["status"] = "ABANDONED"
    lasting = {name: answer[name] for name in answer if name not in ("serverDate", "transactions")}
    ending = content_tag(json.dumps(lasting, sort_keys=True).encode())[:16]
    order_id = [str(facts["order_id"])] if "order_id" in facts else []
    reference = storable_name("-".join([*order_id, "abandoned", ending]))
    odd, verbatim = odd_of_order(field_values)
    details = order.details + verbatim
    return TransactionSnapshot(None, reference, facts, details, order.personal, odd)
