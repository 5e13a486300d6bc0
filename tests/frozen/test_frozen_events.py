"""Every version of every event ever released still loads, folds and rebuilds.

`events_v1.jsonl` holds one stored event of each class, byte for byte as version 1 stores it.
A line is never edited: a new version of a class gets a file, and a line, of its own.
"""

from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import orjson
import pytest
from eventsourcing.utils import register_topic
from sqlalchemy import insert

from ledger.aggregates.event_catalogue import EVENT_CLASSES
from ledger.aggregates.transaction import Transaction
from ledger.application import Ledger
from ledger.projections.engine.registry import PROJECTIONS
from ledger.queries.state import current_state
from ledger.storage.database import Database
from ledger.storage.event_mapper import EventMapper, StoredEntry
from ledger.storage.event_recorder import NewEvent, event_row
from ledger.storage.event_store import RecordedEvent
from ledger.storage.tables import events
from tests.frozen.samples import samples
from tests.projections.brute_force import expected
from tests.projections.helpers import all_rows, follow, ledger_of, poison, rebuilt, rows

SAMPLES = samples()


def stored(topic: str) -> StoredEntry:
    sample = SAMPLES[topic]
    details, sealed = (
        None if sample[name] is None else sample[name].encode() for name in ("details", "sealed")
    )
    return StoredEntry(stream(topic), 1, topic, sample["state"].encode(), details, sealed)


def stream(topic: str) -> UUID:
    return uuid5(NAMESPACE_URL, topic)


def append(database: Database, *entries: StoredEntry) -> None:
    with database.begin() as connection:
        for entry in entries:
            connection.execute(insert(events).values(event_row(NewEvent(entry, "frozen"))))


def test_every_event_class_is_frozen() -> None:
    assert SAMPLES.keys() == EVENT_CLASSES.keys(), "run `python -m tests.update`"


@pytest.mark.parametrize("topic", list(SAMPLES))
def test_a_stored_event_still_loads_and_folds(topic: str) -> None:
    event: Any = EventMapper().to_domain_event(stored(topic))

    state = current_state([RecordedEvent(1, event)])

    assert type(event) is EVENT_CLASSES[topic]
    assert state["version"] == 1
    for name in event.facts if event.moved is None else event.moved:
        if name in state:
            assert state[name] is not None
    written = EventMapper().to_stored_event(event)
    if getattr(EVENT_CLASSES[topic], "class_version", 1) == 1:
        assert orjson.loads(written.state) == orjson.loads(SAMPLES[topic]["state"])
        assert written.details == stored(topic).details
        assert written.sealed_json == stored(topic).sealed_json


def test_every_view_still_takes_them_all(database: Database) -> None:
    ledger: Ledger = ledger_of(database, "payment-accepted")
    append(database, *map(stored, SAMPLES))

    follow(ledger)

    assert [poison(ledger, name) for name in PROJECTIONS] == [[]] * len(PROJECTIONS)
    assert all_rows(ledger) == expected(ledger)
    for name in ("transactions", "orders", "subscriptions"):
        assert rebuilt(ledger, name).is_identical


class Weighed(Transaction.Event):
    """Version 1 had `certainty` for `rule_certainty`, and its amount under another name."""

    TOPIC = "transaction.weighed"
    class_version = 2

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        state["rule_certainty"] = state.pop("certainty")
        facts = state["facts"]
        facts["amount_minor"] = facts.pop("cents")


register_topic(Weighed.TOPIC, Weighed)

WEIGHED_V1 = (
    b'{"timestamp":"2026-11-23T12:00:00.000000Z","notification_id":"01","received_at":'
    b'"2026-11-23T12:00:00.000000Z","shop_id":"12345678","mode":"TEST","reference":"w","rule":'
    b'"end-of-payment","certainty":"told","occurred_at":"2026-11-23T11:00:00.000000Z","facts":'
    b'{"operation_type":"DEBIT","status":"CAPTURED","order_id":"F-1","cents":1250,"currency":"EUR"}}'
)


def test_an_event_of_an_older_version_is_upcast_where_it_is_loaded_and_where_it_is_rebuilt(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EVENT_CLASSES, Weighed.TOPIC, Weighed)  # type: ignore[arg-type]  # a dict
    Weighed.aggregate_class = Transaction
    ledger = ledger_of(database, "payment-accepted")
    old = StoredEntry(stream("weighed"), 1, Weighed.TOPIC, WEIGHED_V1)
    append(database, old)

    follow(ledger)

    assert current_state(ledger.events.history(old.originator_id))["amount_minor"] == 1250
    assert poison(ledger, "transactions") == []
    (row,) = [order for order in rows(ledger, "orders")["orders"] if order["order_id"] == "F-1"]
    assert row["captured_minor"] == 1250
    assert all_rows(ledger) == expected(ledger)
    assert rebuilt(ledger, "orders").is_identical


def test_a_new_version_is_stored_with_its_number() -> None:
    old = StoredEntry(stream("weighed"), 1, Weighed.TOPIC, WEIGHED_V1)
    event = EventMapper().to_domain_event(old)

    again = EventMapper().to_stored_event(event)

    assert orjson.loads(again.state)["class_version"] == 2
    assert EventMapper().to_domain_event(again) == event
