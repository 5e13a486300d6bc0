"""Every story of the synthetic platform, in both formats and mixed, ends as its platform knows."""

from typing import Any
from uuid import UUID

import pytest

from ledger.aggregates.alias import Alias
from ledger.aggregates.subscription import Subscription
from ledger.aggregates.transaction import Transaction
from ledger.application import Ledger
from ledger.items import item
from ledger.simulator.expected import ABANDONMENT, ALIAS, SUBSCRIPTION, Expected, expected
from ledger.simulator.stories import STORIES
from ledger.simulator.telling import MIXED, teller
from ledger.storage.database import Database
from tests.builders import NOON, SHOP_ID, a_ledger, receive

FORMATS = ("form", "rest", MIXED)


@pytest.mark.parametrize("format_", FORMATS)
def test_every_story_ends_as_the_platform_knows(database: Database, format_: str) -> None:
    ledger = a_ledger(database)
    told_by = teller(ledger.shops, SHOP_ID, "TEST", at=NOON)
    differing = []

    for number, story in enumerate(STORIES.values()):
        if not told_by.can_tell(story, format_):
            continue
        tellings = told_by.tell(story, 7, number, format_)
        for telling in tellings:
            receipt = receive(ledger, telling.body)
            assert receipt.outcome in ("recorded", "repeated"), (story.name, receipt)
        differing += [
            (story.name, one.kind, one.id, difference)
            for one in expected(tellings)
            if (difference := differences(ledger, one))
        ]

    assert differing == []


def differences(ledger: Ledger, wanted: Expected) -> dict[str, Any]:
    if wanted.kind == ABANDONMENT:
        return {}  # has no id to look up; the golden examples cover it
    found = item(ledger.events.history(stream_of(ledger, wanted)))
    told: dict[str, Any] = {
        name: (value, found[name]) for name, value in wanted.facts.items() if found[name] != value
    }
    for instalment in wanted.instalments:
        same = [
            one
            for one in found["instalments"]
            if one["transaction_uuid"] == instalment["transaction_uuid"]
        ]
        if len(same) != 1 or not instalment.items() <= same[0].items():
            told[str(instalment["transaction_uuid"])] = (instalment, same)
    return told


def stream_of(ledger: Ledger, wanted: Expected) -> UUID:
    name = str(wanted.id)
    if wanted.kind == ALIAS:
        return Alias.id_of(SHOP_ID, "TEST", name)
    if wanted.kind == SUBSCRIPTION:
        return Subscription.id_of(SHOP_ID, "TEST", name, str(wanted.facts.get("alias", "")))
    return Transaction.id_of(SHOP_ID, "TEST", name)
