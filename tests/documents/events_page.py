"""The tables of events, facts and rules in `docs/events.md`, made from the code."""

from collections.abc import Mapping

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
from tests.documents.tables import table, with_table
from tests.events_by_rule import EVENTS_BY_RULE, GENERAL


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


def with_tables(text: str) -> str:
    """Return the page with its tables as the code says today; all else stays."""
    text = with_table(text, "Rules", rules_table())
    for section, aggregate in (
        ("Transaction", Transaction),
        ("Alias", Alias),
        ("Subscription", Subscription),
    ):
        text = with_table(text, section, events_table(aggregate))
    text = with_table(text, "Transaction", facts_table(TRANSACTION_FACTS))
    text = with_table(text, "Alias", facts_table(ALIAS_FACTS))
    text = with_table(text, "Subscription", facts_table(SUBSCRIPTION_FACTS))
    text = with_table(text, "Subscription", facts_table(INSTALMENT_FACTS), place=1)
    return with_table(text, "Events by rule", vocabulary_table())
