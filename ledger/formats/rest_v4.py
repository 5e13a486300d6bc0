"""REST API V4 (`kr-*`): proves that an answer came from the platform, then reads its facts.

Source: rest-v4 reference, sections 2 to 7.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Never

import orjson

from ledger.errors import MalformedNotificationError, SignatureError
from ledger.formats.snapshot import (
    CREATED,
    NOT_CREATED,
    AliasSnapshot,
    Fact,
    Pairs,
    SubscriptionSnapshot,
    Told,
    TransactionSnapshot,
    is_instalment,
    storable,
    storable_pairs,
)
from ledger.formats.values import (
    FactTable,
    Values,
    names_read,
    odd_names,
    read_facts,
)
from ledger.instants import read_platform_instant
from ledger.notification import Delivery, Limits, Notification, Proof
from ledger.rules import CANCELLATION, END_OF_PAYMENT, HINTED, INFERRED, RULE_BY_SOURCE
from ledger.shops import REST_BROWSER, REST_PASSWORD, Key, Shops
from ledger.signature import digest, is_same, sign_rest
from ledger.statuses import REFUSED
from ledger.verification import check_address, verifying_key

NAME = "rest-v4"

_HASH = re.compile(r"[0-9a-f]{64}")
_UUID = re.compile(r"[0-9a-f]{32}")

_CARD = "transactionDetails.cardDetails."
_METHOD = "transactionDetails.paymentMethodDetails."
_TRANSACTION: FactTable = (
    ("operation_type", "operationType", Values.operation),
    ("status", "detailedStatus", Values.status),
    ("amount_minor", "amount", Values.amount),
    ("currency", "currency", Values.currency),
    ("created_at", "creationDate", Values.instant),
    ("capture_at", _CARD + "expectedCaptureDate", Values.instant),
    ("capture_at", _METHOD + "expectedCaptureDate", Values.instant),
    ("captured_at", _CARD + "captureResponse.captureDate", Values.instant),
    ("captured_at", _METHOD + "captureResponse.captureDate", Values.instant),
    ("trans_id", _CARD + "legacyTransId", Values.text),
    ("trans_id", _METHOD + "legacyTransId", Values.text),
    ("trans_date", _CARD + "legacyTransDate", Values.instant),
    ("trans_date", _METHOD + "legacyTransDate", Values.instant),
    ("sequence_number", "transactionDetails.sequenceNumber", Values.count),
    ("occurrence_type", "transactionDetails.occurrenceType", Values.text),
    ("payment_method", _CARD + "effectiveBrand", Values.text),
    ("payment_method", _METHOD + "effectiveBrand", Values.text),
    ("wallet", "transactionDetails.wallet", Values.text),
    ("payment_source", _CARD + "paymentSource", Values.text),
    ("payment_source", _METHOD + "paymentSource", Values.text),
    ("contract", "transactionDetails.mid", Values.text),
    ("network", "transactionDetails.acquirerNetwork", Values.text),
    ("authorisation_number", _CARD + "authorizationResponse.authorizationNumber", Values.text),
    ("authorisation_number", _METHOD + "authorizationResponse.authorizationNumber", Values.text),
    (
        "authorisation_result",
        _CARD + "authorizationResponse.authorizationResult",
        Values.answer_code,
    ),
    (
        "authorisation_result",
        _METHOD + "authorizationResponse.authorizationResult",
        Values.answer_code,
    ),
    ("authorisation_result", "detailedErrorCode", Values.answer_code),
    ("alias", "paymentMethodToken", Values.text),
    ("subscription_id", "transactionDetails.subscriptionDetails.subscriptionId", Values.text),
    ("parent_uuid", "transactionDetails.parentTransactionUuid", Values.text),
)
_REQUESTED_OF_ORDER: FactTable = (  # what was asked: the whole order
    ("requested_amount_minor", "orderTotalAmount", Values.amount),
    ("requested_currency", "orderCurrency", Values.currency),
    ("order_id", "orderId", Values.text),
)
_REQUESTED_OF_REFUND: FactTable = (  # a refund asks for itself, not for the order
    ("requested_amount_minor", "transactionDetails.effectiveAmount", Values.amount),
    ("requested_currency", "transactionDetails.effectiveCurrency", Values.currency),
)
_READ = names_read((_TRANSACTION,)) | {"uuid", "shopId"}
_READ_OF_ORDER = names_read((_REQUESTED_OF_ORDER,)) | {"mode"}
_PERSONAL = re.compile(
    r"transactionDetails\.(userInfo|acquirerDetails\..*|(cardDetails|paymentMethodDetails)\."
    r"(pan|id|expiryMonth|expiryYear|cardHolderName|identityDocument.*))"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A verified `kr-answer` as parsed JSON."""

    value: Mapping[str, Any]


