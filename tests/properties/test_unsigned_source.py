"""`kr-src` lies outside the signature: whatever it says, a REST answer leads to the same state."""

from typing import Any
from uuid import UUID

import pytest

from ledger.aggregates.transaction import Transaction
from ledger.ipn.notification_rules import REDELIVERIES, RULE_BY_SOURCE
from tests.builders import example, examples, rest_body
from tests.ipn.reading import content_of
from tests.properties.test_nonsense import decided
from tests.recording.given import InMemory

SOURCES = [None, "NEVER_SEEN", *sorted(REDELIVERIES), *RULE_BY_SOURCE]
ANSWERS = [name for format_, name in examples() if format_ == "rest-v4"]
BY_OPERATOR = {
    Transaction.PaymentDuplicated.TOPIC,
    Transaction.ManualPaymentAccepted.TOPIC,
    Transaction.ManualPaymentRefused.TOPIC,
}


def decided_under(name: str, source: str | None) -> tuple[dict[UUID, Any], set[str]]:
    """Return the state after an answer alone, and the events that led to it."""
    body = rest_body(example("rest-v4", name)["answer"], source)
    changed = decided(content_of(body), InMemory((), {})).changed
    states = {
        id_: (
            aggregate.facts,
            getattr(aggregate, "status", None),
            getattr(aggregate, "instalments", None),
        )
        for id_, aggregate in changed.items()
    }
    topics = {event.TOPIC for each in changed.values() for event in each.collect_events()}
    return states, topics


@pytest.mark.parametrize("name", ANSWERS)
def test_the_state_is_the_same_whatever_kr_src_says(name: str) -> None:
    states, _ = decided_under(name, "PAY")

    assert states
    for source in SOURCES:
        assert decided_under(name, source)[0] == states, source


@pytest.mark.parametrize("name", ANSWERS)
def test_kr_src_alone_makes_no_payment_an_operators(name: str) -> None:
    evidence = [
        (details["parentTransactionUuid"], details["cardDetails"]["paymentSource"] == "MOTO")
        for transaction in example("rest-v4", name)["answer"]["transactions"] or ()
        if (details := transaction["transactionDetails"])
    ]

    _, topics = decided_under(name, "MERCH_BO")

    assert any(map(any, evidence)) or not topics & BY_OPERATOR
