"""What the documents say about events, rules and facts is what the code says."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import get_origin

import pytest

from ledger.aggregates.aggregate import LedgerAggregate
from ledger.aggregates.alias import Alias
from ledger.aggregates.event_catalogue import EVENT_CLASSES, SENTENCES
from ledger.aggregates.subscription import Subscription
from ledger.aggregates.transaction import Transaction
from ledger.ipn.notification_rules import RULES
from ledger.ipn.snapshots import (
    ALIAS_FACTS,
    INSTALMENT_FACTS,
    SUBSCRIPTION_FACTS,
    TRANSACTION_FACTS,
)
from tests.events_by_rule import EVENTS_BY_RULE, GENERAL

DOCS = Path(__file__).resolve().parents[1] / "docs"
EVENTS = (DOCS / "events.md").read_text()
ARCHITECTURE = (DOCS / "architecture.md").read_text()


def table(*lines: Iterable[str]) -> str:
    head, *rest = lines
    return "\n".join(_line(row) for row in (head, ["---"] * len(list(head)), *rest)) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def rules_of(event_class: type[LedgerAggregate.Event]) -> str:
    if event_class in GENERAL:
        return "any"
    return ", ".join(rule for rule, classes in EVENTS_BY_RULE.items() if event_class in classes)


def events_table(aggregate: type[LedgerAggregate]) -> str:
    rows = [
        [f"`{topic}`", f"`{event_class.__name__}`", SENTENCES[event_class], rules_of(event_class)]
        for topic, event_class in EVENT_CLASSES.items()
        if event_class.aggregate_class is aggregate
    ]
    return table(["stored name", "class", "sentence", "rules"], *rows)


def facts_table(descriptions: Mapping[str, str]) -> str:
    return table(
        ["fact", "meaning"], *([f"`{name}`", meaning] for name, meaning in descriptions.items())
    )


def rules_table() -> str:
    rows = [
        [f"`{rule.name}`", rule.meaning, rule.switch, "yes" if rule.is_on_by_default else "no"]
        for rule in RULES.values()
    ]
    return table(["rule", "what happened", "Back Office rule", "on by default"], *rows)


def vocabulary_table() -> str:
    rows = [
        [f"`{rule}`", ", ".join(f"`{event_class.__qualname__}`" for event_class in classes)]
        for rule, classes in (*EVENTS_BY_RULE.items(), ("any", GENERAL))
    ]
    return table(["rule", "events"], *rows)


def fields_of(event_class: type[LedgerAggregate.Event]) -> set[str]:
    annotations: dict[str, object] = {}
    for parent in reversed(event_class.__mro__):
        annotations |= vars(parent).get("__annotations__", {})
    return {
        name
        for name, kind in annotations.items()
        if "ClassVar" not in str(get_origin(kind) or kind) and name not in _NOT_STORED
    }


_NOT_STORED = {"originator_id_type"}  # how the library tells a class what its ids are


@pytest.mark.parametrize("aggregate", [Transaction, Alias, Subscription])
def test_every_event_is_described_with_its_sentence_and_rules(
    aggregate: type[LedgerAggregate],
) -> None:
    assert events_table(aggregate) in EVENTS


@pytest.mark.parametrize(
    "descriptions", [TRANSACTION_FACTS, ALIAS_FACTS, SUBSCRIPTION_FACTS, INSTALMENT_FACTS]
)
def test_every_fact_is_described(descriptions: Mapping[str, str]) -> None:
    assert facts_table(descriptions) in EVENTS


def test_every_rule_is_described() -> None:
    assert rules_table() in EVENTS


def test_every_field_of_an_event_is_described_and_no_other() -> None:
    section = EVENTS.split("## What every event carries")[1].split("\n## ")[0]
    described = set(re.findall(r"^\| `(\w+)`", section, re.MULTILINE))

    assert described == set().union(*map(fields_of, EVENT_CLASSES.values()))


def test_the_vocabulary_by_rule_is_the_one_of_the_code() -> None:
    assert vocabulary_table() in EVENTS


def test_the_architecture_begins_with_its_pictures_and_stays_short() -> None:
    lines = ARCHITECTURE.splitlines()
    pictures = [number for number, line in enumerate(lines) if line == "```mermaid"]

    assert len(lines) < 250
    assert len(pictures) == 2
    assert lines[pictures[0] - 2].startswith("## ")
    assert pictures[0] < 15


def test_every_room_has_its_row_in_the_architecture_and_no_other() -> None:
    root = DOCS.parent
    rooms = {
        f"{path.parent.relative_to(root).as_posix()}/"
        for path in (root / "ledger").glob("*/**/__init__.py")
    } - {"ledger/simulator/stories/"}
    section = ARCHITECTURE.split("## The rooms")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([\w/.]+)`", row.split("|")[1])}

    assert {name for name in named if name.startswith("ledger/") and name.endswith("/")} == rooms
    assert {"ledger/application.py", "ledger/errors.py", "web/"} <= named


def test_every_file_that_the_documents_name_by_its_last_part_exists() -> None:
    names = {
        path.name
        for folder in ("ledger", "web", "tests")
        for path in (DOCS.parent / folder).rglob("*.py")
    }
    for document in DOCS.rglob("*.md"):
        for name in re.findall(r"`(\w+\.py)`", document.read_text()):
            assert name in names, f"{document.name}: {name}"
