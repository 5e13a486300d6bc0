"""Every example call, signed and received alone, ends in the events that the golden table says."""

from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.vocabulary import EVENTS_BY_RULE, GENERAL
from tests.builders import a_ledger, example_body, examples, receive
from tests.conftest import opened

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


def event_lines(ledger: Ledger) -> list[str]:
    return [_line(recorded.event) for recorded in ledger.events_after(0, 1_000)]


def _line(event: object) -> str:
    facts = event.facts  # type: ignore[attr-defined]
    status = facts.get("status") or facts.get("request") or "-"
    amount = f"{facts.get('amount_minor', '-')} {facts.get('currency', '')}".strip()
    order = facts.get("order_id", "-")
    rule = f"{event.rule} {event.rule_certainty}"  # type: ignore[attr-defined]
    return f"{event.TOPIC:<36} | {rule:<32} | {status} {amount} {order}"  # type: ignore[attr-defined]


@pytest.mark.parametrize(("format_", "name"), examples(), ids=str)
def test_an_example_ends_in_its_events(sqlite_url: str, format_: str, name: str) -> None:
    with opened(sqlite_url) as database:
        ledger = a_ledger(database)
        receipt = receive(ledger, example_body(format_, name))

        lines = event_lines(ledger)

    assert receipt.outcome == "recorded"
    assert lines == golden_table()[f"{format_}/{name}"]


def test_all_examples_end_in_the_same_events_on_both_databases(
    sqlite_url: str, postgres_url: str
) -> None:
    """Received one after another, where some are about the same object."""
    lines = []
    for url in (sqlite_url, postgres_url):
        with opened(url) as database:
            ledger = a_ledger(database)
            receipts = [receive(ledger, example_body(*example)) for example in examples()]
            lines.append(([receipt.outcome for receipt in receipts], event_lines(ledger)))

    on_sqlite, on_postgresql = lines
    assert on_sqlite == on_postgresql
    assert len(on_sqlite[1]) > len(examples()) / 2


def test_the_golden_table_has_every_example_and_nothing_else() -> None:
    assert list(golden_table()) == [f"{format_}/{name}" for format_, name in examples()]


def test_every_event_of_the_table_belongs_to_its_rule() -> None:
    columns = [line.split("|") for lines in golden_table().values() for line in lines]

    pairs = {(rule.split()[0], topic.strip()) for topic, rule, _ in columns}

    announced = {
        (rule, event_class.TOPIC)
        for rule, event_classes in EVENTS_BY_RULE.items()
        for event_class in event_classes
    }
    general = {event_class.TOPIC for event_class in GENERAL}
    assert {pair for pair in pairs if pair[1] not in general} <= announced