def matches(fields: Mapping[str, str]) -> bool:
    """Whether a body with these fields speaks this format, call or browser return."""
    return "kr-answer" in fields or "kr-hash" in fields


def verify(
    delivery: Delivery, fields: Mapping[str, str], shops: Shops, limits: Limits
) -> tuple[Notification, Answer]:
    """Prove that the platform sent this answer as a call. Errors: NotificationError."""
    text, hash_ = fields.get("kr-answer", ""), fields.get("kr-hash", "")
    if not hash_:
        raise SignatureError("signature-missing", "there is no kr-hash")
    if fields.get("kr-hash-algorithm") != "sha256_hmac":
        raise SignatureError("unsupported-algorithm", "kr-hash-algorithm is not sha256_hmac")
    answer = _parse(text, limits)
    shop_id, mode = _claim(answer)
    check_address(delivery, shop_id, mode)
    if fields.get("kr-hash-key", "password") != "password":
        raise SignatureError("browser-return", "kr-hash-key is not password: a browser return")
    signed, key = _signed_text(shops, delivery, shop_id, mode, text, hash_)
    if signed != text:
        answer = _parse(signed, limits)
        _check_same_claim(answer, shop_id, mode)
    proof = Proof(key.fingerprint, digest(signed.encode()))
    return _notification(delivery, fields, shop_id, mode, proof), Answer(answer)


def trust(
    delivery: Delivery, fields: Mapping[str, str], proof: Proof, limits: Limits
) -> tuple[Notification, Answer]:
    """Read an answer that was verified by a key that is gone. Errors: NotificationError."""
    candidates = _candidates(fields.get("kr-answer", ""))
    digests = {digest(one.encode()): one for one in reversed(candidates)}
    signed = digests.get(proof.signed_digest, candidates[0])
    answer = _parse(signed, limits)
    shop_id, mode = _claim(answer)
    check_address(delivery, shop_id, mode)
    now = Proof(proof.key_fingerprint, digest(signed.encode()))
    return _notification(delivery, fields, shop_id, mode, now), Answer(answer)


def _notification(
    delivery: Delivery, fields: Mapping[str, str], shop_id: str, mode: str, proof: Proof
) -> Notification:
    return Notification(
        delivery=delivery,
        format=NAME,
        shop_id=shop_id,
        mode=mode,
        source=storable(fields.get("kr-src", "")) or None,
        key_fingerprint=proof.key_fingerprint,
        signed_digest=proof.signed_digest,
    )


def claim(fields: Mapping[str, str], limits: Limits) -> tuple[str, str]:
    """The shop and the mode that an answer names, unverified.

    Errors: MalformedNotificationError.
    """
    return _claim(_parse(fields.get("kr-answer", ""), limits))


def _claim(answer: Mapping[str, Any]) -> tuple[str, str]:
    order = answer.get("orderDetails")
    mode = order.get("mode") if isinstance(order, dict) else None
    shop_id = answer.get("shopId")
    if isinstance(shop_id, int):
        shop_id = str(shop_id)
    if not isinstance(shop_id, str):
        raise MalformedNotificationError("identity-unreadable", "shopId is missing")
    return shop_id, mode if isinstance(mode, str) else ""


def _check_same_claim(answer: Mapping[str, Any], shop_id: str, mode: str) -> None:
    if _claim(answer) != (shop_id, mode):
        raise SignatureError("signature-mismatch", "the signed text names another shop or mode")


def _signed_text(
    shops: Shops, delivery: Delivery, shop_id: str, mode: str, text: str, hash_: str
) -> tuple[str, Key]:
    """The text that the hash covers: as received, or with every `\\/` as `/`; and its key.

    Source: rest-v4 reference, section 2.2. No other repair is tried: it would be malleable.
    """
    candidates = _candidates(text)
    for candidate in candidates:
        if any(
            _made(key, candidate, hash_) for key in _browser_keys(shops, delivery, shop_id, mode)
        ):
            raise SignatureError("browser-return", "signed with the key of browser returns")

    def made_signature(key: Key) -> bool:
        return any(_made(key, candidate, hash_) for candidate in candidates)

    key = verifying_key(shops, delivery, shop_id, mode, (REST_PASSWORD,), made_signature)
    return next(one for one in candidates if _made(key, one, hash_)), key


def _candidates(text: str) -> list[str]:
    return [text, text.replace("\\/", "/")] if "\\/" in text else [text]


def _browser_keys(shops: Shops, delivery: Delivery, shop_id: str, mode: str) -> list[Key]:
    return shops.keys(shop_id, mode, REST_BROWSER, at=delivery.received_at)


def _made(key: Key, text: str, hash_: str) -> bool:
    return bool(_HASH.fullmatch(hash_)) and is_same(hash_, sign_rest(text, key.secret))


