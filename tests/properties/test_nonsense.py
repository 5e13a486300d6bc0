"""What a call is about does not hang on words: nonsense in a field names no other stream."""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from functools import partial
from itertools import islice
from typing import Any
from uuid import UUID

import pytest

from ledger.aggregates.occasion import Occasion
from ledger.errors import MalformedNotificationError
from ledger.ipn import form_v2_fields as form
from ledger.ipn import rest_v4_fields as rest
from ledger.ipn.field_values import names_read
from ledger.ipn.kinds import Kind
from ledger.ipn.snapshots import NotificationContent
from ledger.recording.decider import Decider, Decision, streams_of
from tests.builders import NOON, example, examples, form_body, rest_body
from tests.ipn.reading import content_of
from tests.recording.given import InMemory

NONSENSE = (
    *(" ", "\u00a0", "\u200b", "null", "-", "☃", "e\u0301\u202e", "0", "42", "00042", "-7"),
    *("9" * 18, "9" * 40, "x" * 600, "2026-03-10", "é" * 600, "\x00"),
    *("PAYMENT", "REGISTER_PAY", "EC", "MOTO", "CHALLENGE", "INTERACTIVE", "CHARGE", "YES"),
    *("created", "CREATED ", "debit", "RECURRENT", "token"),
)
"""No word of the fields that it replaces, though some are words of others, or nearly theirs."""

FORM_NAMES = names_read(form.TRANSACTION_FIELDS, form.ALIAS_FIELDS, form.SUBSCRIPTION_FIELDS) | {
    "vads_identifier_previously_registered",
    "vads_page_action",
    "vads_payment_config",
}
FORM_IDENTITY = {
    "vads_trans_uuid",  # names the transaction, or with those below what has no uuid
    "vads_trans_id",
    "vads_trans_date",
    "vads_identifier",  # names the alias, and with it the subscription
    "vads_subscription",
}
FORM_IDENTITY_WITHOUT_UUID = {"vads_sequence_number", "vads_operation_type"}

REST_NAMES = names_read(rest.TRANSACTION_FIELDS) | {
    rest.CARD + "paymentMethodSource",
    rest.DETAILS + "creationContext",
    rest.DETAILS + "userInfo",
}
REST_IDENTITY = {
    "paymentMethodToken",
    rest.DETAILS + "subscriptionDetails.subscriptionId",
}

Variant = tuple[str, Any, Callable[[], bytes]]
"""A field, the nonsense in it, and what makes the body."""

Touched = set[tuple[Kind, UUID, int]]
"""The streams that a call adds to, or repeats, each with its number of instalments."""


def decided(content: NotificationContent, repository: InMemory) -> Decision:
    occasion = Occasion(
        notification_id="0" * 26,
        shop_id=content.shop_id,
        mode=content.mode,
        received_at=NOON,
        recorded_at=NOON,
        told_at=content.told_at,
        source=content.source,
        rule=content.rule,
        rule_certainty=content.rule_certainty,
    )
    return Decider(content, streams_of(content), occasion, repository).decide()


def touched(content: NotificationContent, *, after: NotificationContent | None = None) -> Touched:
    """Return what a call touches, in an empty ledger or after another call."""
    known = InMemory((), {})
    if after is not None:
        known.aggregates |= decided(after, InMemory((), {})).changed
    decision = decided(content, known)
    aggregates = {id_: known.aggregates[id_] for id_ in decision.repeated} | decision.changed
    return {
        (aggregate.KIND, id_, len(getattr(aggregate, "instalments", ())))
        for id_, aggregate in aggregates.items()
    }


def form_variants(fields: Mapping[str, str]) -> Iterator[Variant]:
    identity = FORM_IDENTITY | (
        set() if fields.get("vads_trans_uuid") else FORM_IDENTITY_WITHOUT_UUID
    )
    for name in sorted(FORM_NAMES & fields.keys() - identity):
        for nonsense in NONSENSE if fields[name] else ():
            yield name, nonsense, partial(form_body, {**fields, name: nonsense})


