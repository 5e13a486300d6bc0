"""Every story of the synthetic platform, in both formats and mixed, ends as its platform knows."""

from typing import Any
from uuid import UUID

import pytest

from ledger.aggregates.alias import Alias
from ledger.aggregates.subscription import Subscription
from ledger.aggregates.transaction import Transaction
from ledger.application import Ledger
from ledger.queries.state import current_state
from ledger.simulator.expected_objects import (
    ABANDONMENT,
    ALIAS,
    SUBSCRIPTION,
    ExpectedObject,
    expected,
)
from ledger.simulator.signed_calls import MIXED, synthetic_platform
from ledger.simulator.stories import FORM, REST, STORIES
from ledger.storage.database import Database
from tests.builders import NOON, SHOP_ID, a_ledger, receive


@pytest.mark.parametrize("format_choice", [FORM, REST, MIXED])
def test_every_story_ends_as_the_platform_knows(database: Database, format_choice: str) -> None:
    ledger = a_ledger(database)
    platform = synthetic_platform(ledger.shops, SHOP_ID, "TEST", at=NOON)
    differing = []

    for number, story in enumerate(STORIES.values()):
        if not platform.can_play(story, format_choice):
            continue
        signed_calls = platform.signed_calls(story, 7, number, format_choice)
        for signed_call in signed_calls:
            receipt = receive(ledger, signed_call.body, received_at=signed_call.call.sent_at)
            assert receipt.outcome in ("recorded", "repeated"), (story.name, receipt)
        differing += [
            (story.name, expected_object.kind, expected_object.id, difference)
            for expected_object in expected(signed_calls)
            if (difference := differences(ledger, expected_object))
        ]

    assert differing == []


def differences(ledger: Ledger, expected_object: ExpectedObject) -> dict[str, Any]:
    if expected_object.kind == ABANDONMENT:
        return {}  # has no id to look up; the golden examples cover it
    state = current_state(ledger.events.history(stream_of(ledger, expected_object)))
    different: dict[str, Any] = {
        name: (value, state[name])
        for name, value in expected_object.facts.items()
        if state[name] != value
    }
    for instalment in expected_object.instalments:
        uuid = instalment["transaction_uuid"]
        same = [each for each in state["instalments"] if each["transaction_uuid"] == uuid]
        if len(same) != 1 or not instalment.items() <= same[0].items():
            different[str(uuid)] = (instalment, same)
    return different


def stream_of(ledger: Ledger, expected_object: ExpectedObject) -> UUID:
    name = str(expected_object.id)
    if expected_object.kind == ALIAS:
        return Alias.id_of(SHOP_ID, "TEST", name)
    if expected_object.kind == SUBSCRIPTION:
        alias = str(expected_object.facts.get("alias", ""))
        return Subscription.id_of(SHOP_ID, "TEST", name, alias)
    return Transaction.id_of(SHOP_ID, "TEST", name)