def _parse(text: str, limits: Limits) -> dict[str, Any]:
    """Parse JSON strictly: an object, no key twice, not too deep, fractions kept as their text."""
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=str,
            parse_int=_integer,
            parse_constant=_no_constant,
        )
    except RecursionError as error:
        raise MalformedNotificationError("answer-too-deep", "kr-answer is too deep") from error
    except ValueError as error:
        raise MalformedNotificationError("answer-not-json", "kr-answer is not JSON") from error
    if not isinstance(value, dict):
        raise MalformedNotificationError("answer-not-json", "kr-answer is not a JSON object")
    openings = text.count("{") + text.count("[")
    if openings > limits.json_depth_max and _is_deeper(value, limits.json_depth_max):
        raise MalformedNotificationError("answer-too-deep", "kr-answer is too deep")
    return value


def _is_deeper(value: object, depth_max: int) -> bool:
    level = [value]
    for _ in range(depth_max):
        level = [
            below
            for one in level
            if isinstance(one, dict | list)
            for below in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedNotificationError("duplicate-json-key", "a key occurs twice in kr-answer")
    return found


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) < 19 else digits


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is not JSON")


def translate(notification: Notification, answer: Answer) -> Told:
    """Read everything a verified answer says. Errors: MalformedNotificationError."""
    value = answer.value
    order = dict(_flat(value.get("orderDetails")))
    shared_details, personal = _rest_of_answer(value, order)
    listed = value.get("transactions") or []
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise MalformedNotificationError(
            "identity-unreadable", "transactions is no list of objects"
        )
    for one in listed:
        _check_readable(one)
    flats = [dict(_flat(one)) for one in listed]
    transactions = [_transaction(one, order, shared_details, personal) for one in flats]
    is_abandoned = value.get("orderStatus") == "ABANDONED"
    if is_abandoned:
        transactions.append(_abandonment(value, order, shared_details, personal))
    rule, certainty = _rule(notification.source, is_abandoned=is_abandoned)
    told_at = _told_at(value)
    if told_at is None and value.get("serverDate") is not None:
        transactions = [_note_odd_time(one, value) for one in transactions]
    return Told(
        shop_id=notification.shop_id,
        mode=notification.mode,
        format=NAME,
        source=notification.source,
        rule=rule,
        rule_certainty=certainty,
        told_at=told_at,
        transactions=tuple(transactions),
        aliases=tuple(
            _alias(flat, told.facts, told.personal)
            for flat, told in zip(flats, transactions, strict=False)
            if "alias" in told.facts
        ),
        subscriptions=tuple(
            _subscription(told.facts)
            for told in transactions
            if "subscription_id" in told.facts and not is_instalment(told.facts)
        ),
    ).about_something()


def _told_at(answer: Mapping[str, Any]) -> datetime | None:
    told = answer.get("serverDate")
    return read_platform_instant(told) if isinstance(told, str) else None


def _note_odd_time(told: TransactionSnapshot, answer: Mapping[str, Any]) -> TransactionSnapshot:
    verbatim = [[name, storable(one)] for name, one in _flat({"serverDate": answer["serverDate"]})]
    return replace(told, odd=(*told.odd, "serverDate"), details=[*told.details, *verbatim])


def _rule(source: str | None, *, is_abandoned: bool) -> tuple[str | None, str]:
    rule = RULE_BY_SOURCE.get(source or "")
    if rule == END_OF_PAYMENT and is_abandoned:
        rule = CANCELLATION
    return rule, HINTED if rule else INFERRED


def _flat(value: object, path: str = "") -> list[tuple[str, str]]:
    """Every scalar below a JSON value, by its dotted path; nulls and type names left out."""
    found: list[tuple[str, str]] = []
    _collect(value, path, found)
    return found


def _collect(value: object, path: str, found: list[tuple[str, str]]) -> None:
    if value is None:
        return
    if isinstance(value, str):
        found.append((path, value))
    elif isinstance(value, dict):
        before = f"{path}." if path else ""
        for name, one in value.items():
            if isinstance(one, str):  # most are, and a call for each takes longer than to keep it
                if name != "_type":
                    found.append((before + name, one))
            elif name != "_type" and one is not None:
                _collect(one, before + name, found)
    elif isinstance(value, list):
        before = f"{path}." if path else ""
        for number, one in enumerate(value):
            _collect(one, f"{before}{number}", found)
    else:
        found.append((path, orjson.dumps(value).decode()))


def _check_readable(transaction: Mapping[str, Any]) -> None:
    uuid, status = transaction.get("uuid"), transaction.get("detailedStatus")
    if not isinstance(uuid, str) or not _UUID.fullmatch(uuid):
        raise MalformedNotificationError("identity-unreadable", "a transaction without its uuid")
    if not isinstance(status, str) or not status:
        raise MalformedNotificationError("status-unreadable", "detailedStatus is not told as text")
    if isinstance(transaction.get("amount"), dict | list):
        raise MalformedNotificationError("amount-unreadable", "amount is no number")