def rest_variants(payment: Mapping[str, Any], source: str) -> Iterator[Variant]:
    for index, transaction in enumerate(payment["transactions"] or ()):
        for name in sorted(REST_NAMES - REST_IDENTITY):
            if value_at(transaction, name) is None:
                continue
            for nonsense in (*NONSENSE, 42, True):
                yield name, nonsense, partial(with_nonsense, payment, source, index, name, nonsense)


def with_nonsense(
    payment: Mapping[str, Any], source: str, index: int, path: str, nonsense: Any
) -> bytes:
    changed = deepcopy(dict(payment))
    put(changed["transactions"][index], path, nonsense)
    return rest_body(changed, source)


def value_at(node: Any, path: str) -> Any:
    for name in path.split("."):
        node = node.get(name) if isinstance(node, dict) else None
    return node


def put(node: Any, path: str, value: Any) -> None:
    *way, last = path.split(".")
    for name in way:
        node = node[name]
    node[last] = value


OPENING_BY_PAYMENT = example("form-v2", "subscription-created-with-payment")
ON_KNOWN_ALIAS = {"vads_page_action": "SUBSCRIBE", "vads_identifier_status": ""} | {
    "vads_occurrence_type": "RECURRENT_INTERMEDIAIRE"
}
FIRST_INSTALMENT = example("form-v2", "subscription-installment-accepted")
REST_INSTALMENT = example("rest-v4", "subscription-installment-accepted")
REST_OPENING = example("rest-v4", "subscription-created-with-payment")


def without(call: Mapping[str, Any], path: str) -> dict[str, Any]:
    changed = deepcopy(dict(call))
    put(changed["answer"]["transactions"][0], path, None)
    return changed


CALLS: dict[tuple[str, str], Mapping[str, Any]] = {
    **{(format_, name): example(format_, name) for format_, name in examples()},
    ("form-v2", "opening on a known alias, with a payment"): {
        "fields": OPENING_BY_PAYMENT["fields"] | ON_KNOWN_ALIAS
    },
    ("form-v2", "instalment without its place in the series"): {
        "fields": FIRST_INSTALMENT["fields"] | {"vads_occurrence_type": ""}
    },
    ("rest-v4", "instalment before 2021"): without(
        REST_INSTALMENT, rest.DETAILS + "occurrenceType"
    ),
    ("rest-v4", "opening before 2021"): without(REST_OPENING, rest.DETAILS + "occurrenceType"),
}


def variants(format_: str, name: str) -> tuple[bytes, Iterator[Variant]]:
    content = CALLS[format_, name]
    if format_ == "form-v2":
        return form_body(content["fields"]), form_variants(content["fields"])
    answer, source = content["answer"], content["kr-src"]
    return rest_body(answer, source), rest_variants(answer, source)


STATUSES = {"vads_trans_status", "detailedStatus"}
UNREADABLE = {"vads_amount", "vads_effective_amount", "amount", "detailedStatus"} | {
    "vads_sub_amount",
    "vads_sub_init_amount",
}


def as_far_as_certain(streams: Touched, field: str) -> Touched:
    """Leave out the alias where it is the status that changed.

    A mere use proves that an alias exists only if the payment was not refused.
    """
    return {stream for stream in streams if stream[0] != Kind.ALIAS or field not in STATUSES}


@pytest.mark.parametrize(("format_", "name"), CALLS)
def test_nonsense_in_a_known_field_changes_no_stream_that_a_call_touches(
    format_: str, name: str
) -> None:
    body, changed_calls = variants(format_, name)
    original = content_of(body)
    alone, again = touched(original), touched(original, after=original)
    is_plain = {kind for kind, _, _ in alone} <= {Kind.TRANSACTION}

    for field, nonsense, changed_body in islice(changed_calls, 0, None, 11 if is_plain else 1):
        case = f"{field}={nonsense!r:.40}"
        try:
            content = content_of(changed_body())
        except MalformedNotificationError:
            assert field in UNREADABLE, case  # kept whole, and undecided
            continue
        for streams, expected in [
            (touched(content), alone),
            (touched(content, after=original), again),
        ]:
            assert as_far_as_certain(streams, field) == as_far_as_certain(expected, field), case
