"""Takes card data out of what a notification says, field by field, and finds it in a body.

The platform's own fields are left alone while they hold what they are for. A name that identifies
something stays whole, since the ledger knows it by that name: it is marked, and masked for those
who see no personal data. Everywhere else card data is masked before anybody keeps or reads it.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple, TypeVar

from ledger.errors import MalformedNotificationError
from ledger.ipn.card_data import (
    HIDDEN,
    CardData,
    is_code,
    is_code_name,
    is_too_plain,
    masked_text,
)
from ledger.ipn.delivery import Delivery, Limits, read_fields
from ledger.ipn.rest_v4_json import flatten, parse_answer
from ledger.ipn.snapshots import (
    AliasSnapshot,
    Fact,
    NotificationContent,
    Pairs,
    Snapshot,
    SubscriptionSnapshot,
    TransactionSnapshot,
)

Kinds = frozenset[CardData]
_Snapshot = TypeVar("_Snapshot", bound=Snapshot)

NEVER_KEPT: Kinds = frozenset({CardData.CARD_NUMBER, CardData.TRACK, CardData.SECURITY_CODE})
"""What a body that nobody has signed is not kept with."""

_SUSPECTED = "-suspected"
_IDENTIFYING = frozenset({"vads_order_id", "vads_identifier", "vads_subscription", "vads_cust_id"})
_IDENTIFYING_PATHS = (
    *("orderId", "orderDetails.orderId", "paymentMethodToken", "customer.reference"),
    "transactionDetails.subscriptionDetails.subscriptionId",
)
_IDENTIFYING_ENDINGS = tuple(f".{path}" for path in _IDENTIFYING_PATHS)
_OF_THE_MERCHANT = "metadata."
_MEANS = re.compile(r"[0-9A-Z]{0,20}[X*]{4,30}[0-9A-Z_]{0,20}|[A-Z]{2}[0-9]{2}[0-9A-Z_]{11,42}")
_SCHEME_REFERENCE = re.compile(r"[0-9A-Za-z]{1,15}")
_STRICT: Mapping[str, re.Pattern[str]] = {
    "vads_card_number": _MEANS,  # or a bank account
    "card_number": _MEANS,
    "pan": _MEANS,
    "vads_initial_issuer_transaction_identifier": _SCHEME_REFERENCE,
    "initial_issuer_transaction_identifier": _SCHEME_REFERENCE,
    "initialIssuerTransactionIdentifier": _SCHEME_REFERENCE,
    "vads_ext_trans_id": _SCHEME_REFERENCE,
    "ext_trans_id": _SCHEME_REFERENCE,
    "externalTransactionId": _SCHEME_REFERENCE,
}
"""Fields of the platform that may look like card data, by the last part of their name."""


# -- what a notification says ---------------------------------------------------------------------


def without_card_data(content: NotificationContent) -> NotificationContent:
    """Return the content with card data masked, and each snapshot marked that held any.

    Shape: a mark is the kind and the field, `card-number-suspected: vads_order_info`. The same
    content always gives the same; only the raw body still has what was masked.
    """
    return replace(
        content,
        transactions=tuple(map(_transaction, content.transactions)),
        aliases=tuple(map(_alias, content.aliases)),
        subscriptions=tuple(map(_subscription, content.subscriptions)),
    )


def kinds_suspected(content: NotificationContent) -> tuple[str, ...]:
    """Return the kinds of card data with which a content is marked, each once."""
    marked = [
        *(transaction.suspected for transaction in content.transactions),
        *(alias.suspected for alias in content.aliases),
        *(subscription.suspected for subscription in content.subscriptions),
    ]
    kinds = {mark.partition(_SUSPECTED)[0] for marks in marked for mark in marks}
    return tuple(sorted(kinds))


def _transaction(snapshot: TransactionSnapshot) -> TransactionSnapshot:
    return _masked(snapshot, snapshot.facts)


def _alias(snapshot: AliasSnapshot) -> AliasSnapshot:
    return _masked(snapshot, {"alias": snapshot.alias, **snapshot.facts})


def _subscription(snapshot: SubscriptionSnapshot) -> SubscriptionSnapshot:
    names = {"subscription_id": snapshot.subscription_id, "alias": snapshot.alias}
    return _masked(snapshot, {**names, **snapshot.facts})


def _masked(unmasked: _Snapshot, facts: Mapping[str, Fact]) -> _Snapshot:
    details, detail_marks = _masked_pairs(unmasked.details)
    personal, personal_marks = _masked_pairs(unmasked.personal)
    marks = [*_marks_of_facts(facts), *detail_marks, *personal_marks]
    if not marks:
        return unmasked
    return replace(
        unmasked,
        details=details,
        personal=personal,
        odd=tuple(_rules_of(name).clean_name for name in unmasked.odd),
        suspected=tuple(dict.fromkeys(marks)),
    )


def _marks_of_facts(facts: Mapping[str, Fact]) -> Iterator[str]:
    """Mark facts, which stay whole: the ledger counts and finds by them."""
    for name, fact in facts.items():
        if isinstance(fact, str):
            yield from _marks(masked_text(fact)[1], name)


def _masked_pairs(named_texts: Pairs) -> tuple[Pairs, list[str]]:
    masked_pairs: Pairs = []
    marks: list[str] = []
    taken = Counter(map(itemgetter(0), named_texts))
    for name, text in named_texts:
        rules = _rules_of(name)
        if rules.is_ordinary and is_too_plain(text):
            masked_pairs.append([name, text])
            continue
        clean, kinds = _masked_value(rules, text)
        clean_name = rules.clean_name
        if clean_name != name:
            clean_name = _apart(clean_name, taken)
        masked_pairs.append([clean_name, text if rules.is_identifying else clean])
        if kinds or clean_name != name:
            marks += _marks(kinds | masked_text(name)[1], clean_name)
    return masked_pairs, marks


def _apart(name: str, taken: Counter[str]) -> str:
    """Return a masked name that no other field has: what was masked kept them apart."""
    while True:
        taken[name] += 1
        if taken[name] == 1:
            return name
        numbered = f"{name} ({taken[name]})"
        if numbered not in taken:
            taken[numbered] += 1
            return numbered


def _marks(kinds: Kinds, name: str) -> list[str]:
    return [f"{kind}{_SUSPECTED}: {name}" for kind in sorted(kinds)]


# -- one field ------------------------------------------------------------------------------------


def is_identifying(name: str) -> bool:
    """Return True if a field of this name identifies an order, an alias, a plan or a customer."""
    if _OF_THE_MERCHANT in name:
        return False
    return name in _IDENTIFYING or f".{name}".endswith(_IDENTIFYING_ENDINGS)


class _FieldRules(NamedTuple):
    """What the name of a field says about its texts.

    Shape: `strict` is what the platform writes there, which is left alone. Of an ordinary one only
    the text matters.
    """

    clean_name: str
    is_identifying: bool
    is_code: bool
    is_ordinary: bool
    strict: re.Pattern[str] | None


@lru_cache(maxsize=4096)
def _rules_of(name: str) -> _FieldRules:
    clean_name, is_code = masked_text(name)[0], is_code_name(name)
    is_ordinary = clean_name == name and not is_code
    strict = _STRICT.get(name.rpartition(".")[2])
    return _FieldRules(clean_name, is_identifying(name), is_code, is_ordinary, strict)


def masked_field(name: str, text: str) -> tuple[str, str]:
    """Return the name and the text of a field without card data, whatever the field is for."""
    rules = _rules_of(name)
    return rules.clean_name, _masked_value(rules, text)[0]


def _masked_value(rules: _FieldRules, text: str) -> tuple[str, Kinds]:
    if rules.strict is not None and rules.strict.fullmatch(text):
        return text, frozenset()
    if rules.is_code and is_code(text):
        return HIDDEN, frozenset({CardData.SECURITY_CODE})
    return masked_text(text)


# -- what a body holds ----------------------------------------------------------------------------


def kinds_in_body(delivery: Delivery, limits: Limits) -> Kinds:
    """Return the kinds of card data that a raw body holds, whoever sent it.

    Shape: numbers in identifying fields are left out, where an order of 16 digits may be meant. A
    body that is no form is read as one text.
    """
    try:
        fields = read_fields(delivery, limits)
    except MalformedNotificationError:
        return masked_text(delivery.body.decode("utf-8", "replace"))[1]
    kinds: set[CardData] = set()
    for name, text in _scalars(fields, limits):
        kinds |= masked_text(name)[1]
        rules = _rules_of(name)
        in_value = _masked_value(rules, text)[1]
        if rules.is_identifying:
            in_value -= {CardData.CARD_NUMBER, CardData.IBAN}
        kinds |= in_value
    return frozenset(kinds)


def _scalars(fields: Mapping[str, str], limits: Limits) -> Iterator[tuple[str, str]]:
    """Yield names and texts; of JSON the names and texts within, so far as it can be read."""
    for name, text in fields.items():
        try:
            answer = parse_answer(text, limits.json_depth_max) if text.startswith("{") else None
        except MalformedNotificationError:
            answer = None
        yield from flatten(answer) if answer is not None else [(name, text)]