def _transaction(
    flat: Mapping[str, str], order: Mapping[str, str], shared_details: Pairs, personal: Pairs
) -> TransactionSnapshot:
    values, of_order = Values(flat), Values(order)
    facts = read_facts(values, _TRANSACTION)
    facts |= read_facts(of_order, _REQUESTED_OF_ORDER)
    if facts.get("operation_type") == "CREDIT":
        facts |= read_facts(values, _REQUESTED_OF_REFUND)
    details, own_personal = _rest_of(flat, values.odd)
    return TransactionSnapshot(
        uuid=flat["uuid"],
        reference=flat["uuid"],
        facts=facts,
        details=details + shared_details,
        personal=own_personal + personal,
        odd=(*odd_names(values, flat), *odd_names(of_order, order)),
    )


def _abandonment(
    value: Mapping[str, Any], order: Mapping[str, str], details: Pairs, personal: Pairs
) -> TransactionSnapshot:
    """No transaction exists: the page session is known by what was in it, whenever it was told."""
    of_order = Values(order)
    facts = read_facts(of_order, _REQUESTED_OF_ORDER)
    facts["status"] = "ABANDONED"
    lasting = {
        name: value[name] for name in sorted(value) if name not in ("serverDate", "transactions")
    }
    content = json.dumps(lasting, sort_keys=True).encode()
    order_id = [str(facts["order_id"])] if "order_id" in facts else []
    reference = "-".join([*order_id, "abandoned", digest(content)[:16]])
    odd = odd_names(of_order, order)
    return TransactionSnapshot(None, reference, facts, details, personal, odd)


def _rest_of(flat: Mapping[str, str], odd: list[str]) -> tuple[Pairs, Pairs]:
    """Everything that did not become a fact; twins of card details in the newer object left out."""
    details: list[tuple[str, str]] = []
    personal: list[tuple[str, str]] = []
    for name, value in flat.items():
        if name in _READ and name not in odd:
            continue
        if name.startswith(_METHOD) and flat.get(_CARD + name.removeprefix(_METHOD)) == value:
            continue
        (personal if _is_personal(name) else details).append((name, value))
    return storable_pairs(details), storable_pairs(personal)


@lru_cache(maxsize=1024)
def _is_personal(name: str) -> bool:
    return bool(_PERSONAL.fullmatch(name))


def _rest_of_answer(value: Mapping[str, Any], order: Mapping[str, str]) -> tuple[Pairs, Pairs]:
    details = [
        (name, str(value[name])) for name in ("orderCycle", "orderStatus") if value.get(name)
    ]
    details += [
        (f"orderDetails.{name}", one) for name, one in order.items() if name not in _READ_OF_ORDER
    ]
    others = {
        name: one
        for name, one in value.items()
        if name not in _TOP_LEVEL and not name.startswith("_")
    }
    details += _flat(others)
    customer = _flat({"customer": value.get("customer")})
    return storable_pairs(details), storable_pairs(customer)


_TOP_LEVEL = frozenset(
    {
        "shopId",
        "orderCycle",
        "orderStatus",
        "serverDate",
        "orderDetails",
        "customer",
        "transactions",
    }
)


def _alias(flat: Mapping[str, str], facts: Mapping[str, Fact], personal: Pairs) -> AliasSnapshot:
    """A REST answer never says `created`: a check of the means, or new means, is the request."""
    source = flat.get(_CARD + "paymentMethodSource") or flat.get(_METHOD + "paymentMethodSource")
    known = flat.get("transactionDetails.paymentMethodTokenPreviouslyRegistered") == "true"
    is_verification = facts.get("operation_type") == "VERIFICATION"
    told: dict[str, Fact] = {"transaction_uuid": flat["uuid"]}
    for name, fact in (("payment_method",) * 2, ("order_id",) * 2, ("created_at", "made_at")):
        if name in facts:
            told[fact] = facts[name]
    return AliasSnapshot(
        alias=str(facts["alias"]),
        facts=told,
        was_asked=is_verification or source == "NEW",
        is_accepted=facts.get("status") not in REFUSED,
        is_known_means=known,
        personal=[pair for pair in personal if pair[0].startswith("transactionDetails.")],
    )


def _subscription(facts: Mapping[str, Fact]) -> SubscriptionSnapshot:
    """A REST answer tells that a subscription exists, not its plan."""
    is_refused = facts.get("status") in REFUSED
    told: dict[str, Fact] = {"request": NOT_CREATED if is_refused else CREATED}
    if "order_id" in facts:
        told["order_id"] = facts["order_id"]
    return SubscriptionSnapshot(str(facts["subscription_id"]), str(facts.get("alias", "")), told)
