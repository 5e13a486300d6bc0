"""Every example call, signed and received alone, ends in the events that the golden table says."""

from pathlib import Path

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.storage.database import Database
from tests.builders import (
    a_ledger,
    a_shop,
    example,
    examples,
    form_body,
    receive,
    rest_body,
    shops,
)
from tests.events_by_rule import EVENTS_BY_RULE, GENERAL

GOLDEN = Path(__file__).parents[1] / "golden" / "examples.txt"

SHOP_IDS = {
    f"{format_}/{name}": f"{20_000_000 + n}" for n, (format_, name) in enumerate(examples())
}
"""Each example has a shop of its own, so that no other is known where it arrives."""


def golden_table() -> dict[str, list[str]]:
    """Shape: `format/name` -> its lines; a line is event, rule, then what it says."""
    golden: dict[str, list[str]] = {}
    name = ""
    for line in GOLDEN.read_text().splitlines():
        if line.startswith("    "):
            golden[name].append(line.strip())
        elif line and not line.startswith("#"):
            name = line
            golden[name] = []
    return golden


def body_of(format_: str, name: str, shop_id: str) -> bytes:
    """Return an example as the platform would have signed it for a shop."""
    content = example(format_, name)
    if format_ == "form-v2":
        return form_body(content["fields"] | {"vads_site_id": shop_id})
    return rest_body(content["answer"] | {"shopId": shop_id}, content["kr-src"])


def line_of(event: LedgerAggregate.Event) -> str:
    facts = event.facts
    status = facts.get("status") or facts.get("request") or "-"
    amount = f"{facts.get('amount_minor', '-')} {facts.get('currency', '')}".strip()
    order = facts.get("order_id", "-")
    rule = f"{event.rule} {event.rule_certainty}"
    return f"{event.TOPIC:<36} | {rule:<32} | {status} {amount} {order}"


def test_every_example_ends_in_its_events_and_the_table_has_no_others(database: Database) -> None:
    ledger = a_ledger(database, shops(*map(a_shop, SHOP_IDS.values())))

    for format_, name in examples():
        receipt = receive(ledger, body_of(format_, name, SHOP_IDS[f"{format_}/{name}"]))
        assert receipt.outcome == "recorded", name

    lines: dict[str, list[str]] = {shop_id: [] for shop_id in SHOP_IDS.values()}
    for recorded in ledger.events.events_after(0, 1_000):
        lines[recorded.event.shop_id].append(line_of(recorded.event))
    assert {name: lines[shop_id] for name, shop_id in SHOP_IDS.items()} == golden_table()


def test_every_event_of_the_table_belongs_to_its_rule() -> None:
    cells = [line.split("|") for lines in golden_table().values() for line in lines]

    pairs = {(rule.split()[0], topic.strip()) for topic, rule, _ in cells}

    announced = {
        (rule, event_class.TOPIC)
        for rule, event_classes in EVENTS_BY_RULE.items()
        for event_class in event_classes
    }
    general = {event_class.TOPIC for event_class in GENERAL}
    assert {pair for pair in pairs if pair[1] not in general} <= announced
