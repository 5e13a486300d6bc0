"""Every example call, signed and received alone, ends in the events that the golden table says."""

from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.storage.database import Database
from ledger.vocabulary import EVENTS_BY_RULE, GENERAL
from tests.builders import a_ledger, example_body, examples, receive

GOLDEN = Path(__file__).parent / "golden" / "examples.txt"


def golden_table() -> dict[str, list[str]]:
    """Shape: `format/name` -> its lines; a line is event, rule, then what it says."""
    table: dict[str, list[str]] = {}
    name = ""
    for line in GOLDEN.read_text().splitlines():
        if line.startswith("    "):
            table[name].append(line.strip())
        elif line and not line.startswith("#"):
            name = line
            table[name] = []
    return table


def told_lines(ledger: Ledger) -> list[str]:
    return [_line(one.event) for one in ledger.events.events_after(0, 100)]


def _line(event: object) -> str:
    facts = event.facts  # type: ignore[attr-defined]
    status = facts.get("status") or facts.get("request") or "-"
    amount = f"{facts.get('amount_minor', '-')} {facts.get('currency', '')}".strip()
    order = facts.get("order_id", "-")
    rule = f"{event.rule} {event.rule_certainty}"  # type: ignore[attr-defined]
    return f"{event.TOPIC:<36} | {rule:<32} | {status} {amount} {order}"  # type: ignore[attr-defined]


@pytest.mark.parametrize(("format_", "name"), examples(), ids=lambda one: str(one))
def test_an_example_ends_in_its_events(database: Database, format_: str, name: str) -> None:
    ledger = a_ledger(database)

    receipt = receive(ledger, example_body(format_, name))

    assert receipt.outcome == "recorded"
    assert told_lines(ledger) == golden_table()[f"{format_}/{name}"]


def test_the_golden_table_has_every_example_and_nothing_else() -> None:
    assert list(golden_table()) == [f"{format_}/{name}" for format_, name in examples()]


def test_every_event_of_the_table_belongs_to_its_rule() -> None:
    told = [line.split("|") for lines in golden_table().values() for line in lines]

    pairs = {(rule.split()[0], topic.strip()) for topic, rule, _ in told}

    announced = {(rule, one.TOPIC) for rule, classes in EVENTS_BY_RULE.items() for one in classes}
    general = {one.TOPIC for one in GENERAL}
    assert {pair for pair in pairs if pair[1] not in general} <= announced
